const LAST_POSITION = 131072;
const FINE = 64; // stops of the slider in each doubling
const COLUMNS = 512; // of the drawn waves, at most
const WHOLE_TURN = 2 * Math.PI;
const LEGEND = "Dashed face with a wedge: no full turn yet; the wedge is what the hand has passed.";
const UNDER = " Under each clock: pair and wavelength in tokens.";

// 0 to 128 one by one, then 64 stops for every doubling: each power of two is among them.
export function positionAt(stop) {
  return stop < 2 * FINE ? stop : (FINE + (stop % FINE)) * 2 ** (Math.floor(stop / FINE) - 1);
}

export function stopAt(position) {
  if (position < 2 * FINE) return position;
  const doublings = Math.floor(Math.log2(position / FINE));
  return FINE * doublings + Math.round(position / 2 ** doublings);
}

// The mean of cos(θ·p) over count successive positions p: what is left of a wave too fast for the drawing.
export function meanWave(theta, first, count) {
  if (count === 1) return Math.cos(theta * first);
  const half = Math.sin(theta / 2);
  const left = half === 0 ? 1 : Math.sin((count * theta) / 2) / (count * half);
  return left * Math.cos(theta * (first + (count - 1) / 2));
}

// The lowest and highest cos(θ·p) for p from first to last.
export function waveRange(theta, first, last) {
  const [from, to] = [(theta * first) / Math.PI, (theta * last) / Math.PI];
  const ends = [Math.cos(theta * first), Math.cos(theta * last)];
  const passes = (half) => Math.floor((to - half) / 2) >= Math.ceil((from - half) / 2);
  return [passes(1) ? -1 : Math.min(...ends), passes(0) ? 1 : Math.max(...ends)];
}

export function meanCosine(inv_freq, distance) {
  return inv_freq.reduce((sum, theta) => sum + Math.cos(distance * theta), 0) / inv_freq.length;
}

export function withoutTurn(inv_freq, position) {
  return [...inv_freq.keys()].filter((pair) => position * inv_freq[pair] < WHOLE_TURN);
}

// 46, 47, …, 63 as "46 to 63"
export function spans(numbers) {
  const runs = [];
  for (const value of numbers) {
    if (runs.length && runs.at(-1)[1] === value - 1) runs.at(-1)[1] = value;
    else runs.push([value, value]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`)).join(", ");
}

function tokens(length) {
  if (!Number.isFinite(length)) return "∞";
  return length < 100 ? length.toFixed(2) : Math.round(length).toLocaleString("en").replaceAll(",", "\u202f");
}

// The hands; arrow keys choose a pair, as does a click.
function clockFaces(onChoose) {
  const root = element("div", { class: "rope-clocks", role: "listbox", tabindex: 0, "aria-label": "pairs" });
  const prefix = uniqueName();
  let clocks = [];
  let chosen = 0;
  const build = (inv_freq) => {
    clocks = [...inv_freq].map((theta, pair) => {
      const wedge = element("path", { class: "rope-wedge" });
      const face = element("circle", { r: 1, class: "rope-face" });
      const hand = element("line", { x1: 0, y1: 0, x2: 1, y2: 0, class: "rope-hand" });
      const length = tokens(WHOLE_TURN / theta);
      const label = `pair ${pair}, wavelength ${length} tokens`;
      const svg = element("svg", { viewBox: "-1.15 -1.15 2.3 2.3", "aria-hidden": "true" }, wedge, face, hand);
      const names = [element("b", {}, pair), element("span", { class: "rope-length" }, length)];
      const named = { id: `${prefix}-${pair}`, role: "option", "aria-label": label, title: label };
      const option = element("div", named, svg, ...names);
      option.addEventListener("click", () => onChoose(pair));
      return { theta, wedge, face, hand, option };
    });
    root.classList.toggle("rope-few", clocks.length < 8);
    root.replaceChildren(...clocks.map(({ option }) => option));
  };
  const turn = (position) => {
    for (const { theta, wedge, face, hand } of clocks) {
      const angle = position * theta;
      const isOpen = angle < WHOLE_TURN;
      hand.setAttribute("transform", `rotate(${((-angle * 180) / Math.PI) % 360})`);
      const end = `${Math.cos(angle).toFixed(4)} ${(-Math.sin(angle)).toFixed(4)}`;
      setAttributes(wedge, { d: isOpen ? `M0 0L1 0A1 1 0 ${angle > Math.PI ? 1 : 0} 0 ${end}Z` : "" });
      setAttributes(face, { class: isOpen ? "rope-face rope-open" : "rope-face" });
    }
  };
  const choose = (pair) => {
    setAttributes(clocks[Math.min(chosen, clocks.length - 1)].option, { "aria-selected": "false" });
    setAttributes(clocks[pair].option, { "aria-selected": "true" });
    setAttributes(root, { "aria-activedescendant": `${prefix}-${pair}` });
    chosen = pair;
  };
  root.addEventListener("keydown", (event) => {
    const last = clocks.length - 1;
    const row = getComputedStyle(root).gridTemplateColumns.split(" ").length;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row, Home: -chosen, End: last - chosen };
    const target = chosen + steps[event.key];
    if (Number.isNaN(target)) return;
    event.preventDefault();
    if (target >= 0 && target <= last) onChoose(target);
  });
  return { root, build, turn, choose };
}

// Three drawings over one axis: the chosen pair's wave, all waves as colours, and their mean.
function wavePanels(signed) {
  const line = (style) => element("path", { "vector-effect": "non-scaling-stroke", class: style });
  const zero = line("rope-zero");
  const [one, mean] = [line("rope-curve rope-filled"), line("rope-curve")];
  const graph = (...nodes) => element("svg", { preserveAspectRatio: "none" }, ...nodes);
  const drawings = [graph(zero, one), element("canvas"), graph(zero.cloneNode(), mean)];
  const captions = drawings.map(() => element("div", { class: "rope-caption" }));
  const marks = drawings.map(() => element("div", { class: "rope-cursor" }));
  const dots = ["rope-dot", "rope-band", "rope-dot"].map((style) => element("div", { class: style }));
  const panel = (drawing, index) => element("div", { class: "rope-panel" }, drawing, marks[index], dots[index]);
  const boxes = drawings.map(panel);
  const ends = ["0", "position, and distance (tokens)", ""].map((text) => element("span", {}, text));
  const root = element("div", { class: "rope-wide", role: "img" });
  root.append(...captions.flatMap((caption, index) => [caption, boxes[index]]), element("div", { class: "rope-axis" }, ...ends));
  const points = (values) => values.map((value, column) => `${column + 0.5} ${(-value).toFixed(4)}`);

  const colors = pixelTable(signed);
  let [spectrum, wide, columns, drawn] = [null, 0, 0, null];
  const redraw = (inv_freq, length) => {
    columns = Math.min(COLUMNS, length);
    const count = length / columns;
    const wave = (theta) => Array.from({ length: columns }, (_, column) => meanWave(theta, column * count, count));
    const waves = [...inv_freq].map(wave);
    const canvas = Object.assign(drawings[1], { width: columns, height: waves.length });
    const image = new ImageData(columns, waves.length);
    paintPixels(image, waves.flat(), colors, -1, 1);
    canvas.getContext("2d").putImageData(image, 0, 0);
    const means = waves[0].map((_, column) => waves.reduce((sum, wave) => sum + wave[column], 0) / waves.length);
    mean.setAttribute("d", `M${points(means).join("L")}`);
    for (const svg of [drawings[0], drawings[2]]) {
      svg.setAttribute("viewBox", `0 -1.1 ${columns} 2.2`);
      svg.firstChild.setAttribute("d", `M0 0L${columns} 0`);
    }
    ends[2].textContent = tokens(length);
    const blur = count > 1 ? `; each column is the mean of ${count} tokens` : "";
    captions[1].textContent = `all ${waves.length} waves, the fastest on top: purple +1, white 0, orange −1${blur}`;
    captions[2].textContent = `mean cosine of all pairs against distance, −1 to 1${blur && `${blur}, the dot exact`}`;
  };
  // A wave too fast for the drawing shows as the band that it fills.
  const redrawOne = (theta, pair, length) => {
    const count = length / columns;
    const range = (_, column) => waveRange(theta, column * count, (column + 1) * count - 1);
    const ranges = Array.from({ length: columns }, range);
    const [low, high] = [0, 1].map((end) => points(ranges.map((range) => range[end])));
    one.setAttribute("d", `M${high.join("L")}L${low.reverse().join("L")}Z`);
    const blur = count > 1 ? `; each column is the range over ${count} tokens` : "";
    captions[0].textContent = `cos(position · θ) of pair ${pair}, −1 to 1${blur}`;
    const share = 100 / drawings[1].height;
    Object.assign(dots[1].style, { top: `${share * pair}%`, height: `${share}%` });
  };
  const place = (inv_freq, position, pair) => {
    const doublings = position < FINE ? 0 : 1 + Math.floor(Math.log2(position / FINE));
    const length = Math.min(LAST_POSITION, FINE * 2 ** doublings);
    const isNew = inv_freq !== spectrum || length !== wide;
    if (isNew) redraw(inv_freq, length);
    if (isNew || drawn !== pair) redrawOne(inv_freq[pair], pair, length);
    [spectrum, wide, drawn] = [inv_freq, length, pair];
    const left = `${Math.min(100, (100 * (position + 0.5)) / length)}%`;
    for (const mark of [...marks, dots[0], dots[2]]) mark.style.left = left;
    [Math.cos(position * inv_freq[pair]), meanCosine(inv_freq, position)].forEach((value, index) => {
      dots[2 * index].style.top = `${(100 * (1.1 - value)) / 2.2}%`;
    });
  };
  return { root, place };
}

function render({ model, el }) {
  const root = widgetRoot(el, model, "Frequency explorer");
  root.classList.add("rope-frequency");
  const spectra = model.get("spectra").map((sent) => ({ ...sent, inv_freq: floats(sent.inv_freq) }));
  const set = shareState(model, () => draw());

  const stops = { stops: stopAt(LAST_POSITION), valueOf: positionAt, stopOf: stopAt };
  const position = dial("position", { min: 0, max: LAST_POSITION, ...stops }, (value) => set({ position: value }));
  const options = (name, textOf) => [...new Set(spectra.map((sent) => sent[name]))].map((value) => [value, textOf(value)]);
  const fitting = (head_dim) => ({ head_dim, pair: Math.min(model.get("pair"), head_dim / 2 - 1) });
  const menus = {
    head_dim: dropdown("head_dim", options("head_dim", String), (head_dim) => set(fitting(head_dim))),
    base: dropdown("base", options("base", tokens), (base) => set({ base })),
    rule: dropdown("scaling", options("rule", (rule) => model.get("names")[rule]), (rule) => set({ rule })),
  };
  const clocks = clockFaces((pair) => set({ pair }));
  const panels = wavePanels(model.get("signed"));
  const [said, ofPair] = [readOut(), readOut()];
  const wide = (style, ...nodes) => element("div", { class: `rope-wide ${style}` }, ...nodes);
  const row = wide("rope-row", ...Object.values(menus).map(({ root }) => root));
  const legend = wide("rope-caption", LEGEND, element("span", { class: "rope-length" }, UNDER));
  root.append(wide("rope-long", position.root), row, wide("", said, ofPair), clocks.root, legend, panels.root);

  let drawn;
  function draw() {
    const now = stateOf(model, ["head_dim", "base", "rule", "position", "pair"]);
    const spectrum = spectra.find((sent) => ["head_dim", "base", "rule"].every((name) => sent[name] === now[name]));
    const { inv_freq, attention_factor } = spectrum;
    if (spectrum !== drawn) clocks.build(inv_freq);
    drawn = spectrum;
    position.set(now.position);
    for (const [name, menu] of Object.entries(menus)) menu.set(now[name]);
    clocks.turn(now.position);
    clocks.choose(now.pair);
    panels.place(inv_freq, now.position, now.pair);

    const [open, angle] = [withoutTurn(inv_freq, now.position), now.position * inv_freq[now.pair]];
    const which = open.length ? `: ${spans(open)}` : "";
    const more = attention_factor === 1 ? "" : ` The rule also multiplies scores by ${fixed(attention_factor ** 2)}.`;
    said.textContent =
      `At position ${now.position}, ${open.length} of ${inv_freq.length} pairs have not completed a turn${which}. ` +
      `Mean cosine at this distance: ${fixed(meanCosine(inv_freq, now.position), 6)}.${more}`;
    ofPair.textContent =
      `Pair ${now.pair}: wavelength ${tokens(WHOLE_TURN / inv_freq[now.pair])} tokens; it has turned by ` +
      `${fixed(angle)} rad, ${fixed(angle / WHOLE_TURN)} turns.`;
    panels.root.setAttribute("aria-label", `waves of ${inv_freq.length} pairs and their mean; ${said.textContent}`);
  }
  draw();
}

export default { render };
