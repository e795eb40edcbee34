// Shared by all widgets: base.py puts this file before each widget's own.

const SVG = ["svg", "g", "path", "line", "circle", "rect", "text", "polygon", "title"];

function element(tag, attributes = {}, ...children) {
  const space = SVG.includes(tag) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const node = document.createElementNS(space, tag);
  setAttributes(node, attributes);
  node.append(...children);
  return node;
}

// Only what differs is written: the page is laid out again after every write, even of an equal value.
function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Jupyter would take an arrow key for "next cell" and a letter for a command. Tab, Escape, Save and Run stay its own.
function isOurs({ key, ctrlKey, metaKey, shiftKey }) {
  const save = key.toLowerCase() === "s" && (ctrlKey || metaKey);
  const run = key === "Enter" && (shiftKey || ctrlKey || metaKey);
  return !["Tab", "Escape"].includes(key) && !save && !run;
}

// JupyterLab takes keys on their way up, where they can be stopped. Notebook 7 takes them on their way down, before
// any element of ours hears of them; it passes over a focused element with this attribute. The window is still earlier.
function keepKeys(root) {
  const mark = (target, ours) => target.toggleAttribute("data-lm-suppress-shortcuts", ours);
  const yieldOrKeep = (event) => root.contains(event.target) && mark(event.target, isOurs(event));
  root.addEventListener("focusin", ({ target }) => {
    mark(target, true);
    window.addEventListener("keydown", yieldOrKeep, true);
  });
  root.addEventListener("focusout", () => window.removeEventListener("keydown", yieldOrKeep, true));
  root.addEventListener("keydown", (event) => isOurs(event) && event.stopPropagation());
}

// The root of a widget: a name for assistive technology, the colours of Python's palette, its keys for itself.
function widgetRoot(el, model, label) {
  const root = element("div", { class: "rope", role: "group", "aria-label": label });
  for (const [name, color] of Object.entries(model.get("palette"))) root.style.setProperty(`--palette-${name}`, color);
  keepKeys(root);
  el.append(root);
  return root;
}

function stateOf(model, names) {
  return Object.fromEntries(names.map((name) => [name, model.get(name)]));
}

// Every view of a model is redrawn at once, and then the kernel is told.
function shareState(model, redraw) {
  model.on("change", redraw);
  return (values) => {
    model.set(values);
    // No later: an echo of the change before, still on its way from the kernel, would undo what it has not heard of.
    queueMicrotask(() => model.save_changes());
  };
}

// A line of text that assistive technology reads out when it changes.
function readOut() {
  return element("output", { class: "rope-readout", role: "status", "aria-live": "polite" });
}

// Every copy of a widget is a module of its own, so a counter would give the same name twice.
function uniqueName() {
  return `rope-${Math.random().toString(36).slice(2)}`;
}

// A labelled slider: arrow keys step, Page Up and Page Down leap, Home and End go to the ends.
function slider(label, { min, max, step = 1, value, format = String }, onInput) {
  const id = uniqueName();
  const input = element("input", { type: "range", id, min, max, step });
  const shown = element("span", { class: "rope-value" });
  const set = (next) => {
    input.value = next;
    setText(shown, format(Number(input.value)));
    setAttributes(input, { "aria-valuetext": shown.textContent });
  };
  input.addEventListener("input", () => {
    set(input.value);
    onInput(Number(input.value));
  });
  set(value);
  return { root: element("label", { for: id, class: "rope-slider" }, `${label} `, input, shown), input, set };
}

// A field for any number from min to max; what is out of range, or no number, changes nothing.
function numberField(label, { min, max, step = 1 }, onInput) {
  const input = element("input", { type: "number", min, max, step, "aria-label": label, required: "" });
  let current;
  const set = (value) => {
    current = value;
    if (input.value === "" || Number(input.value) !== value) input.value = value;
  };
  input.addEventListener("input", () => input.validity.valid && onInput(Number(input.value)));
  input.addEventListener("blur", () => (input.value = current));
  return { input, set };
}

// A slider over stops, fine or coarse as valueOf(stop) says, and a field beside it for the numbers in between.
function dial(label, { min, max, step = 1, stops, valueOf, stopOf, format = String }, onInput) {
  const range = element("input", { type: "range", min: 0, max: stops, "aria-label": label });
  const field = numberField(`${label}, as a number`, { min, max, step }, onInput);
  range.addEventListener("input", () => onInput(valueOf(Number(range.value))));
  const set = (value) => {
    range.value = stopOf(value);
    setAttributes(range, { "aria-valuetext": format(value) });
    field.set(value);
  };
  return { root: element("div", { class: "rope-slider" }, `${label} `, range, " ", field.input), input: range, set };
}

// options: pairs of a value and its text.
function dropdown(label, options, onChange) {
  const select = element("select", { "aria-label": label });
  select.append(...options.map(([, text], index) => element("option", { value: index }, text)));
  select.addEventListener("change", () => onChange(options[select.value][0]));
  const set = (value) => (select.value = options.findIndex(([option]) => option === value));
  return { root: element("div", {}, `${label} `, select), input: select, set };
}

// A number for reading, with a minus that screen readers say, and no minus zero.
function fixed(value, digits = 4) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

// Bytes from Python as float64. The copy is needed: a message may hold them where no Float64Array can begin.
function floats(view) {
  return new Float64Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

// A table of 256 colours from Python as pixels: the four bytes red, green, blue and opaque as one number.
function pixelTable(table) {
  const bytes = Array.from({ length: 256 }, (_, at) => [0, 1, 2].map((part) => table.getUint8(3 * at + part)));
  return new Uint32Array(Uint8Array.from(bytes.flatMap((color) => [...color, 255])).buffer);
}

// One pixel for each value: at low and below the first colour, at high and above the last.
function paintPixels(image, values, colors, low, high) {
  const [pixels, scale] = [new Uint32Array(image.data.buffer), 256 / (high - low || 1)];
  for (let index = 0; index < values.length; index++) {
    pixels[index] = colors[Math.min(255, Math.max(0, Math.floor((values[index] - low) * scale)))];
  }
}

const stillness = window.matchMedia("(prefers-reduced-motion: reduce)");
