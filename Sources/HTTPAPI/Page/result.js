// What is shown of a job: how it stands while it runs, and the whole result with its evidence.

import { Unreachable } from "./api.js";
import { byId, fill, make } from "./dom.js";
import { fieldOf } from "./limits.js";
import { fromBase64, saveAs } from "./output.js";
import { array, bytes, count, duration, excerpt, label, number, object, string } from "./text.js";
import { explain, facts, titleOf, usage } from "./verdict.js";

const marks = { good: "✓", warn: "!", bad: "✕", limit: "◔", quiet: "–", busy: "" };

export class ResultView {
  /** @param {(name: string) => void} onEditLimit is called when the user wants to change a limit. */
  constructor(onEditLimit) {
    this.onEditLimit = onEditLimit;
    this.card = byId("verdict");
    this.live = byId("announce");
  }

  reset() {
    byId("welcome").hidden = true;
    this.card.hidden = false;
    for (const id of ["results-cases", "results-compile", "results-limits", "results-files", "results-job"]) byId(id).hidden = true;
    fill(byId("facts"));
  }

  /** A headline; spoken where it is news. */
  say(tone, title, lines = [], { isNews = true } = {}) {
    this.card.className = `verdict ${tone}`;
    byId("verdict-mark").textContent = marks[tone] ?? "";
    byId("verdict-title").textContent = title;
    fill(byId("verdict-lines"), lines.map((line) => make("p", {}, line)));
    if (isNews) this.live.textContent = [title, ...lines].join(" ").slice(0, 600);
  }

  clock(text) { byId("verdict-clock").textContent = text; }

  problem(error) {
    const lines = [error.message];
    for (const { pointer, detail } of array(error.errors).slice(0, 12)) lines.push(`${label(pointer, 80)}: ${label(detail, 300)}`);
    if (number(error.retryAfter) !== null) lines.push(`Try again in ${count(error.retryAfter)} s.`);
    if (error.requestID) lines.push(`Request ${label(error.requestID, 128)}`);
    this.clock("");
    this.say("bad", titleOfProblem(error), lines.map((line) => label(line, 600)));
  }

  /** Everything of a job that has ended. */
  show(job, request, bounds) {
    const result = object(job.result);
    const { tone, title, lines } = explain(result, job);
    this.clock("");
    this.say(tone, title, lines);
    const told = facts(result);
    fill(byId("facts"), told.list.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
    this.cases(result, request);
    this.compile(object(result.compile));
    this.limits(result, bounds);
    this.files(array(result.files).map(object));
    this.job(job, result, told.start);
  }

  section(id, isShown, ...children) {
    byId(id).hidden = !isShown;
    if (isShown) fill(byId(`${id}-body`), ...children);
  }

  cases(result, request) {
    const results = array(result.results).map(object).slice(0, 1000);
    this.section("results-cases", results.length > 0, make("ol", { class: "case-results" },
      results.map((one, index) => this.case(one, object(array(request.cases)[index]), index))));
  }

  case(one, asked, index) {
    const verdict = string(one.verdict);
    const [tone, words] = verdict === "accepted" ? ["good", "Accepted"]
      : verdict === "wrong_answer" ? ["bad", "Wrong answer"]
      : verdict === "skipped" ? ["quiet", "Not run"] : titleOf(verdict);
    const name = label(one.name, 128) || `Case ${index + 1}`;
    const evidence = object(one.evidence);
    const figures = verdict === "skipped" ? "" : [duration(one.wallTimeMs), bytes(one.memoryBytes)].join(" · ");
    const texts = [
      ["Input", asked.stdin, true], ["Expected", asked.expectedOutput, typeof asked.expectedOutput === "string"],
      ["Printed", one.stdout, verdict !== "skipped"], ["stderr", one.stderr, string(one.stderr) !== ""],
    ].filter(([, , isThere]) => isThere);
    const notes = [
      label(one.message, 300),
      number(one.exitCode) ? `Exit code ${one.exitCode}.` : "",
      evidence.firedLimit ? `Limit: ${fieldOf(evidence.firedLimit)?.title ?? label(evidence.firedLimit, 60)}.` : "",
      one.stdoutTruncated === true ? "What it printed was cut off." : "",
    ].filter(Boolean);
    return make("li", {}, make("details", { open: verdict === "wrong_answer" && index < 20 },
      make("summary", {},
        make("span", { class: `chip ${tone}` }, words), make("span", { class: "case-title" }, name),
        make("span", { class: "case-figures" }, figures)),
      notes.length ? make("p", { class: "case-notes" }, notes.join(" ")) : null,
      make("div", { class: "case-texts" }, texts.map(([title, text]) =>
        make("div", {}, make("h4", {}, title), make("pre", { class: "block", tabindex: 0, "aria-label": `${title} of ${name}` }, excerpt(text, 4_000)))))));
  }

  compile(compile) {
    const said = [string(compile.stdout), string(compile.stderr)].filter(Boolean).join("\n");
    this.section("results-compile", said !== "",
      make("pre", { class: "block", tabindex: 0, "aria-label": "What the compiler said" }, excerpt(said)));
  }

  limits(result, bounds) {
    const rows = usage(result);
    // After a compile stage that failed they are the compiler's, and nothing was counted against them.
    this.section("results-limits", rows.length > 0 && result.status !== "compile_error", make("ul", { class: "bars" }, rows.map((row) => this.bar(row, bounds.get(row.field.name)))));
  }

  bar({ field, limit, used, hasFired }, bound) {
    const most = number(bound?.most);
    const share = used === null ? null : Math.min(1, used / limit);
    const ofMost = most ? Math.min(1, limit / most) : null;
    const words = used === null ? `${field.show(limit)}` : `${field.show(used)} of ${field.show(limit)}`;
    const track = make("span", share === null ? { class: "track none" } : {
      class: "track", role: "meter", "aria-label": field.title, "aria-valuemin": 0, "aria-valuemax": limit,
      "aria-valuenow": Math.min(used, limit), "aria-valuetext": words,
    });
    if (share !== null) track.append(part(share, hasFired ? "used fired" : share > 0.8 ? "used high" : "used"));
    const ceiling = make("span", { class: "track thin" });
    if (ofMost !== null) ceiling.append(part(ofMost, "allowed"));
    const edit = make("button", { type: "button", class: "quiet", "aria-label": `Change the limit: ${field.title}` }, "Change");
    edit.addEventListener("click", () => this.onEditLimit(field.name));
    return make("li", { class: hasFired ? "bar fired" : "bar" },
      make("div", {},
        make("span", { class: "bar-name" }, field.title, hasFired ? make("span", { class: "chip limit" }, "fired") : null),
        make("span", { class: "bar-words" }, words, used === null ? ", not counted" : "")),
      track, ceiling,
      make("div", {}, make("span", { class: "bar-most" }, most ? `${percent(ofMost)} of the server’s ${field.show(most)}` : ""), edit));
  }

  files(files) {
    this.section("results-files", files.length > 0, make("ul", { class: "files" }, files.slice(0, 400).map((file) => {
      const path = label(file.path, 300);
      if (typeof file.content !== "string") {
        return make("li", {}, make("bdi", { class: "path" }, path), make("span", { class: "file-note" }, `left out: ${label(file.skipped, 200) || "no content"}`));
      }
      const content = file.encoding === "base64" ? fromBase64(file.content) : new TextEncoder().encode(file.content);
      const save = make("button", { type: "button", class: "quiet", "aria-label": `Save ${path}` }, "Save");
      save.addEventListener("click", () => saveAs(saveName(file.path), new Blob([content], { type: "application/octet-stream" })));
      return make("li", {},
        make("bdi", { class: "path" }, path), make("span", { class: "file-note" }, bytes(content.length)), save,
        picture(content, path) ?? (file.encoding === "base64" ? null : make("pre", { class: "block short", tabindex: 0, "aria-label": path }, excerpt(file.content, 2_000))));
    })));
  }

  job(job, result, start) {
    const rows = [
      ["Job", label(job.id, 64)], ["Language", label(`${string(result.language)} ${string(result.version)}`, 80)],
      ["Worker", label(result.worker, 80)], ["Started", start],
      ["Attempt", number(result.attempt) === null ? "" : count(result.attempt)],
    ].filter(([, value]) => value.trim());
    this.section("results-job", rows.length > 0,
      make("dl", { class: "pairs" }, rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))));
  }
}

function part(share, name) {
  const element = make("span", { class: name });
  element.style.width = `${(Math.max(share, share > 0 ? 0.006 : 0) * 100).toFixed(2)}%`;
  return element;
}

const percent = (share) => `${share * 100 < 1 ? (share * 100).toFixed(1) : Math.round(share * 100)} %`;

function titleOfProblem(error) {
  switch (error.status) {
    case 400: return "The request has a mistake";
    case 401: return "A key is needed";
    case 403: return "This key may not do that";
    case 404: return "The server does not know it";
    case 413: return "Too large";
    case 429: return "Too many at once";
    case 503: return "Not available now";
    default: return error.status ? "The server refused" : error instanceof Unreachable ? "The server is out of reach" : "It did not work";
  }
}

/** A name for the user's disk: the last component, of characters that no file system takes for more. */
const saveName = (path) => (string(path).split("/").at(-1).replace(/[^\p{L}\p{N}._ -]/gu, "_").replace(/^\.+/, "_").slice(-100) || "file");

/** The most points of a picture that is shown: a small file can hold one that fills the memory. */
const mostPoints = 16 << 20;

/** The file as an image, where it is a PNG of a sensible size; nothing in one can run. */
function picture(content, path) {
  const isPNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a].every((byte, index) => content[index] === byte);
  if (!isPNG || content.length < 33 || content.length > 2 << 20) return null;
  const header = new DataView(content.buffer, content.byteOffset);
  const [width, height] = [header.getUint32(16), header.getUint32(20)];
  if (width * height > mostPoints) return null;
  let text = "";
  for (let start = 0; start < content.length; start += 0x8000) text += String.fromCharCode(...content.subarray(start, start + 0x8000));
  const image = make("img", { class: "picture", alt: path });
  image.src = `data:image/png;base64,${btoa(text)}`;
  return image;
}
