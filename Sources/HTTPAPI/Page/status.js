// What the server is doing: its queue, workers, slots and memory, as far as it tells this page's key.

import { Problem, call, getJSON } from "./api.js";
import { byId, fill, make } from "./dom.js";
import { array, bytes, count, label, number, object, plural, string } from "./text.js";

const usualPace = 2_000;
const slowestPace = 30_000;
// Workers say how busy they are every five seconds.
const workersPace = 5_000;
const mostSlots = 24;
const mostWorkers = 100;
const mostLanguages = 60;

/** The samples of Prometheus' text format that the strip shows, as a map from `name{labels}` to number. */
export function samples(text) {
  const found = new Map();
  for (const match of text.matchAll(/^(bulkhead_(?:slots|slot_waiters|memory_budget_bytes|memory_budget_taken_bytes|ready_runtimes)(?:\{[^}\n]*\})?) (\S+)$/gm)) {
    const value = Number(match[2]);
    if (Number.isFinite(value)) found.set(match[1], value);
  }
  return found;
}

export class StatusStrip {
  constructor() {
    this.place = byId("status");
    this.dot = byId("status-dot");
    this.word = byId("status-word");
    this.workersButton = byId("workers-open");
    this.workersCount = byId("workers-count");
    this.workersPlace = byId("workers");
    // What was told last, and when.
    this.workers = null;
    this.workersAt = -Infinity;
    this.shownWorkers = "";
    this.workersButton.addEventListener("click", () => this.openWorkers(this.workersPlace.hidden));
    this.timer = null;
    this.pace = usualPace;
    // What this key may not see, or the server does not have, is not asked for again until the key changes.
    this.closed = new Set();
    document.addEventListener("visibilitychange", () => this.restart());
    this.restart();
  }

  keyChanged() {
    this.closed.clear();
    this.workersAt = -Infinity;
    this.restart();
  }

  restart() {
    clearTimeout(this.timer);
    if (!document.hidden) this.look();
  }

  async look() {
    clearTimeout(this.timer);
    const round = {};
    this.round = round;
    const areDue = performance.now() - this.workersAt >= workersPace;
    const [ready, metrics, workers] = await Promise.all([
      this.ask("readyz", (path) => getJSON(path)),
      this.ask("metrics", async (path) => samples(await (await call(path)).text())),
      areDue ? this.ask("api/workers", (path) => getJSON(path)) : this.workers,
    ]);
    // Another look has begun meanwhile.
    if (this.round !== round) return;
    // A server that counts requests has better use for them.
    const isTooOften = [ready, metrics, workers].some((answer) => answer instanceof Problem && answer.status === 429);
    this.pace = isTooOften ? Math.min(slowestPace, 2 * this.pace) : usualPace;
    if (!isTooOften) {
      if (areDue && workers !== null && !(workers instanceof Error)) this.workersAt = performance.now();
      this.workers = workers;
      this.draw(ready, metrics);
      this.drawWorkers();
    }
    if (!document.hidden) this.timer = setTimeout(() => this.look(), this.pace);
  }

  /** An answer, or the problem there was. */
  async ask(path, get) {
    if (this.closed.has(path)) return null;
    try {
      return await get(path);
    } catch (error) {
      if (error instanceof Problem && [401, 403, 404, 405].includes(error.status)) {
        this.closed.add(path);
        return null;
      }
      return error;
    }
  }

  draw(ready, metrics) {
    let [tone, word] = ["good", "ready"];
    if (ready instanceof Problem) [tone, word] = ["warn", "not ready"];
    else if (ready instanceof Error) [tone, word] = ["bad", "out of reach"];
    else if (ready === null) [tone, word] = ["quiet", ""];
    this.dot.className = `dot ${tone}`;
    this.word.textContent = word;
    const parts = [];
    const told = ready instanceof Error || ready === null ? {} : ready;
    if (number(told.queued) !== null) parts.push(figure("Waiting", count(told.queued)));
    if (number(told.running) !== null) parts.push(figure("Running", count(told.running)));
    parts.push(...resources(metrics instanceof Map ? metrics : new Map(), this.livingWorkers() ?? []));
    if (told.durable === true) parts.push(figure("Queue", "kept in Redis"));
    fill(this.place, parts);
  }

  /** The workers as they were told last; null where they were not. */
  livingWorkers() {
    return this.workers === null || this.workers instanceof Error ? null : array(this.workers.workers).map(object);
  }

  openWorkers(isOpen) {
    this.workersPlace.hidden = !isOpen;
    this.workersButton.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) {
      this.workersAt = -Infinity;
      this.restart();
    }
  }

  drawWorkers() {
    // Where this key may not see them there is nothing of them.
    if (this.workers === null) {
      this.workersButton.hidden = true;
      this.openWorkers(false);
      fill(this.workersPlace);
      this.shownWorkers = "";
      return;
    }
    const all = this.livingWorkers();
    this.workersButton.hidden = false;
    this.workersCount.textContent = all === null ? "–" : count(all.length);
    this.workersButton.setAttribute("aria-label", `Workers: ${all === null ? "unknown" : count(all.length)}`);
    // What is the same stays, with what somebody has selected of it.
    const told = JSON.stringify(all);
    if (told === this.shownWorkers) return;
    this.shownWorkers = told;
    if (all === null) fill(this.workersPlace, make("p", { class: "hint" }, "The workers cannot be looked up now."));
    else if (all.length === 0) fill(this.workersPlace, make("p", { class: "hint" }, "No worker lives: jobs wait for one."));
    else {
      fill(this.workersPlace, make("ul", {}, all.slice(0, mostWorkers).map(card)),
        all.length > mostWorkers ? make("p", { class: "hint" }, `… and ${count(all.length - mostWorkers)} more.`) : null);
    }
  }
}

const total = (workers, name) => workers.reduce((sum, worker) => sum + (number(worker[name]) ?? 0), 0);

/** A worker: where it is, how busy, since when, and what it runs. */
function card(worker) {
  const [slots, busy] = [number(worker.slots) ?? 0, number(worker.busy)];
  const languages = array(worker.languages).map(object);
  const shown = languages.slice(0, mostLanguages).map((language) => label(`${string(language.name)} ${string(language.version)}`, 60));
  if (languages.length > shown.length) shown.push(`${count(languages.length - shown.length)} more`);
  const since = new Date(string(worker.since));
  const notes = [];
  if (!Number.isNaN(since.getTime())) {
    const words = since.toLocaleString("en", { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
    notes.push(make("span", {}, "since ", make("time", { datetime: since.toISOString() }, words)));
  }
  if (string(worker.version)) notes.push(make("span", {}, `version ${label(worker.version, 40)}`));
  notes.push(make("span", { title: "The worker’s id" }, label(string(worker.id).slice(0, 8), 8)));
  return make("li", {},
    make("div", { class: "worker-head" },
      make("span", { class: "worker-name" }, label(worker.host, 80)),
      busy === null
        ? figure("Slots", count(slots))
        : figure("Slots", slotBoxes(busy, 0, slots), ` ${count(busy)}/${count(slots)}`)),
    make("p", {}, shown.join(", ")),
    make("p", { class: "worker-note" }, notes.flatMap((note, index) => (index > 0 ? [" · ", note] : [note]))));
}

const figure = (name, ...value) =>
  make("span", { class: "fact" }, make("span", { class: "fact-name" }, name), make("span", { class: "fact-value" }, ...value));

/** A box for each slot, as far as they can be counted at a glance. */
function slotBoxes(taken, starting, all) {
  const boxes = make("span", { class: "slots", role: "img", "aria-label": `${taken} of ${plural(all, "slot")} taken` });
  for (let index = 0; index < Math.min(all, mostSlots); index += 1) {
    boxes.append(make("span", { class: index < taken ? "slot taken" : index < taken + starting ? "slot starting" : "slot" }));
  }
  return boxes;
}

function resources(metrics, workers) {
  const parts = [];
  let [idle, taken, starting] = ["idle", "taken", "starting"].map((state) => metrics.get(`bulkhead_slots{state="${state}"}`) ?? 0);
  let all = idle + taken + starting;
  if (workers.length > 0) {
    // How many programs run at once: an engine has further slots ready, for the next ones.
    const isAlone = workers.length === 1 && all > 0;
    all = total(workers, "slots");
    // Its own figures are newer than what a worker has said of itself.
    if (!isAlone) [taken, starting] = [total(workers, "busy"), 0];
  }
  if (all > 0) parts.push(figure("Slots", slotBoxes(taken, starting, all), ` ${count(taken)}/${count(all)}`));
  const budget = metrics.get("bulkhead_memory_budget_bytes");
  const used = metrics.get("bulkhead_memory_budget_taken_bytes");
  if (budget > 0 && used !== undefined) parts.push(figure("Memory", `${bytes(used)} of ${bytes(budget)}`));
  return parts;
}
