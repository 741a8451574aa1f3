// What a program writes, as it comes. Whatever it is, and however much, the document holds a bounded part of it, as text.

import { byId, make, tabs } from "./dom.js";
import { bytes, count, visible } from "./text.js";

/** Characters, and runs of one colour, that are shown of the beginning, and as many again of the end. */
const mostCharacters = 48_000;
const mostRuns = 1_500;
/** What is kept to be saved. A server that sends more than any limit allows does not fill the memory. */
const mostKept = 48 << 20;

// ECMA-48: control sequences, operating system commands, and the short ones.
const sequences = /\x1b(?:\[([0-?]*)[ -/]*([@-~])|\][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])/g;
const unfinished = /\x1b(?:\[[0-?]{0,256}[ -/]{0,16}|\][^\x07\x1b]{0,2048}\x1b?|[ -/]{0,16})$/;

/** One stream's escape sequences: colours are kept, all other ones do nothing here. */
class Terminal {
  held = "";
  bold = false;
  colour = "";

  /** Runs `[style, text]`, with signs for characters that are not seen. */
  *runs(piece, isEnd = false) {
    let text = this.held + piece;
    this.held = "";
    const cut = isEnd ? null : unfinished.exec(text.slice(-2400));
    if (cut) {
      this.held = cut[0];
      text = text.slice(0, text.length - cut[0].length);
    } else if (!isEnd && text.endsWith("\r")) {
      this.held = "\r";
      text = text.slice(0, -1);
    }
    let at = 0;
    if (text.includes("\x1b")) {
      for (const match of text.matchAll(sequences)) {
        if (match.index > at) yield [this.style, visible(text.slice(at, match.index))];
        at = match.index + match[0].length;
        if (match[2] === "m") this.select(match[1]);
      }
    }
    if (at < text.length) yield [this.style, visible(at ? text.slice(at) : text)];
  }

  get style() { return `${this.bold ? "a-bold " : ""}${this.colour}`.trim(); }

  /** Select Graphic Rendition: bold and the sixteen colours. */
  select(parameters) {
    const numbers = parameters.split(/[;:]/, 32).map(Number);
    for (let index = 0; index < numbers.length; index += 1) {
      const value = numbers[index];
      if (value === 0) [this.bold, this.colour] = [false, ""];
      else if (value === 1) this.bold = true;
      else if (value === 22) this.bold = false;
      else if (value >= 30 && value <= 37) this.colour = `a-${value - 30}`;
      else if (value >= 90 && value <= 97) this.colour = `a-${value - 90}`;
      else if (value === 39) this.colour = "";
      else if (value === 38 || value === 48) {
        const isPalette = numbers[index + 1] === 5;
        const entry = numbers[index + 2];
        if (value === 38) this.colour = isPalette && entry >= 0 && entry < 16 ? `a-${entry % 8}` : "";
        index += isPalette ? 2 : 4;
      }
    }
  }
}

/** The beginning and the end of a text that goes on. */
class Bounded {
  head = [];
  tail = [];
  headCharacters = 0;
  tailCharacters = 0;
  dropped = 0;

  add(style, text) {
    let rest = text;
    if (this.headCharacters < mostCharacters && this.head.length < mostRuns && this.tail.length === 0) {
      const end = edge(rest, mostCharacters - this.headCharacters);
      this.push(this.head, style, rest.slice(0, end));
      this.headCharacters += end;
      rest = rest.slice(end);
    }
    if (!rest) return;
    if (rest.length > mostCharacters) {
      const start = edge(rest, rest.length - mostCharacters);
      this.dropped += this.tailCharacters + start;
      this.tail = [];
      this.tailCharacters = 0;
      rest = rest.slice(start);
    }
    this.push(this.tail, style, rest);
    this.tailCharacters += rest.length;
    // In large steps: what goes is a piece of the beginning of the tail.
    if (this.tailCharacters > 2 * mostCharacters || this.tail.length > 2 * mostRuns) this.trim();
  }

  trim() {
    let first = 0;
    while (
      first < this.tail.length - 1
      && (this.tailCharacters > mostCharacters || this.tail.length - first > mostRuns)
    ) {
      this.tailCharacters -= this.tail[first].text.length;
      this.dropped += this.tail[first].text.length;
      first += 1;
    }
    this.tail.splice(0, first);
    const only = this.tail[0];
    if (this.tail.length === 1 && only.text.length > mostCharacters) {
      const start = edge(only.text, only.text.length - mostCharacters);
      this.dropped += start;
      only.text = only.text.slice(start);
      this.tailCharacters = only.text.length;
    }
  }

  push(list, style, text) {
    const last = list.at(-1);
    if (last && last.style === style) {
      last.text += text;
      last.isStale = true;
    } else {
      list.push({ style, text, node: null, isStale: true });
    }
  }

  get isEmpty() { return this.head.length === 0; }
}

/** A place to cut at or before `at` that is not within a character. */
function edge(text, at) {
  if (at >= text.length) return text.length;
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff && at > 0 ? at - 1 : at;
}

export class Output {
  constructor() {
    this.view = byId("output");
    this.headPlace = make("span");
    this.gap = make("span", { class: "gap", hidden: true });
    this.tailPlace = make("span");
    this.note = byId("output-empty");
    this.shown = "all";
    this.flushes = null;
    this.show = tabs(byId("output-tabs"), (name) => {
      this.shown = name;
      byId("output").setAttribute("aria-labelledby", `tab-${name}`);
      this.redraw();
    });
    byId("save").addEventListener("click", () => this.save());
    this.clear();
  }

  clear(emptyNote = "") {
    this.logs = { all: new Bounded(), stdout: new Bounded(), stderr: new Bounded() };
    this.terminals = { stdout: new Terminal(), stderr: new Terminal() };
    this.kept = { all: [], stdout: [], stderr: [] };
    this.sizes = { stdout: 0, stderr: 0 };
    this.keptBytes = 0;
    this.emptyNote = emptyNote;
    this.redraw();
  }

  /** Adds what came: text, or bytes that are not UTF-8. */
  add(stream, piece) {
    const text = typeof piece === "string" ? piece : new TextDecoder().decode(piece);
    const size = typeof piece === "string" ? byteCount(piece) : piece.length;
    this.sizes[stream] += size;
    if (this.keptBytes < mostKept) {
      this.keptBytes += size;
      this.kept.all.push(piece);
      this.kept[stream].push(piece);
    }
    this.write(stream, this.terminals[stream].runs(text));
  }

  /** Shows what was typed, among what the program wrote. */
  echo(text) {
    this.logs.all.add("k-stdin", visible(text));
    this.later();
  }

  /** Nothing follows. */
  end(emptyNote) {
    for (const stream of ["stdout", "stderr"]) this.write(stream, this.terminals[stream].runs("", true));
    this.emptyNote = emptyNote;
    this.draw();
  }

  write(stream, runs) {
    for (const [style, text] of runs) {
      const styles = `k-${stream} ${style}`.trim();
      this.logs.all.add(styles, text);
      this.logs[stream].add(styles, text);
    }
    this.later();
  }

  later() {
    this.flushes ??= setTimeout(() => this.draw(), 60);
  }

  redraw() {
    for (const run of this.logs[this.shown].head) [run.node, run.isStale] = [null, true];
    this.headPlace.replaceChildren();
    this.view.replaceChildren(this.headPlace, this.gap, this.tailPlace);
    this.draw();
  }

  draw() {
    clearTimeout(this.flushes);
    this.flushes = null;
    const log = this.logs[this.shown];
    const isAtEnd = this.view.scrollTop + this.view.clientHeight >= this.view.scrollHeight - 12;
    for (let index = log.head.length - 1; index >= 0 && log.head[index].isStale; index -= 1) {
      const run = log.head[index];
      run.isStale = false;
      if (run.node) run.node.textContent = run.text;
    }
    for (const run of log.head.slice(this.headPlace.childNodes.length)) {
      run.node = make("span", { class: run.style }, run.text);
      this.headPlace.append(run.node);
    }
    this.tailPlace.replaceChildren(...log.tail.map((run) => make("span", { class: run.style }, run.text)));
    this.gap.hidden = log.dropped === 0;
    this.gap.textContent = log.dropped === 0 ? "" : `\n⋯ ${count(log.dropped)} characters are not shown; Save has all of it ⋯\n`;
    this.note.textContent = log.isEmpty ? this.emptyNote : "";
    this.note.hidden = !log.isEmpty || !this.emptyNote;
    for (const stream of ["stdout", "stderr"]) {
      byId(`size-${stream}`).textContent = this.sizes[stream] ? bytes(this.sizes[stream]) : "";
    }
    byId("save").disabled = this.keptBytes === 0;
    if (isAtEnd) this.view.scrollTop = this.view.scrollHeight;
  }

  save() {
    const name = this.shown === "all" ? "output" : this.shown;
    saveAs(`${name}.txt`, new Blob(this.kept[this.shown], { type: "application/octet-stream" }));
  }
}

function byteCount(text) {
  // Exact where it is cheap, and exact for what is not ASCII too.
  return /[^\x00-\x7f]/.test(text) ? new TextEncoder().encode(text).length : text.length;
}

/** Hands a file to the user; it is never opened here, whatever it is. */
export function saveAs(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = make("a", { download: name });
  link.href = url;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 30_000);
}

/** The bytes of base64, or nothing for what is none. */
export function fromBase64(text) {
  try {
    const decoded = atob(text);
    const all = new Uint8Array(decoded.length);
    for (let index = 0; index < all.length; index += 1) all[index] = decoded.charCodeAt(index);
    return all;
  } catch {
    return new Uint8Array();
  }
}
