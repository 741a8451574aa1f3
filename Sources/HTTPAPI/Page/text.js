// Numbers and strangers' text in words that can be shown.

/** The value where it is a finite number, else null. */
export const number = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);

/** The value where it is a string, else empty. */
export const string = (value) => (typeof value === "string" ? value : "");

/** The value where it is an object that is no array, else an empty one. */
export const object = (value) => (value !== null && typeof value === "object" && !Array.isArray(value) ? value : {});

/** The value where it is an array, else an empty one. */
export const array = (value) => (Array.isArray(value) ? value : []);

export function bytes(count) {
  if (number(count) === null) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 || Number.isInteger(value) ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

export function duration(milliseconds) {
  const value = number(milliseconds);
  if (value === null) return "–";
  if (value < 10) return `${Number(value.toPrecision(2))} ms`;
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 120_000) return `${Number((value / 1000).toFixed(value < 10_000 ? 2 : 1))} s`;
  return `${Math.floor(value / 60_000)} min ${Math.round((value % 60_000) / 1000)} s`;
}

export const count = (value) => (number(value) === null ? "–" : value.toLocaleString("en"));

/** "1 case", "2 cases". */
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

// What a font would not show, or would show as something else: C0 and C1 without line feed and tab, the marks that turn the
// direction of what follows, and separators that no line of a program's has.
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

function mark(character) {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
}

/** The text with a visible sign for every character that is not. */
export const visible = (text) => text.replaceAll("\r\n", "\n").replace(unseen, mark);

/** The same on one line, cut to a length: for names. */
export function label(text, most = 200) {
  const line = visible(string(text)).replace(/[\n\t]/g, (character) => mark(character));
  return line.length > most ? `${line.slice(0, most)}…` : line;
}

/** The same for text of several lines that is shown as a whole: bounded, with what is left out counted. */
export function excerpt(text, most = 20_000) {
  const all = string(text);
  if (all.length <= most) return visible(all);
  return `${visible(all.slice(0, most))}\n… ${count(all.length - most)} more characters`;
}
