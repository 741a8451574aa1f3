// What the server is doing: its queue, slots and memory, as far as it tells this page's key.

import { Problem, call, getJSON } from "./api.js";
import { byId, fill, make } from "./dom.js";
import { bytes, count, number, plural } from "./text.js";

const usualPace = 2_000;
const slowestPace = 30_000;
const mostSlots = 24;

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
    this.timer = null;
    this.pace = usualPace;
    // What this key may not see, or the server does not have, is not asked for again until the key changes.
    this.closed = new Set();
    document.addEventListener("visibilitychange", () => this.restart());
    this.restart();
  }

  keyChanged() {
    this.closed.clear();
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
    const [ready, metrics] = await Promise.all([
      this.ask("readyz", (path) => getJSON(path)),
      this.ask("metrics", async (path) => samples(await (await call(path)).text())),
    ]);
    // Another look has begun meanwhile.
    if (this.round !== round) return;
    // A server that counts requests has better use for them.
    const isTooOften = [ready, metrics].some((answer) => answer instanceof Problem && answer.status === 429);
    this.pace = isTooOften ? Math.min(slowestPace, 2 * this.pace) : usualPace;
    if (!isTooOften) this.draw(ready, metrics);
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
    if (metrics instanceof Map) parts.push(...resources(metrics));
    if (told.durable === true) parts.push(figure("Queue", "kept in Redis"));
    fill(this.place, parts);
  }
}

const figure = (name, ...value) =>
  make("span", { class: "fact" }, make("span", { class: "fact-name" }, name), make("span", { class: "fact-value" }, ...value));

function resources(metrics) {
  const parts = [];
  const [idle, taken, starting] = ["idle", "taken", "starting"].map((state) => metrics.get(`bulkhead_slots{state="${state}"}`) ?? 0);
  const all = idle + taken + starting;
  if (all > 0) {
    const boxes = make("span", { class: "slots", role: "img", "aria-label": `${taken} of ${plural(all, "slot")} taken` });
    for (let index = 0; index < Math.min(all, mostSlots); index += 1) {
      boxes.append(make("span", { class: index < taken ? "slot taken" : index < taken + starting ? "slot starting" : "slot" }));
    }
    parts.push(figure("Slots", boxes, ` ${taken}/${all}`));
  }
  const budget = metrics.get("bulkhead_memory_budget_bytes");
  const used = metrics.get("bulkhead_memory_budget_taken_bytes");
  if (budget > 0 && used !== undefined) parts.push(figure("Memory", `${bytes(used)} of ${bytes(budget)}`));
  return parts;
}
