// The form for test cases.

import { byId, fill, make } from "./dom.js";

export class CasesForm {
  constructor(onChange) {
    this.onChange = onChange;
    this.list = byId("cases");
    this.items = [];
    byId("case-add").addEventListener("click", () => {
      this.items.push(this.item({}));
      this.draw();
      this.items.at(-1).name.focus();
      onChange();
    });
    this.list.addEventListener("input", onChange);
    byId("compare").addEventListener("change", onChange);
    byId("stop-on-failure").addEventListener("change", onChange);
  }

  get cases() {
    return this.items.map((item) => ({
      ...(item.name.value ? { name: item.name.value } : {}),
      stdin: item.stdin.value,
      ...(item.any.checked ? {} : { expectedOutput: item.expected.value }),
    }));
  }

  set cases(values) {
    this.items = values.map((value) => this.item(value));
    this.draw();
  }

  item(value) {
    const name = make("input", { type: "text", class: "case-name", autocomplete: "off", placeholder: "Name" });
    const stdin = make("textarea", { rows: 2, spellcheck: "false", autocapitalize: "off" });
    const expected = make("textarea", { rows: 2, spellcheck: "false", autocapitalize: "off" });
    const any = make("input", { type: "checkbox" });
    name.value = value.name ?? "";
    stdin.value = value.stdin ?? "";
    expected.value = value.expectedOutput ?? "";
    any.checked = value.expectedOutput === undefined && value.stdin !== undefined;
    expected.disabled = any.checked;
    any.addEventListener("change", () => { expected.disabled = any.checked; });
    const title = make("span", { class: "case-number" });
    const remove = make("button", { type: "button", class: "quiet" }, "Remove");
    const element = make("li", { class: "case" },
      make("div", { class: "case-head" }, title, name, remove),
      make("div", { class: "case-fields" },
        make("label", {}, make("span", {}, "Input"), stdin),
        make("label", {}, make("span", {}, "Expected output"), expected)),
      make("label", { class: "check" }, any, " Accept any output"));
    const item = { element, title, name, stdin, expected, any, remove };
    remove.addEventListener("click", () => {
      const at = this.items.indexOf(item);
      this.items.splice(at, 1);
      this.draw();
      (this.items[Math.min(at, this.items.length - 1)]?.remove ?? byId("case-add")).focus();
      this.onChange();
    });
    return item;
  }

  draw() {
    this.items.forEach((item, index) => {
      item.title.textContent = String(index + 1);
      item.name.setAttribute("aria-label", `Name of case ${index + 1}`);
      item.remove.setAttribute("aria-label", `Remove case ${index + 1}`);
    });
    fill(this.list, this.items.map((item) => item.element));
  }
}
