// The page: what the user does, and what a job tells, put together from the parts.

import { Problem, Unreachable, addJob, cancelJob, follow, isKey, key, offer, pause, sendInput, setKey } from "./api.js";
import { CasesForm } from "./cases.js";
import { byId, fill, make, tabs } from "./dom.js";
import { Editor } from "./editor.js";
import { example, examplesOf, nameOf } from "./examples.js";
import { LimitsForm } from "./limits.js";
import { Output, fromBase64 } from "./output.js";
import { ResultView } from "./result.js";
import { clean, decode, encode, isProgram } from "./share.js";
import { StatusStrip } from "./status.js";
import { count, duration, label, number, object, string } from "./text.js";

const draftPlace = "bulkhead.draft";
const mostDraft = 1 << 20;

const editor = new Editor(changed);
const limits = new LimitsForm(changed);
const cases = new CasesForm(changed);
const output = new Output();
const showSetup = tabs(byId("setup-tabs"));
const view = new ResultView((name) => {
  showSetup("limits");
  byId(`limit-${name}`).focus();
});
const strip = new StatusStrip();

let bounds = new Map();
let languages = [];
// The example that the program still is, or null.
let pristine = null;
// What choosing an example replaced.
let replaced = null;
// The run that goes on, or null.
let running = null;

// MARK: The program

const mode = () => document.querySelector('input[name="mode"]:checked')?.value ?? "fixed";

function setMode(name) {
  for (const input of document.querySelectorAll('input[name="mode"]')) input.checked = input.value === name;
  for (const one of ["fixed", "live", "cases"]) byId(`mode-${one}`).hidden = one !== name;
}

const lines = (text) => text.split("\n").filter((line) => line !== "");

/** The program as it stands, in the form of links. */
function program() {
  return clean({
    language: byId("language").value, code: editor.code, mode: mode(), stdin: byId("stdin").value,
    args: lines(byId("args").value), collect: lines(byId("collect").value), cases: cases.cases,
    compare: byId("compare").value, stopOnFailure: byId("stop-on-failure").checked, limits: limits.overrides,
  });
}

function load(given) {
  const wanted = clean(given);
  chooseLanguage(wanted.language);
  editor.code = wanted.code;
  byId("stdin").value = wanted.stdin;
  byId("args").value = wanted.args.join("\n");
  byId("collect").value = wanted.collect.join("\n");
  cases.cases = wanted.cases;
  byId("compare").value = wanted.compare;
  byId("stop-on-failure").checked = wanted.stopOnFailure;
  limits.overrides = wanted.limits;
  setMode(wanted.mode);
}

/** Everything that the user may change ends here. */
function changed() {
  pristine = null;
  byId("example").value = "";
  byId("link-note").hidden = true;
  // The link in the address bar would be of another program.
  if (isProgram(location.hash.slice(1))) {
    const bare = new URL(location.href);
    bare.hash = "";
    history.replaceState(null, "", bare);
  }
  clearTimeout(changed.timer);
  changed.timer = setTimeout(keepDraft, 400);
}

function keepDraft() {
  try {
    const text = JSON.stringify(program());
    if (text.length <= mostDraft) sessionStorage.setItem(draftPlace, text);
    else sessionStorage.removeItem(draftPlace);
  } catch {
    // A browser that keeps nothing: a reload then begins anew.
  }
}

function draft() {
  try {
    const text = sessionStorage.getItem(draftPlace);
    return text ? clean(JSON.parse(text)) : null;
  } catch {
    return null;
  }
}

// MARK: Languages and examples

const find = (name) => languages.find((language) => language.name === name || language.aliases.includes(name));

function chooseLanguage(name) {
  const found = find(name);
  if (found) byId("language").value = found.name;
  const chosen = byId("language").value;
  editor.setLanguage(chosen);
  limits.setLanguage(chosen);
  const list = examplesOf(chosen);
  fill(byId("example"),
    make("option", { value: "" }, list.length ? "Examples…" : "No examples"),
    list.map(({ id, title }) => make("option", { value: id }, title)));
  byId("example").disabled = list.length === 0;
  return Boolean(found);
}

function loadExample(language, id) {
  const found = example(language, id);
  if (!found) return false;
  load(found);
  byId("example").value = id;
  pristine = id;
  return true;
}

byId("language").addEventListener("change", () => {
  const name = byId("language").value;
  const wanted = pristine;
  chooseLanguage(name);
  // A program of one's own stays; an example becomes the same one in the other language.
  if (wanted === null && editor.code.trim() !== "") return changed();
  if (!loadExample(name, wanted) && !loadExample(name, "hello")) load({ language: name });
  keepDraft();
});

byId("example").addEventListener("change", () => {
  const id = byId("example").value;
  if (!id) return;
  if (pristine === null && editor.code.trim() !== "") {
    replaced = program();
    byId("undo").hidden = false;
  }
  byId("link-note").hidden = true;
  loadExample(byId("language").value, id);
  keepDraft();
});

byId("undo").addEventListener("click", () => {
  if (replaced) load(replaced);
  replaced = null;
  byId("undo").hidden = true;
  byId("example").focus();
  changed();
});

for (const id of ["stdin", "args", "collect"]) byId(id).addEventListener("input", changed);
byId("modes").addEventListener("change", () => {
  setMode(mode());
  if (mode() === "cases" && cases.cases.length === 0) byId("case-add").click();
  changed();
});

// MARK: What the server offers

let isOffered = false;

async function learn() {
  for (;;) {
    try {
      const told = await offer();
      bounds = told.limits;
      languages = told.languages;
      if (languages.length === 0) throw new Problem(503, { detail: "No worker serves any language yet." });
      break;
    } catch (error) {
      if (error instanceof Problem && [401, 403].includes(error.status)) {
        askForKey(error, learn);
        if (!isOffered) fill(byId("language"), make("option", { value: "" }, "No languages yet"));
        return;
      }
      if (isOffered) return;
      fill(byId("language"), make("option", { value: "" }, "No languages yet"));
      showWaiting(error);
      await pause(3_000);
    }
  }
  byId("link-note").hidden = true;
  const before = isOffered ? program() : null;
  fill(byId("language"), languages.filter((language, index) => languages.findIndex((other) => other.name === language.name) === index)
    .map((language) => make("option", { value: language.name }, label(`${nameOf(language.name)} ${language.version}`, 60))));
  byId("language").disabled = false;
  byId("run").disabled = false;
  limits.offer(bounds);
  if (before) load(before);
  else await begin();
  isOffered = true;
}

function showWaiting(error) {
  const words = error instanceof Problem ? error.message : "The server is out of reach.";
  note(`${label(words, 300)} Trying again.`);
}

function note(text) {
  byId("link-note").textContent = text;
  byId("link-note").hidden = false;
}

/** The program to begin with: the link's, else what this tab had, else an example. */
async function begin() {
  if (await openLink()) return;
  const kept = draft();
  if (kept && (kept.code || kept.stdin)) {
    load(kept);
    return;
  }
  const first = ["python", "javascript"].find(find) ?? languages[0].name;
  if (!loadExample(first, "live")) load({ language: first });
}

async function openLink() {
  const fragment = location.hash.slice(1);
  if (!isProgram(fragment)) return false;
  try {
    const shared = await decode(fragment);
    load(shared);
    pristine = null;
    note(find(shared.language)
      ? "This program came with the link. Nothing of it has run yet: read it, then run it."
      : `This program came with the link. It is in ${label(shared.language, 40) || "no language"}, which this server does not offer.`);
    return true;
  } catch {
    note("The link holds no program that can be read.");
    return false;
  }
}

window.addEventListener("hashchange", () => { if (isOffered) openLink(); });

// MARK: The key

let afterKey = null;

function askForKey(problem, then) {
  afterKey = then;
  byId("key-detail").hidden = !problem;
  byId("key-detail").textContent = problem ? label(problem.message, 500) : "";
  byId("key").value = key();
  if (!byId("key-dialog").open) byId("key-dialog").showModal();
  byId("key").select();
}

function showKey() { byId("key-set").hidden = key() === ""; }

function keyChanged() {
  showKey();
  strip.keyChanged();
  byId("key-dialog").close();
}

function useKey() {
  const text = byId("key").value.trim();
  if (!isKey(text)) {
    byId("key-detail").textContent = "A key is one word of visible ASCII characters.";
    byId("key-detail").hidden = false;
    byId("key").focus();
    return;
  }
  try {
    setKey(text);
  } catch {
    byId("key-detail").textContent = "This browser does not let the page keep the key for this tab.";
    byId("key-detail").hidden = false;
    return;
  }
  const then = afterKey ?? learn;
  afterKey = null;
  keyChanged();
  then();
}

byId("key-open").addEventListener("click", () => askForKey(null, null));
byId("key-use").addEventListener("click", useKey);
byId("key").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.isComposing) useKey();
});
byId("key-close").addEventListener("click", () => byId("key-dialog").close());
byId("key-dialog").addEventListener("close", () => { byId("key").value = ""; });
byId("key-forget").addEventListener("click", () => {
  setKey("");
  afterKey = null;
  keyChanged();
});

// MARK: Running

function request() {
  const { language, code, mode, stdin, args, collect, cases, compare, stopOnFailure, limits } = program();
  const body = { language, code };
  if (Object.keys(limits).length > 0) body.limits = limits;
  if (mode === "cases") return { ...body, cases, compare, stopOnFailure };
  if (args.length > 0) body.args = args;
  if (collect.length > 0) body.collect = collect;
  if (mode === "live") body.interactive = true;
  else if (stdin) body.stdin = stdin;
  return body;
}

async function run() {
  if (running || byId("run").disabled) return;
  const asked = request();
  const own = { id: null, isCancelled: false, isLive: asked.interactive === true, stop: new AbortController(), start: performance.now(), sending: Promise.resolve(), word: "Sending" };
  running = own;
  setRunning(true);
  view.reset();
  output.clear();
  byId("results-output").hidden = mode() === "cases";
  byId("typing-note").hidden = true;
  view.say("busy", "Sending…", [], { isNews: false });
  // Where the panes are one above the other, what happens is below what was pressed.
  if (narrow.matches) byId("verdict").scrollIntoView({ block: "start" });
  const clock = setInterval(() => view.clock(duration(Math.max(0, performance.now() - own.start))), 100);
  try {
    own.id = await addJob(asked, own.stop.signal);
    if (own.isCancelled) await cancelJob(own.id);
    const job = await follow(own.id, (name, data) => heard(own, name, data), (isBroken) => {
      view.say("busy", isBroken ? "The connection broke; trying again…" : `${own.word}…`, []);
    }, own.stop.signal, breathe);
    finish(own, job, asked);
  } catch (error) {
    output.end("");
    if (own.stop.signal.aborted) view.say("quiet", "Not waited for", [`The page stopped listening.${own.id ? " The job may still run." : ""}`]);
    else view.problem(error);
    // With the key it is run, unless it runs already.
    if (error instanceof Problem && error.status === 401) askForKey(error, own.id ? learn : run);
    if (!(error instanceof Problem || error instanceof Unreachable || own.stop.signal.aborted)) console.error(error);
  } finally {
    clearInterval(clock);
    view.clock("");
    running = null;
    setRunning(false);
    strip.restart();
  }
}

const narrow = matchMedia("(max-width: 960px)");
let breathed = 0;

/** Gives the browser time to draw where events come faster than they can be shown. */
async function breathe() {
  if (performance.now() - breathed < 25) return;
  await pause(0);
  breathed = performance.now();
}

function heard(own, name, data) {
  switch (name) {
    case "queued":
      phase(own, "Waiting for a slot");
      break;
    case "started":
      if (number(data.attempt) > 1) {
        output.clear();
        view.say("busy", "Running again…", [`Attempt ${count(data.attempt)}: the worker of the one before died or failed. Its output is void.`]);
      }
      break;
    case "stage":
      phase(own, data.stage === "compile" ? "Compiling" : "Running");
      strip.restart();
      if (data.stage !== "compile" && own.isLive && byId("typing").hidden) {
        byId("typing").hidden = false;
        byId("line").focus();
      }
      break;
    case "stdout":
    case "stderr":
      output.add(name, typeof data.base64 === "string" ? fromBase64(data.base64) : string(data.text));
      break;
    default:
      // Events that a later server may have.
      break;
  }
}

function phase(own, word) {
  own.word = own.isCancelled ? "Cancelling" : word;
  view.say("busy", `${own.word}…`, []);
}

function finish(own, job, asked) {
  const result = object(job.result);
  const status = string(result.status);
  output.end("It wrote nothing.");
  if (status === "compile_error") byId("results-output").hidden = true;
  view.show(job, asked, bounds);
}

function setRunning(isRunning) {
  const hadFocus = [byId("run"), byId("cancel")].includes(document.activeElement) || byId("typing").contains(document.activeElement);
  byId("run").hidden = isRunning;
  byId("cancel").hidden = !isRunning;
  byId("cancel").disabled = false;
  if (!isRunning) byId("typing").hidden = true;
  document.body.classList.toggle("running", isRunning);
  if (hadFocus) byId(isRunning ? "cancel" : "run").focus({ preventScroll: true });
}

/** Asks the server to end the job; asked again, the page stops waiting for it. */
async function cancel() {
  const own = running;
  // The second half of a double click on Run.
  if (!own || performance.now() - own.start < 350) return;
  if (own.isCancelled) {
    own.stop.abort();
    return;
  }
  own.isCancelled = true;
  phase(own, own.word);
  if (!own.id) return;
  try {
    await cancelJob(own.id);
  } catch (error) {
    if (running !== own) return;
    own.isCancelled = false;
    view.say("busy", "Not cancelled", [label(error.message, 300)]);
  }
}

byId("run").addEventListener("click", run);
byId("cancel").addEventListener("click", cancel);

// Who leaves wants no answer any more.
window.addEventListener("pagehide", (event) => {
  if (running?.id && !event.persisted) cancelJob(running.id, { keepalive: true }).catch(() => {});
});

// MARK: Typing

const mostAtOnce = 16_384;

function send(text, isEnd) {
  const own = running;
  if (!own?.id || !own.isLive) return;
  if (text) output.echo(text);
  byId("typing-note").hidden = true;
  const pieces = [];
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + mostAtOnce);
    // Never within a character.
    if (end < text.length && /[\ud800-\udbff]/.test(text[end - 1])) end -= 1;
    pieces.push(text.slice(at, end));
    at = end;
  }
  if (pieces.length === 0) pieces.push("");
  own.sending = own.sending.then(async () => {
    for (const [index, piece] of pieces.entries()) {
      await sendInput(own.id, piece, isEnd && index === pieces.length - 1, own.stop.signal);
    }
  }).catch((error) => {
    if (own.stop.signal.aborted || running !== own) return;
    byId("typing-note").textContent = `Not sent: ${label(error.message, 300)}`;
    byId("typing-note").hidden = false;
  });
}

function sendLine() {
  send(`${byId("line").value}\n`, false);
  byId("line").value = "";
  byId("line").focus();
}

function endInput() {
  send(byId("line").value, true);
  byId("line").value = "";
  byId("typing").hidden = true;
  byId("cancel").focus();
}

byId("send").addEventListener("click", sendLine);
byId("end-input").addEventListener("click", endInput);
byId("line").addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    sendLine();
  } else if (event.key === "d" && event.ctrlKey) {
    event.preventDefault();
    endInput();
  }
});

// MARK: Sharing

byId("share").addEventListener("click", async () => {
  byId("share-note").textContent = "";
  let link = "";
  try {
    const fragment = await encode(program());
    history.replaceState(null, "", `#${fragment}`);
    link = location.href;
  } catch (error) {
    byId("share-note").textContent = label(error.message, 200);
  }
  byId("share-link").value = link;
  byId("share-copy").disabled = link === "";
  byId("share-dialog").showModal();
  byId("share-link").select();
});

byId("share-copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(byId("share-link").value);
  } catch {
    // Without TLS browsers have no clipboard to write to; the selection they copy.
    byId("share-link").select();
    document.execCommand("copy");
  }
  byId("share-note").textContent = "Copied.";
});
byId("share-close").addEventListener("click", () => byId("share-dialog").close());

// MARK: Keys

document.addEventListener("keydown", (event) => {
  if (event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  } else if (running && (event.key === "Escape" || (event.key === "." && (event.ctrlKey || event.metaKey)))) {
    event.preventDefault();
    cancel();
  }
});

if (/Mac|iPhone|iPad/.test(navigator.platform)) byId("run").querySelector("kbd").textContent = "⌘ ⏎";
byId("request").textContent = `curl -s ${location.origin}/api/execute \\
  -H 'content-type: application/json' \\
  -d '{"language": "python", "code": "print(6 * 7)"}'`;
showKey();
learn();
