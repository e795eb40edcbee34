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

function isRun({ key, ctrlKey, metaKey, shiftKey }) {
  return key === "Enter" && (shiftKey || ctrlKey || metaKey);
}

// Jupyter would take an arrow key for "next cell" and a letter for a command. Tab, Escape, Save and Run stay its own.
function isOurs(event) {
  const save = event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey);
  return !["Tab", "Escape"].includes(event.key) && !save && !isRun(event);
}

// JupyterLab takes keys on their way up, where they can be stopped. Notebook 7 takes them on their way down, before
// any element of ours hears of them; it passes over a focused element with this attribute. The window is still earlier.
function keepKeys(root, takes) {
  const isKept = (event) => isOurs(event) || takes(event);
  const mark = (target, ours) => target.toggleAttribute("data-lm-suppress-shortcuts", ours);
  const yieldOrKeep = (event) => root.contains(event.target) && mark(event.target, isKept(event));
  root.addEventListener("focusin", ({ target }) => {
    mark(target, true);
    window.addEventListener("keydown", yieldOrKeep, true);
  });
  root.addEventListener("focusout", () => window.removeEventListener("keydown", yieldOrKeep, true));
  root.addEventListener("keydown", (event) => {
    if (isKept(event)) event.stopPropagation();
    leap(event);
  });
}

// Home, End, Page Up and Page Down lead to the first or last of a group of radio buttons. On what knows no use for
// them, the browser would scroll the notebook, and what has the focus would be out of sight.
function leap(event) {
  const ends = { Home: 0, PageUp: 0, End: -1, PageDown: -1 };
  const { key, target } = event;
  if (!(key in ends) || !target.matches('button, summary, a, [role="slider"], input[type="radio"]')) return;
  event.preventDefault();
  if (target.type !== "radio") return;
  const group = target.closest("fieldset").querySelectorAll('input[type="radio"]:enabled');
  const end = [...group].at(ends[key]);
  end.focus();
  if (!end.checked) end.click();
}

// The root of a widget: a name for assistive technology, the colours of Python's palette, its keys for itself.
// takes(event): whether the widget has a use for a key that is otherwise Jupyter's
function widgetRoot(el, model, label, takes = () => false) {
  const root = element("div", { class: "rope", role: "group", "aria-label": label });
  for (const [name, color] of Object.entries(model.get("palette"))) root.style.setProperty(`--palette-${name}`, color);
  keepKeys(root, takes);
  el.append(root);
  return root;
}

function stateOf(model, names) {
  return Object.fromEntries(names.map((name) => [name, model.get(name)]));
}

// To a kernel that was restarted or ended nothing can be sent. The widget goes on by itself, and does not complain.
function tell(send) {
  try {
    send();
  } catch (error) {
    console.warn("The kernel was not told:", error);
  }
}

// No later: an echo of the change before, still on its way from the kernel, would undo what it has not heard of.
function saveSoon(model) {
  queueMicrotask(() => tell(() => model.save_changes()));
}

// Something to do unless the kernel answers in time: expect() begins to wait, and answered() ends it.
function patience(onSilence, milliseconds = 2000) {
  let timer;
  const answered = () => clearTimeout(timer);
  const expect = () => {
    answered();
    timer = setTimeout(onSilence, milliseconds);
  };
  return { expect, answered };
}

// Every view of a model is redrawn at once, and then the kernel is told.
function shareState(model, redraw) {
  model.on("change", redraw);
  return (values) => {
    model.set(values);
    saveSoon(model);
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

// 131072 as 131 072; numbers of four digits stay as they are.
function grouped(number) {
  return number < 10_000 ? String(number) : String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

// A field for any number from min to max. It counts when it is complete: with Enter, an arrow key, or on leaving. What
// is out of range, or no number, changes nothing, and the rule is said.
function numberField(label, { min, max, step = 1 }, onInput) {
  const input = element("input", { type: "number", min, max, step, "aria-label": label, required: "" });
  const said = element("span", { class: "rope-rule", "aria-live": "polite" });
  const rule = `${grouped(min)} to ${grouped(max)}${step === 1 ? ", whole numbers" : ""}`;
  let current;
  const set = (value) => {
    current = value;
    if (input.value === "" || Number(input.value) !== value) input.value = value;
  };
  const isNews = () => Number(input.value) !== current;
  const check = (otherwise) => {
    setText(said, input.validity.valid ? otherwise : rule);
    setAttributes(input, { "aria-invalid": !input.validity.valid });
  };
  input.addEventListener("input", () => check(isNews() ? "then Enter" : ""));
  input.addEventListener("change", () => {
    check("");
    if (input.validity.valid && isNews()) onInput(Number(input.value));
  });
  const reading = patience(() => setText(said, ""), 5000);
  input.addEventListener("blur", () => {
    setText(said, input.validity.valid ? "" : `not taken: ${rule}`);
    input.value = current;
    setAttributes(input, { "aria-invalid": false });
    reading.expect();
  });
  input.addEventListener("focus", () => {
    reading.answered();
    setText(said, "");
  });
  return { root: element("span", { class: "rope-field" }, input, said), input, set };
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
  return { root: element("div", { class: "rope-slider" }, `${label} `, range, " ", field.root), input: range, set };
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
