const BASES = [...Array(8).keys()].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));

const NOTE = "Rows are queries, columns are keys. Running the cell again (Shift+Enter) starts the figure afresh.";

function signed(value, digits) {
  const text = fixed(value, digits);
  return value > 0 && Number(value.toFixed(digits)) !== 0 ? `+${text}` : text;
}

// n − m in words, for a query at m and a key at n.
export function whereOf(offset) {
  if (offset === 0) return "at the same position";
  return `${Math.abs(offset)} token${Math.abs(offset) === 1 ? "" : "s"} ${offset < 0 ? "before" : "after"} the query`;
}

// Where the colours end: at the largest value, or, in a large map, at the largest of a middling row. The weight of 1
// that a causal mask leaves in the first row must not darken all others.
function brightest(maps, seq) {
  const largest = new Float64Array(maps.length * seq);
  maps.forEach((values, map) => {
    for (let row = 0, index = 0; row < seq; row++) {
      let most = 0;
      for (let column = 0; column < seq; column++, index++) most = Math.max(most, Math.abs(values[index]));
      largest[map * seq + row] = most;
    }
  });
  return largest.sort()[seq <= READABLE ? largest.length - 1 : Math.floor(largest.length / 2)];
}

function smallest(maps) {
  let least = Infinity;
  for (const values of maps) for (let index = 0; index < values.length; index++) least = Math.min(least, values[index]);
  return least;
}

// Black or white, whichever has a contrast of 4.5 or more.
function inkOn(red, green, blue) {
  const light = (value) => (value / 255) ** 2.2;
  return 0.2126 * light(red) + 0.7152 * light(green) + 0.0722 * light(blue) > 0.179 ? "#000" : "#fff";
}

// One pixel a cell; where cells are large enough, they are painted again with their numbers.
function painter(canvas, table) {
  const [context, colors] = [canvas.getContext("2d"), pixelTable(table)];
  let image = null;
  return (values, seq, causal, [low, high], textOf) => {
    const cell = seq <= READABLE ? Math.floor(640 / seq) : 1;
    if (image?.width !== seq) {
      image = new ImageData(seq, seq);
      Object.assign(canvas, { width: cell * seq, height: cell * seq });
      canvas.style.imageRendering = cell === 1 ? "pixelated" : "auto";
    }
    paintPixels(image, values, colors, low, high);
    for (let row = 0; causal && row < seq; row++) image.data.fill(0, 4 * (row * seq + row + 1), 4 * (row + 1) * seq);
    if (cell === 1) return context.putImageData(image, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const font = `${Math.round(cell * 0.25)}px sans-serif`;
    Object.assign(context, { font, textAlign: "center", textBaseline: "middle" });
    values.forEach((value, index) => {
      const [row, column, color] = [Math.floor(index / seq), index % seq, image.data.slice(4 * index, 4 * index + 3)];
      if (causal && column > row) return;
      const [x, y] = [column * cell, row * cell];
      context.fillStyle = `rgb(${color.join()})`;
      context.fillRect(x, y, cell, cell);
      context.fillStyle = inkOn(...color);
      context.fillText(textOf(value, 2), x + cell / 2, y + cell / 2);
    });
  };
}

function heatMap(title, table, onCell, onRow) {
  const [canvas, cursor] = [element("canvas"), element("div", { class: "rope-cell" })];
  const band = element("div", { class: "rope-chosen" });
  const box = element("div", { class: "rope-box", tabindex: 0, role: "application" }, canvas, band, cursor);
  const [rows, columns] = [element("div", { class: "rope-rows" }), element("div", { class: "rope-columns" })];
  const ends = [element("span"), element("span")];
  const [paint, bar] = [painter(canvas, table), element("canvas", { width: 256, height: 1 })];
  const gradient = new ImageData(256, 1);
  paintPixels(gradient, [...Array(256).keys()], pixelTable(table), 0, 256);
  bar.getContext("2d").putImageData(gradient, 0, 0);
  const caption = element("figcaption", {}, title);
  const grid = element("div", { class: "rope-grid" }, rows, box, element("span"), columns);
  const scale = element("div", { class: "rope-scale" }, ends[0], bar, ends[1]);
  const root = element("figure", { class: "rope-map" }, caption, grid, scale);

  let seq = 1;
  const at = (event) => {
    const { left, top, width, height } = box.getBoundingClientRect();
    const inside = (share) => Math.min(seq - 1, Math.max(0, Math.floor(share * seq)));
    return [inside((event.clientY - top) / height), inside((event.clientX - left) / width)];
  };
  box.addEventListener("pointermove", (event) => event.pointerType === "mouse" && onCell(() => at(event)));
  box.addEventListener("click", (event) => {
    onCell(() => at(event));
    onRow();
  });
  box.addEventListener("keydown", (event) => {
    const last = seq - 1;
    const to = {
      ArrowUp: ([row, column]) => [row - 1, column],
      ArrowDown: ([row, column]) => [row + 1, column],
      ArrowLeft: ([row, column]) => [row, column - 1],
      ArrowRight: ([row, column]) => [row, column + 1],
      Home: ([row]) => [row, 0],
      End: ([row]) => [row, last],
      PageUp: ([, column]) => [0, column],
      PageDown: ([, column]) => [last, column],
    }[event.key];
    if (to) onCell((cell) => to(cell).map((value) => Math.min(last, Math.max(0, value))));
    else if ([" ", "Enter"].includes(event.key) && !event.shiftKey && !event.ctrlKey && !event.metaKey) onRow();
    else return;
    event.preventDefault();
  });
  const draw = (values, count, tokens, causal, [low, high], textOf) => {
    seq = count;
    paint(values, seq, causal, [low, high], textOf);
    const texts = seq <= READABLE ? tokens.slice(0, seq) : [tokens[0], tokens[seq - 1]];
    for (const side of [rows, columns]) {
      side.classList.toggle("rope-ends", seq > READABLE);
      if (side.dataset.texts === texts.join("\n")) continue;
      side.dataset.texts = texts.join("\n");
      side.replaceChildren(...texts.map((text) => element("span", {}, text)));
    }
    const digits = high < 0.1 ? 3 : 2;
    setText(ends[0], textOf(low, digits));
    setText(ends[1], `${textOf(high, digits)}${seq > READABLE ? " or more" : ""}`);
    const keys = "arrow keys choose a cell, Enter shows its row as bars";
    setAttributes(box, { "aria-label": `${title}, ${seq} by ${seq}: ${keys}` });
  };
  const mark = ([row, column], chosen) => {
    const share = (cells) => `${(100 * cells) / seq}%`;
    Object.assign(cursor.style, { left: share(column), top: share(row), width: share(1), height: share(1) });
    Object.assign(band.style, { top: share(chosen), height: share(1) });
    band.hidden = chosen < 0;
  };
  return { root, draw, mark };
}

function controls(model, sequences, set) {
  const menu = dropdown("sequence", sequences.map(({ name }, index) => [index, name]), (sequence) =>
    set({ sequence, ...within(model, sequences[sequence].tokens.length) }),
  );
  const length = slider("tokens", { min: 2, max: 64, value: 2 }, (seq_len) => set(within(model, seq_len)));
  const exponent = (base) => BASES.findIndex((value, index) => base <= value || index === BASES.length - 1);
  const stops = { stops: BASES.length - 1, valueOf: (stop) => BASES[stop], stopOf: exponent };
  const base = dial("base", { min: 0.01, max: 1e9, step: "any", ...stops }, (value) => set({ base: value }));
  const tick = element("input", { type: "checkbox" });
  tick.addEventListener("change", () => set({ causal: tick.checked }));
  const causal = element("label", {}, tick, " causal mask");
  const root = element("div", { class: "rope-row rope-wide rope-controls" }, menu.root, length.root, base.root, causal);
  const show = (now) => {
    menu.set(now.sequence);
    length.input.max = sequences[now.sequence].tokens.length;
    length.set(now.seq_len);
    base.set(now.base);
    tick.checked = now.causal;
  };
  return { root, show };
}

// What has to change with the number of tokens, so that cell and row stay on the map.
function within(model, seq_len) {
  const row = model.get("row");
  return { seq_len, cell: model.get("cell").map((value) => Math.min(value, seq_len - 1)), row: row < seq_len ? row : -1 };
}

function render({ model, el }) {
  const root = widgetRoot(el, model, "Attention heat map");
  root.classList.add("rope-heat-map");
  const sequences = model.get("sequences").map((sent) => ({ ...sent, q: floats(sent.q), k: floats(sent.k) }));
  const set = shareState(model, () => draw());

  const onCell = (next) => set({ cell: next(model.get("cell")) });
  const onRow = () => set({ row: model.get("row") === model.get("cell")[0] ? -1 : model.get("cell")[0] });
  const [weightColors, signedColors] = [model.get("weights_colors"), model.get("signed_colors")];
  const maps = ["with RoPE", "without positions", "difference"].map((title, index) =>
    heatMap(title, index < 2 ? weightColors : signedColors, onCell, onRow),
  );
  const panel = controls(model, sequences, set);
  const [out, bars] = [readOut(), rowBars()];
  const terms = [termTable("with RoPE: turned vectors"), termTable("without positions")];
  const group = (style, parts) => element("div", { class: `rope-wide ${style}` }, ...parts.map(({ root }) => root));
  const note = element("div", { class: "rope-wide" }, NOTE);
  root.append(panel.root, group("rope-maps", maps), note, out, group("rope-row rope-terms", terms), bars.root);
  out.classList.add("rope-wide");

  let [key, kind, all] = ["", "", null];
  function draw() {
    const now = stateOf(model, ["sequence", "seq_len", "base", "causal", "cell", "row"]);
    const { tokens, q, k, head_dim } = sequences[now.sequence];
    const seq = now.seq_len;
    const wanted = [now.sequence, seq, now.base, now.causal].join();
    if (key !== wanted) {
      key = wanted;
      const isOnlyBase = kind === [now.sequence, seq, now.causal].join();
      kind = [now.sequence, seq, now.causal].join();
      all = compare(q, k, seq, head_dim, now.base, now.causal, isOnlyBase ? all : undefined);
      const both = [all.rope.weights, all.plain.weights];
      const range = [smallest(both), brightest(both, seq)];
      const bound = brightest([all.change], seq) || 1;
      maps[0].draw(all.rope.weights, seq, tokens, now.causal, range, fixed);
      maps[1].draw(all.plain.weights, seq, tokens, now.causal, range, fixed);
      maps[2].draw(all.change, seq, tokens, now.causal, [-bound, bound], signed);
      panel.show(now);
    }
    const [row, column] = now.cell.map((value) => Math.min(value, seq - 1));
    const [index, isHidden] = [row * seq + column, now.causal && column > row];
    maps.forEach((map) => map.mark([row, column], now.row));
    const sums = [[key, all.rope], [kind, all.plain]];
    sums.forEach(([what, sum], at) => terms[at].set(`${what} ${row} ${column}`, sum, seq, head_dim, [row, column], isHidden));
    bars.set(key, now.row < seq ? now.row : -1, seq, tokens, all.rope.weights, all.plain.weights);
    const [withRope, without] = [all.rope, all.plain].map(({ weights }) => fixed(weights[index], 6));
    const between = `query ${row} (${tokens[row]}) → key ${column} (${tokens[column]}), ${whereOf(column - row)}`;
    const difference = signed(all.change[index], 6);
    const numbers = `weight ${withRope} with RoPE, ${without} without positions, difference ${difference}`;
    out.textContent = `${between}: ${isHidden ? "hidden by the causal mask" : numbers}`;
  }
  draw();
}

export default { render };
