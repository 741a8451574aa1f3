// The editor: a textarea, which is what the keyboard and a screen reader know, over a coloured copy of its text.

import { byId, make } from "./dom.js";
import { pieces } from "./syntax.js";

export class Editor {
  constructor(onChange) {
    this.area = byId("code");
    this.copy = byId("code-copy");
    this.gutter = byId("code-lines");
    this.language = "";
    this.lines = 0;
    // After Escape the next Tab leaves the editor, as everywhere else on the page.
    this.lets = false;
    this.area.addEventListener("input", () => {
      this.paint();
      onChange();
    });
    this.area.addEventListener("scroll", () => this.align(), { passive: true });
    this.area.addEventListener("keydown", (event) => this.key(event));
    this.area.addEventListener("blur", () => { this.lets = false; });
    this.pending = false;
  }

  get code() { return this.area.value; }

  set code(text) {
    this.area.value = text;
    this.area.scrollTo(0, 0);
    this.paint();
  }

  setLanguage(name) {
    this.language = name;
    this.paint();
  }

  paint() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      const code = this.area.value;
      // The line break at the end gives the copy the height that the textarea has.
      this.copy.replaceChildren(
        ...pieces(this.language, code).map(([kind, text]) => (kind ? make("span", { class: `s-${kind}` }, text) : text)), "\n");
      let lines = 1;
      for (let at = code.indexOf("\n"); at >= 0; at = code.indexOf("\n", at + 1)) lines += 1;
      if (lines !== this.lines) {
        this.lines = lines;
        this.gutter.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
      }
      this.align();
    });
  }

  align() {
    const { scrollTop, scrollLeft } = this.area;
    this.copy.style.transform = `translate(${-scrollLeft}px, ${-scrollTop}px)`;
    this.gutter.style.transform = `translateY(${-scrollTop}px)`;
  }

  get indent() { return this.language === "go" ? "\t" : this.language === "javascript" || this.language === "bash" ? "  " : "    "; }

  key(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      this.lets = true;
      return;
    }
    if (event.key === "Tab" && !this.lets) {
      event.preventDefault();
      if (event.shiftKey || this.isSeveralLines) this.shift(event.shiftKey);
      else this.insert(this.indent);
      return;
    }
    if (event.key === "Enter" && !event.shiftKey) {
      const before = this.area.value.slice(0, this.area.selectionStart);
      const line = before.slice(before.lastIndexOf("\n") + 1);
      const deeper = /[{([:]\s*$/.test(line) && !(this.language === "bash");
      event.preventDefault();
      this.insert(`\n${/^[ \t]*/.exec(line)[0]}${deeper ? this.indent : ""}`);
    }
    if (!["Shift", "Tab"].includes(event.key)) this.lets = false;
  }

  get isSeveralLines() { return this.area.value.slice(this.area.selectionStart, this.area.selectionEnd).includes("\n"); }

  /** Puts text in place of the selection, so that the browser's undo knows of it. */
  insert(text) {
    if (!document.execCommand("insertText", false, text)) {
      this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
      this.area.dispatchEvent(new Event("input"));
    }
  }

  /** Moves the selected lines in or out. */
  shift(isOut) {
    const { value, selectionStart, selectionEnd } = this.area;
    const start = value.lastIndexOf("\n", selectionStart - 1) + 1;
    const stop = value.indexOf("\n", Math.max(selectionStart, selectionEnd - 1));
    const end = stop < 0 ? value.length : stop;
    const before = value.slice(start, end);
    const after = before.split("\n").map((line) =>
      isOut ? line.replace(/^(?:\t| {1,4})/, "") : line === "" ? line : this.indent + line).join("\n");
    if (after === before) return;
    this.area.setSelectionRange(start, end);
    this.insert(after);
    this.area.setSelectionRange(start, start + after.length);
  }
}
