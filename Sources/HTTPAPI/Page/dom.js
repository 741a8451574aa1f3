// Making elements. What comes from a server, a program or a link reaches the document here, and only as text: children that
// are strings become text nodes, and attributes are a list of names that cannot run anything.

const plain = new Set(["id", "class", "role", "type", "title", "for", "name", "value", "placeholder", "rows", "min", "max", "step",
  "spellcheck", "autocomplete", "autocapitalize", "inputmode", "download", "scope", "colspan", "tabindex", "hidden", "disabled",
  "open", "alt", "datetime"]);

/** The element of the document with this id. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** An element with attributes and children; a child that is null or undefined is left out. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (!plain.has(name) && !name.startsWith("aria-") && !name.startsWith("data-")) throw new Error(`no attribute ${name}`);
    element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) element.append(child);
  }
  return element;
}

/** Replaces everything in an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

/** Makes a list of tabs work as WAI-ARIA's pattern says: arrows, Home and End move, one tab is in the order of Tab. */
export function tabs(list, onChange = () => {}) {
  const all = [...list.querySelectorAll('[role="tab"]')];
  const select = (tab, focus = false) => {
    for (const other of all) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      const panel = other.getAttribute("aria-controls");
      if (panel && other.dataset.shared !== "true") byId(panel).hidden = !chosen;
    }
    if (focus) tab.focus();
    onChange(tab.dataset.tab);
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) select(tab);
  });
  list.addEventListener("keydown", (event) => {
    const at = all.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    select(all[(to + all.length) % all.length], true);
  });
  return (name, focus = false) => select(all.find((tab) => tab.dataset.tab === name) ?? all[0], focus);
}
