const [SHORTEST, LONGEST] = [0.11, 9.98]; // rounding to hundredths must not lead beyond Python's 0.1 and 10
const LAST_POSITION = 131072;
const LAST_SHIFT = 60; // of the slider
const STATE = ["q", "k", "m", "n", "inv_freq", "direction"];

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

// The words of the sentence as radio buttons, and a field for every other position.
function positionOf({ word, at }, tokens, onInput) {
  const group = uniqueName();
  const radios = tokens.map((_, position) => element("input", { type: "radio", name: group, value: position }));
  radios.forEach((radio, position) => radio.addEventListener("change", () => onInput(position)));
  const field = numberField(`position ${at} of the ${word}`, { min: 0, max: LAST_POSITION }, onInput);
  const words = tokens.map((token, position) => element("label", {}, radios[position], element("span", {}, token)));
  const root = element("fieldset", { class: `rope-words rope-${word}` }, element("legend", {}, `${word} at ${at}`));
  root.append(...words, field.root);
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
// step() says whether there is another one.
function player(step, between) {
  const button = element("button", { type: "button", class: "rope-play" });
  let frame = 0;
  const label = () => (button.textContent = frame ? "❚❚ pause" : "▶ play");
  const stop = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    label();
  };
  const pause = () => {
    if (!frame) return;
    stop();
    between(0);
  };
  const run = (started, now) => {
    const share = (now - started) / 700;
    if (!button.isConnected) return stop();
    if (share < 1) between(Math.max(0, share));
    else if (!step()) return stop();
    frame = requestAnimationFrame((next) => run(share >= 1 ? now : started, next));
  };
  const start = () => {
    frame = requestAnimationFrame((now) => run(now, now));
    label();
  };
  button.addEventListener("click", () => (stillness.matches ? step() : frame ? pause() : start()));
  label();
  return { button, pause, isOn: () => frame !== 0 };
}

// The formula with the angles that were turned by: clockwise they are negative.
export function identityInWords({ direction }, { score, identity }) {
  const minus = direction === 1 ? "" : "−";
  const same = Math.abs(score - identity) < 1e-9 ? "equal" : "not equal";
  const [left, right] = [`R(${minus}mθ)q · R(${minus}nθ)k`, `q · R(${minus}(n−m)θ)k`];
  return `${left} = ${fixed(score, 6)}\n${right.padEnd(left.length)} = ${fixed(identity, 6)}  (${same})`;
}

// What the number was before the reader's hand came to it: a drag counts as one change, and so does a held button.
function comparison(root) {
  let [before, last, held] = [null, null, false];
  root.addEventListener("pointerdown", () => ([before, held] = [last, true]), true);
  const release = () => (held = false);
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) root.addEventListener(kind, release, true);
  return (value) => {
    if (!held) before = last;
    last = value;
    if (before === null) return "";
    return Math.abs(value - before) < 1e-9 ? ", unchanged" : `; it was ${fixed(before, 6)}`;
  };
}

function render({ model, el }) {
  const root = widgetRoot(el, model, "Rotation visualiser");
  root.classList.add("rope-rotation");
  const state = () => stateOf(model, STATE);
  const set = shareState(model, () => draw());
  const first = () => Math.min(model.get("m"), model.get("n"));
  const shift = (by) => {
    const most = LAST_POSITION - Math.max(model.get("m"), model.get("n"));
    const far = Math.min(most, Math.max(-first(), by));
    set({ m: model.get("m") + far, n: model.get("n") + far });
  };
  const isAtTheEnd = () => first() >= LAST_SHIFT || Math.max(model.get("m"), model.get("n")) >= LAST_POSITION;

  const drawing = plane((name, tip, isTurned, span) => {
    const { angles } = reading(state());
    set({ [name]: allowed(isTurned ? turn(tip, -angles[name]) : tip, span) });
  });
  const places = SIDES.map((side) => positionOf(side, model.get("tokens"), (position) => set({ [side.at]: position })));
  const positions = () => `m = ${model.get("m")}, n = ${model.get("n")}`;
  const shifts = { min: 0, max: LAST_SHIFT, value: 0, format: positions };
  const both = slider("shift both", shifts, (value) => shift(value - first()));
  const play = player(
    () => {
      shift(isAtTheEnd() ? -first() : 1);
      return !isAtTheEnd();
    },
    (share) => {
      const by = isAtTheEnd() ? 0 : share;
      drawing.place(state(), reading({ ...state(), m: model.get("m") + by, n: model.get("n") + by }));
    },
  );
  root.addEventListener("keydown", ({ key }) => key === "Escape" && play.pause());
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
  const restart = element("button", { type: "button" }, "start again");
  restart.addEventListener("click", () => {
    play.pause();
    set(model.get("start"));
  });
  const shiftRow = element("div", { class: "rope-row" }, both.root, play.button);
  const turningRow = element("div", { class: "rope-row" }, turning.root, restart);
  const side = element("div", { class: "rope-side" }, ...places.map(({ root }) => root), shiftRow, theta.root, turningRow);
  side.append(table.root, equation, out);
  root.append(drawing.svg, side);

  const compared = comparison(root);
  function draw() {
    const now = state();
    const read = reading(now);
    drawing.place(now, read);
    places.forEach(({ set }, side) => set(now[SIDES[side].at]));
    both.set(first());
    theta.set(now.inv_freq);
    turning.set(now.direction);
    table.set(now, read);
    setText(equation, identityInWords(now, read));
    setAttributes(out, { "aria-live": play.isOn() ? "off" : "polite" });
    out.textContent =
      `m = ${now.m}, n = ${now.n}, offset n − m = ${fixed(read.offset, 0)}: ` +
      `angle between ${fixed(Math.abs(read.between))} rad, dot product ${fixed(read.score, 6)}${compared(read.score)}`;
  }
  draw();
}

export default { render };
