// A result in plain words: what happened, why, and what the supervisor saw. Makes strings and nothing else.

import { fieldOf } from "./limits.js";
import { array, bytes, count, duration, label, number, object, plural, string } from "./text.js";

const titles = {
  ok: ["good", "Finished"],
  nonzero_exit: ["warn", "Finished with an error"],
  signaled: ["bad", "Ended by a signal"],
  cpu_time_limit: ["limit", "CPU time used up"],
  wall_time_limit: ["limit", "Time is over"],
  output_limit: ["limit", "Too much output"],
  memory_limit: ["limit", "Out of memory"],
  process_limit: ["limit", "Too many processes"],
  disk_limit: ["limit", "Disk full"],
  compile_error: ["bad", "Does not compile"],
  cancelled: ["quiet", "Cancelled"],
  expired: ["quiet", "Waited too long"],
  internal_error: ["bad", "The engine failed"],
};

const signals = {
  SIGSEGV: "it touched memory that it does not have", SIGABRT: "it gave up by itself: abort, or a failed check",
  SIGFPE: "a division by zero, or another impossible calculation", SIGILL: "an instruction that there is not",
  SIGBUS: "it touched memory in a way that the hardware refuses", SIGPIPE: "it wrote to a pipe that nobody reads",
  SIGXFSZ: "one file grew over its limit", SIGSYS: "system calls that the policy refuses",
  SIGKILL: "it, or another process of its own, sent the signal that cannot be caught", SIGTERM: "it was asked to end",
};

/** The colour and the words for a status; a status that the page does not know is a failure. */
export function titleOf(status) {
  return Object.hasOwn(titles, status) ? titles[status] : ["bad", label(status, 60) || "No status"];
}

/** @returns {{tone: string, title: string, lines: string[]}} */
export function explain(result, job = {}) {
  const status = string(result.status);
  let [tone, title] = titleOf(status);
  const evidence = object(result.evidence);
  const lines = [];
  const summary = object(result.summary);
  const isOfCases = number(summary.total) !== null;
  if (isOfCases && ["ok", "nonzero_exit"].includes(status)) {
    const isGood = summary.failed === 0 && summary.skipped === 0 && status === "ok";
    [tone, title] = isGood
      ? ["good", `${plural(summary.total, "case")} accepted`]
      : ["bad", `${count(summary.accepted)} of ${plural(summary.total, "case")} accepted`];
  }
  lines.push(...main(status, result, evidence, isOfCases, summary));
  lines.push(...asides(status, result, evidence));
  if (number(job.attempt) > 1 || number(result.attempt) > 1) {
    lines.push(`This is attempt ${count(result.attempt ?? job.attempt)}: the worker of the one before died or failed.`);
  }
  return { tone, title, lines };
}

function main(status, result, evidence, isOfCases, summary) {
  const message = label(result.message, 400);
  const own = exit(result);
  switch (status) {
    case "ok":
    case "nonzero_exit": {
      if (isOfCases) {
        const parts = [`Compiled once and run in ${plural(summary.total - summary.skipped, "fresh sandbox", "fresh sandboxes")}.`];
        if (result.compile == null) parts[0] = `Run in ${plural(summary.total - summary.skipped, "fresh sandbox", "fresh sandboxes")}.`;
        if (number(summary.firstFailed) !== null) parts.push(`The first that failed is number ${count(caseNumber(summary))}.`);
        if (summary.skipped > 0) parts.push(`${plural(summary.skipped, "case")} not run.`);
        return [parts.join(" ")];
      }
      const ran = `after ${duration(result.wallTimeMs)}, with ${duration(result.cpuTimeMs)} of CPU time`;
      return [status === "ok"
        ? `The program came to its own end ${ran}.`
        : `The program ended by itself with exit code ${count(result.exitCode)} ${ran}.`];
    }
    case "signaled": {
      if (evidence.firedLimit) return [fired(evidence, result), own].filter(Boolean);
      const signal = label(result.signal, 40);
      const meaning = Object.hasOwn(signals, signal) ? `: ${signals[signal]}` : "";
      return [`The program was ended by ${signal || "a signal"}${meaning}. The supervisor did not send it.`];
    }
    case "compile_error":
      return ["The compiler ran in a sandbox of its own and made no program; what it said is below. Nothing was run."];
    case "cancelled":
      return [number(result.wallTimeMs) > 0
        ? `Ended on request after ${duration(result.wallTimeMs)}; nothing of it runs any more.`
        : "Ended on request before it began."];
    case "expired":
      return ["No worker began it within the time that a job may wait."];
    case "internal_error":
      return [`This is not the program's fault.${message ? ` The engine says: ${message}` : ""}`];
    default:
      if (evidence.firedLimit || status.endsWith("_limit")) return [fired(evidence, result), own].filter(Boolean);
      return [message || "The server says no more about it."];
  }
}

// In `summary` cases are counted from 0.
const caseNumber = (summary) => summary.firstFailed + 1;

function exit(result) {
  return number(result.exitCode) !== null && number(object(result.evidence).firedAtMs) !== null ? `By itself it ended with exit code ${result.exitCode}.` : "";
}

/** Which limit, how much, and when. */
function fired(evidence, result) {
  const name = string(evidence.firedLimit);
  const limit = number(object(evidence.limits)[name]);
  const field = fieldOf(name);
  const at = number(evidence.firedAtMs);
  const when = at !== null ? ` It was ended ${duration(at)} after its start.` : ` The program came to its own end${number(result.exitCode) === null ? "" : `, with exit code ${result.exitCode}`}.`;
  const what = {
    wallTimeMs: () => `The program ran for longer than the ${duration(limit)} of wall time that it had.`,
    cpuTimeMs: () => `The program used up its ${duration(limit)} of CPU time, all its processes together.`,
    memoryBytes: () => `The program needed more than its ${bytes(limit)} of memory: the kernel’s own counter for this container says so.`,
    outputBytes: () => `The program wrote more than ${bytes(limit)} to stdout and stderr. What fitted is shown.`,
    processes: () =>
      `${plural(number(object(evidence.events).pidsMax) ?? 0, "attempt")} to start a process failed at the limit of ${count(limit)} processes and threads.`,
    diskBytes: () => `/box and /tmp were full with ${bytes(limit)}.`,
    inodes: () => `/box and /tmp were full with ${count(limit)} files and folders.`,
    deniedSyscalls: () => "The program went on making system calls that its policy refuses, and was ended for it.",
    watchedSyscalls: () => "The program made more calls of a counted kind than its policy allows, and was ended for it.",
  };
  const words = Object.hasOwn(what, name) && (limit !== null || !field)
    ? what[name]()
    : label(result.message, 400) || `The limit ${label(name, 60)} fired.`;
  return words + when;
}

function asides(status, result, evidence) {
  const lines = [];
  const denied = array(evidence.deniedSyscalls).map(object).filter((call) => string(call.name));
  if (denied.length > 0) {
    const total = denied.reduce((sum, call) => sum + (number(call.count) ?? 0), 0);
    const names = denied.slice(0, 8).map((call) => `${label(call.name, 40)} ${count(call.count)}×`).join(", ");
    const more = denied.length > 8 ? `, and ${denied.length - 8} more` : "";
    lines.push(`The policy refused ${plural(total, "system call")}: ${names}${more}. To the program ${total === 1 ? "it" : "each"} looked like an error.`);
  }
  const events = object(evidence.events);
  if (number(events.oomKill) > 0 && status !== "memory_limit") {
    lines.push(`The kernel ended ${plural(events.oomKill, "process", "processes")} of it for want of memory.`);
  }
  if (number(events.pidsMax) > 0 && string(evidence.firedLimit) !== "processes") {
    lines.push(`${plural(events.pidsMax, "attempt")} to start a process failed at the limit.`);
  }
  if (number(events.throttledMs) >= 10) {
    lines.push(`It was held back for ${duration(events.throttledMs)} in all by its limit of ${count(object(evidence.limits).cpus)} CPU.`);
  }
  if (result.stdoutTruncated === true || result.stderrTruncated === true) lines.push("The output was cut off at the limit.");
  if (evidence.contended === true) lines.push("The host was busy meanwhile: take the times with caution.");
  return lines;
}

const starts = {
  slot: "from a sandbox that was waiting", cold: "from a sandbox set up for it", prestarted: "with its interpreter already up",
};

/** Facts as `[name, value]`, for a line of figures. */
export function facts(result) {
  const evidence = object(result.evidence);
  const list = [];
  const all = number(object(result.summary).cpuTimeMs);
  if (all !== null) {
    if (number(result.wallTimeMs) > 0) list.push(["Slowest case", duration(result.wallTimeMs)]);
    list.push(["CPU, all cases", duration(all)]);
    if (number(result.memoryBytes) > 0) list.push(["Most memory", bytes(result.memoryBytes)]);
  } else list.push(...ofOne(result));
  if (number(result.setupTimeMs) > 0) list.push(["Sandbox in", duration(result.setupTimeMs)]);
  if (number(result.queueTimeMs) >= 1) list.push(["Waited", duration(result.queueTimeMs)]);
  const compile = object(result.compile);
  if (string(compile.status)) {
    list.push(["Compiled in", compile.cached === true ? "0 ms (known)" : duration(compile.wallTimeMs)]);
  }
  return { list, start: Object.hasOwn(starts, evidence.start) ? starts[evidence.start] : "" };
}

function ofOne(result) {
  const list = [];
  if (number(result.exitCode) !== null) list.push(["Exit code", String(result.exitCode)]);
  if (string(result.signal)) list.push(["Signal", label(result.signal, 40)]);
  if (number(result.wallTimeMs) > 0) list.push(["Wall", duration(result.wallTimeMs)]);
  if (number(result.cpuTimeMs) > 0) list.push(["CPU", duration(result.cpuTimeMs)]);
  if (number(result.memoryBytes) > 0) list.push(["Memory", bytes(result.memoryBytes)]);
  return list;
}

/** What was used of each limit; `used` is null for what nobody counts. */
export function usage(result) {
  const evidence = object(result.evidence);
  const limits = object(evidence.limits);
  const peak = object(evidence.peak);
  const used = {
    wallTimeMs: number(result.wallTimeMs), cpuTimeMs: number(result.cpuTimeMs), memoryBytes: number(peak.memoryBytes),
    processes: number(peak.processes), diskBytes: number(peak.diskBytes), inodes: number(peak.inodes),
    outputBytes: number(result.stdoutBytes) === null ? null : result.stdoutBytes + (number(result.stderrBytes) ?? 0),
  };
  return Object.entries(limits).filter(([name, limit]) => fieldOf(name) && number(limit) !== null).map(([name, limit]) => ({
    field: fieldOf(name), limit, used: used[name] ?? null, hasFired: evidence.firedLimit === name,
  }));
}
