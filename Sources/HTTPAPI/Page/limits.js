// The limits of a job: what each is called, how it is counted, and the form that changes them.

import { byId, fill, make } from "./dom.js";
import { bytes, count, duration } from "./text.js";

const MiB = 1 << 20;

/** Every limit: its name on the wire, its name for people, the unit of its field, and how a value of it reads. */
export const fields = [
  { name: "wallTimeMs", title: "Wall time", unit: "s", factor: 1000, show: duration },
  { name: "cpuTimeMs", title: "CPU time", unit: "s", factor: 1000, show: duration },
  { name: "memoryBytes", title: "Memory", unit: "MiB", factor: MiB, show: bytes },
  { name: "processes", title: "Processes and threads", unit: "", factor: 1, show: count },
  { name: "outputBytes", title: "Output", unit: "KiB", factor: 1024, show: bytes },
  { name: "diskBytes", title: "Disk: /box and /tmp", unit: "MiB", factor: MiB, show: bytes },
  { name: "inodes", title: "Files and folders", unit: "", factor: 1, show: count },
  { name: "fileBytes", title: "Size of one file", unit: "MiB", factor: MiB, show: bytes },
  { name: "openFiles", title: "Open files", unit: "", factor: 1, show: count },
  { name: "cpus", title: "CPUs", unit: "", factor: 1, show: (value) => (value === null ? "–" : String(value)) },
];

export const fieldOf = (name) => fields.find((field) => field.name === name);

const steps = 1000;

export class LimitsForm {
  constructor(onChange) {
    this.onChange = onChange;
    this.bounds = new Map();
    this.language = "";
    this.rows = new Map();
    this.values = {};
    byId("limits-reset").addEventListener("click", () => {
      this.values = {};
      this.draw();
      this.onChange();
    });
  }

  /** What the server allows now. */
  offer(bounds) {
    this.bounds = bounds;
    this.rows.clear();
    fill(byId("limits"), fields.filter((field) => bounds.has(field.name)).map((field) => this.row(field)));
    byId("limits-none").hidden = bounds.size > 0;
    this.draw();
  }

  setLanguage(name) {
    this.language = name;
    this.draw();
  }

  /** The limits that differ from the usual ones, by their names on the wire. */
  get overrides() { return { ...this.values }; }

  set overrides(values) {
    this.values = {};
    for (const field of fields) if (typeof values[field.name] === "number") this.values[field.name] = values[field.name];
    this.draw();
  }

  standard(name) {
    const bound = this.bounds.get(name);
    const own = bound && Object.hasOwn(bound.byLanguage, this.language) ? bound.byLanguage[this.language] : null;
    return typeof own === "number" ? own : bound?.standard ?? null;
  }

  most(name) { return this.bounds.get(name)?.most ?? null; }

  row(field) {
    const id = `limit-${field.name}`;
    const input = make("input", { id, type: "number", class: "figure", min: 0, step: "any", inputmode: "decimal", autocomplete: "off" });
    const slider = make("input", {
      type: "range", min: 0, max: steps, step: 1, "aria-label": `${field.title}, as a part of the most that the server allows`,
    });
    const note = make("span", { class: "limit-note", id: `${id}-note` });
    input.setAttribute("aria-describedby", note.id);
    input.addEventListener("change", () => {
      const value = Number(input.value) * field.factor;
      if (input.value.trim() === "" || !Number.isFinite(value) || value <= 0) delete this.values[field.name];
      else this.values[field.name] = field.name === "cpus" ? value : Math.max(1, Math.round(value));
      this.draw();
      this.onChange();
    });
    slider.addEventListener("input", () => {
      this.values[field.name] = this.value(field, Number(slider.value) / steps);
      this.draw();
      this.onChange();
    });
    this.rows.set(field.name, { input, slider, note });
    return make("div", { class: "limit-row" },
      make("label", { for: id }, field.title),
      make("span", { class: "limit-value" }, input, make("span", { class: "unit" }, field.unit)),
      slider, note);
  }

  // The scale is logarithmic: the usual limits are far below the maxima.
  least(field) { return Math.max(this.bounds.get(field.name).least, this.most(field.name) / (field.name === "cpus" ? 100 : 1000)); }

  place(field, value) {
    const least = this.least(field);
    const most = this.most(field.name);
    return most > least ? Math.log(Math.max(value, least) / least) / Math.log(most / least) : 1;
  }

  value(field, place) {
    const least = this.least(field);
    const most = this.most(field.name);
    if (place >= 1) return most;
    const exact = least * (most / least) ** place;
    if (field.name === "cpus") return Math.max(0.01, Number(exact.toPrecision(2)));
    const round = Math.max(1, Math.round(Number((exact / field.factor).toPrecision(2)) * field.factor));
    return Math.min(most, round);
  }

  draw() {
    let changed = 0;
    for (const field of fields) {
      const row = this.rows.get(field.name);
      if (!row) continue;
      const own = this.values[field.name];
      const value = own ?? this.standard(field.name);
      const most = this.most(field.name);
      if (own !== undefined) changed += 1;
      row.input.value = value === null ? "" : Number((value / field.factor).toFixed(3));
      row.input.classList.toggle("changed", own !== undefined);
      row.slider.hidden = most === null;
      if (most !== null) {
        row.slider.value = Math.round(this.place(field, value ?? most) * steps);
        row.slider.setAttribute("aria-valuetext", `${field.show(value)} of ${field.show(most)}`);
      }
      row.note.textContent = most === null ? "" : `of ${field.show(most)}`;
      const isOver = most !== null && value > most;
      row.note.classList.toggle("wrong", isOver);
      row.input.setAttribute("aria-invalid", String(isOver));
    }
    byId("limits-reset").disabled = changed === 0;
    byId("limits-count").textContent = changed ? String(changed) : "";
  }
}
