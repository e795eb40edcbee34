const EDGE = 190; // where the longest arrow ends, in units of the drawing
const SPAN = 1.6; // its length, unless Python gives a longer one
const [SHORTEST, LONGEST] = [0.11, 9.98]; // rounding to hundredths must not lead beyond Python's 0.1 and 10
const SIDES = [
  { name: "q", word: "query", at: "m" },
  { name: "k", word: "key", at: "n" },
];

export function turn([x, y], angle) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [x * cos - y * sin, x * sin + y * cos];
}

export function reading({ q, k, m, n, inv_freq, direction }) {
  const theta = direction * inv_freq;
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
  const turned = { q: turn(q, m * theta), k: turn(k, n * theta) };
  const score = dot(turned.q, turned.k);
  const between = Math.atan2(turned.q[0] * turned.k[1] - turned.q[1] * turned.k[0], score);
  const identity = dot(q, turn(k, (n - m) * theta));
  return { turned, angles: { q: m * theta, k: n * theta }, offset: n - m, score, identity, between };
}

// Hundredths, so that the reader can write the arrow down.
export function allowed(vector, span) {
  const length = Math.hypot(...vector) || 1;
  const scale = Math.min(span, LONGEST, Math.max(SHORTEST, length)) / length;
  return vector.map((value) => Math.round(100 * value * scale) / 100);
}

function arrow(style) {
  const shaft = element("line", { "stroke-width": style.width, "stroke-dasharray": style.dash, stroke: style.color });
  const head = element("polygon", { fill: style.color });
  const label = element("text", { "text-anchor": "middle", "dominant-baseline": "central", class: "rope-halo" });
  const place = (x, y) => {
    const [length, back] = [Math.hypot(x, y) || 1e-9, style.width * 4];
    const [ux, uy, tipX, tipY] = [x / length, -y / length, x, -y];
    const [baseX, baseY] = [tipX - back * ux, tipY - back * uy];
    setAttributes(shaft, { x1: 0, y1: 0, x2: baseX, y2: baseY });
    const side = back * 0.42;
    setAttributes(head, {
      points: `${tipX},${tipY} ${baseX - side * uy},${baseY + side * ux} ${baseX + side * uy},${baseY - side * ux}`,
    });
    setAttributes(label, { x: tipX + 24 * ux, y: tipY + 24 * uy });
  };
  return { nodes: [shaft, head, label], label, place };
}

// Points of an arc from one angle on; of many turns only the last whole one and the rest.
function arc(radius, from, angle) {
  const size = Math.abs(angle);
  const swept = Math.sign(angle) * (size > 2 * Math.PI ? 2 * Math.PI + (size % (2 * Math.PI)) : size);
  const steps = 2 + Math.ceil(Math.abs(swept) * 10);
  return Array.from({ length: steps }, (_, step) => {
    const at = from + (swept * step) / (steps - 1);
    return `${(radius * Math.cos(at)).toFixed(1)},${(-radius * Math.sin(at)).toFixed(1)}`;
  });
}

// onMove(name, tip, isTurned): the reader has put the tip of an arrow somewhere, in the plane's coordinates.
function plane(onMove) {
  const svg = element("svg", { viewBox: "-225 -225 450 450", class: "rope-plane" });
  const faint = { stroke: "var(--rope-reference)", fill: "none", "stroke-width": 1 };
  const circle = element("circle", { "stroke-dasharray": "2 5", ...faint });
  const wedge = element("polygon", { fill: "var(--rope-other)", "fill-opacity": 0.35 });
  const axes = [{ x1: -220, x2: 220 }, { y1: -220, y2: 220 }].map((ends) => element("line", { ...ends, ...faint }));
  svg.append(...axes, circle, wedge);
  const parts = SIDES.flatMap(({ name, word }, side) =>
    [false, true].map((isTurned) => {
      const color = `var(--rope-${word})`;
      const drawn = arrow(isTurned ? { width: 5, dash: "none", color } : { width: 2.5, dash: "7 6", color });
      const trail = element("path", { fill: "none", stroke: color, "stroke-width": 2 });
      const handle = element("circle", { r: 22, class: "rope-drag rope-handle", tabindex: 0, role: "slider" });
      setAttributes(handle, { "aria-valuemin": 0, "aria-valuemax": 10 });
      svg.append(trail, ...drawn.nodes);
      return { name, word, side, isTurned, drawn, trail, handle };
    }),
  );
  svg.append(...parts.map((part) => part.handle));
  let [span, unit] = [SPAN, 0];
  const moved = (part, tip) => onMove(part.name, tip, part.isTurned, span);
  parts.forEach((part) => moveByHand(svg, part, (tip) => moved(part, tip), () => unit));
  const place = (vectors, { turned, angles, between }) => {
    span = Math.max(span, Math.hypot(...vectors.q), Math.hypot(...vectors.k));
    unit = EDGE / span;
    setAttributes(circle, { r: unit });
    for (const part of parts) {
      const tip = part.isTurned ? turned[part.name] : vectors[part.name];
      part.drawn.place(unit * tip[0], unit * tip[1]);
      part.tip = tip;
      const text = `(${fixed(tip[0], 2)}, ${fixed(tip[1], 2)})`;
      const label = `${part.word} arrow${part.isTurned ? ", turned" : ""}; arrow keys move its tip`;
      const value = { "aria-valuetext": text, "aria-valuenow": Math.hypot(...tip).toFixed(2), "aria-label": label };
      setAttributes(part.handle, { cx: unit * tip[0], cy: -unit * tip[1], ...value });
      const apart = unit * Math.hypot(...tip.map((value, axis) => value - turned[part.name][axis]));
      setText(part.drawn.label, part.isTurned ? `R ${part.name}` : apart > 30 ? part.name : "");
      const start = Math.atan2(vectors[part.name][1], vectors[part.name][0]);
      const trail = part.isTurned ? `M${arc(72 + 14 * part.side, start, angles[part.name]).join("L")}` : "";
      setAttributes(part.trail, { d: trail });
    }
    wedge.setAttribute("points", `0,0 ${arc(50, Math.atan2(turned.q[1], turned.q[0]), between).join(" ")}`);
  };
  return { svg, place };
}

function moveByHand(svg, part, move, unit) {
  const { handle } = part;
  // Inside an SVG, touch-action alone does not keep Chromium from scrolling the page under the finger.
  handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    handle.focus();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    move([x / unit(), -y / unit()]);
  });
  handle.addEventListener("keydown", (event) => {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const step = event.shiftKey ? 0.25 : 0.05;
    move([part.tip[0] + step * way[0], part.tip[1] + step * way[1]]);
  });
}

// The words of the sentence as radio buttons, and a field for every other position.
function positionOf({ word, at }, tokens, onInput) {
  const group = uniqueName();
  const radios = tokens.map((_, position) => element("input", { type: "radio", name: group, value: position }));
  radios.forEach((radio, position) => radio.addEventListener("change", () => onInput(position)));
  const field = numberField(`position ${at} of the ${word}`, { min: 0, max: 131072 }, onInput);
  const words = tokens.map((token, position) => element("label", {}, radios[position], element("span", {}, token)));
  const root = element("fieldset", { class: `rope-words rope-${word}` }, element("legend", {}, `${word} at ${at}`));
  root.append(...words, field.input);
  const set = (position) => {
    radios.forEach((radio, index) => (radio.checked = index === position));
    field.set(position);
  };
  return { root, set };
}

function numbers() {
  const rows = { before: "before", angle: "turned by", after: "after" };
  const cell = Object.fromEntries(Object.keys(rows).map((row) => [row, [element("td"), element("td")]]));
  const head = element("tr", {}, element("td"), ...SIDES.map(({ word }) => element("th", { scope: "col" }, word)));
  const heading = (text) => element("th", { scope: "row" }, text);
  const lines = Object.entries(rows).map(([row, text]) => element("tr", {}, heading(text), ...cell[row]));
  const root = element("table", { class: "rope-numbers" }, head, ...lines);
  const point = (pair, digits) => `(${fixed(pair[0], digits)}, ${fixed(pair[1], digits)})`;
  const set = (vectors, { turned, angles }) =>
    SIDES.forEach(({ name }, side) => {
      setText(cell.before[side], point(vectors[name], 2));
      setText(cell.angle[side], `${fixed(angles[name])} rad`);
      setText(cell.after[side], point(turned[name], 3));
    });
  return { root, set };
}

// One step each time the clock allows, with the way between two steps drawn; a single jump where motion is unwelcome.
function player(step, between) {
  const button = element("button", { type: "button" });
  let frame = 0;
  const label = () => (button.textContent = frame ? "❚❚ pause" : "▶ play");
  const stop = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    label();
  };
  const run = (started, now) => {
    const share = (now - started) / 700;
    if (!button.isConnected) return stop();
    if (share >= 1) step();
    else between(Math.max(0, share));
    frame = requestAnimationFrame((next) => run(share >= 1 ? now : started, next));
  };
  button.addEventListener("click", () => {
    if (stillness.matches) return step();
    if (frame) {
      stop();
      return between(0);
    }
    frame = requestAnimationFrame((now) => run(now, now));
    label();
  });
  label();
  return { button, isOn: () => frame !== 0 };
}

function render({ model, el }) {
  const root = widgetRoot(el, model, "Rotation visualiser");
  root.classList.add("rope-rotation");
  const state = () => stateOf(model, ["q", "k", "m", "n", "inv_freq", "direction"]);
  const set = shareState(model, () => draw());
  const shift = (by) => set({ m: model.get("m") + by, n: model.get("n") + by });

  const drawing = plane((name, tip, isTurned, span) => {
    const { angles } = reading(state());
    set({ [name]: allowed(isTurned ? turn(tip, -angles[name]) : tip, span) });
  });
  const places = SIDES.map((side) => positionOf(side, model.get("tokens"), (position) => set({ [side.at]: position })));
  const first = () => Math.min(model.get("m"), model.get("n"));
  const positions = () => `m = ${model.get("m")}, n = ${model.get("n")}`;
  const shifts = { min: 0, max: 60, value: 0, format: positions };
  const both = slider("shift both", shifts, (value) => shift(value - first()));
  const play = player(
    () => shift(1),
    (share) => drawing.place(state(), reading({ ...state(), m: model.get("m") + share, n: model.get("n") + share })),
  );
  const theta = dial(
    "frequency θ",
    { min: 0, max: 3.14, step: "any", stops: 314, valueOf: (stop) => stop / 100, stopOf: (value) => 100 * value },
    (inv_freq) => set({ inv_freq }),
  );
  const ways = [[1, "counter-clockwise (+)"], [-1, "clockwise (−)"]];
  const turning = dropdown("turning", ways, (direction) => set({ direction }));
  const table = numbers();
  const equation = element("div", { class: "rope-readout" });
  const out = readOut();
  const row = element("div", { class: "rope-row" }, both.root, play.button);
  const side = element("div", { class: "rope-side" }, ...places.map(({ root }) => root), row, theta.root, turning.root);
  side.append(table.root, equation, out);
  root.append(drawing.svg, side);

  let last = null;
  function draw() {
    const now = state();
    const read = reading(now);
    drawing.place(now, read);
    places.forEach(({ set }, side) => set(now[SIDES[side].at]));
    both.set(first());
    theta.set(now.inv_freq);
    turning.set(now.direction);
    table.set(now, read);
    const same = Math.abs(read.score - read.identity) < 1e-9 ? "equal" : "not equal";
    const [left, right] = [fixed(read.score, 6), fixed(read.identity, 6)];
    setText(equation, `R(mθ)q · R(nθ)k = ${left}\nq · R((n−m)θ)k  = ${right}  (${same})`);
    const isSame = last !== null && Math.abs(read.score - last) < 1e-9;
    const news = last === null ? "" : isSame ? ", unchanged" : `; it was ${fixed(last, 6)}`;
    setAttributes(out, { "aria-live": play.isOn() ? "off" : "polite" });
    out.textContent =
      `m = ${now.m}, n = ${now.n}, offset n − m = ${fixed(read.offset, 0)}: ` +
      `angle between ${fixed(Math.abs(read.between))} rad, dot product ${fixed(read.score, 6)}${news}`;
    last = read.score;
  }
  draw();
}

export default { render };
