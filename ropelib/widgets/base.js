// Shared by all widgets: base.py puts this file before each widget's own.

function element(tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "path", "line", "circle", "rect", "text", "polygon", "title"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// JupyterLab would take an arrow key for "next cell" and a letter for a command. Tab and Escape stay its own.
function keepKeys(root) {
  root.addEventListener("keydown", (event) => {
    if (!["Tab", "Escape"].includes(event.key)) event.stopPropagation();
  });
}

// A line of text that assistive technology reads out when it changes.
function readOut() {
  return element("output", { class: "rope-readout", role: "status", "aria-live": "polite" });
}

let labels = 0;

// A labelled slider: arrow keys step, Page Up and Page Down leap, Home and End go to the ends.
function slider(label, { min, max, step = 1, value, format = String }, onInput) {
  const id = `rope-${(labels += 1)}`;
  const input = element("input", { type: "range", id, min, max, step });
  const shown = element("span", { class: "rope-value" });
  const set = (next) => {
    input.value = next;
    shown.textContent = format(Number(input.value));
    input.setAttribute("aria-valuetext", shown.textContent);
  };
  input.addEventListener("input", () => {
    set(input.value);
    onInput(Number(input.value));
  });
  set(value);
  return { root: element("label", { for: id, class: "rope-slider" }, `${label} `, input, shown), input, set };
}

const stillness = window.matchMedia("(prefers-reduced-motion: reduce)");
