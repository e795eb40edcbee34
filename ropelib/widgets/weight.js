const READABLE = 8; // so many tokens, and every cell has its number and every row its word
const MOST_TERMS = 16;
const MOST_NAMES = 4;

// The dot product behind one weight, feature by feature; of more than 16, those that weigh most. what: a text that
// differs whenever the numbers do.
function termTable(title) {
  const body = element("tbody");
  const sums = ["sum", "÷ √head_dim", "after softmax"].map((name) => [name, element("td")]);
  const foot = sums.map(([name, value]) => element("tr", {}, element("th", { scope: "row", colspan: 3 }, name), value));
  const head = ["feature", "q", "k", "q · k"].map((name) => element("th", { scope: "col" }, name));
  const root = element("table", { class: "rope-numbers" }, element("caption", {}, title));
  root.append(element("thead", {}, element("tr", {}, ...head)), body, element("tfoot", {}, ...foot));
  let cells = [];
  const build = (rows) => {
    cells = rows.map(() => [element("th", { scope: "row" }), element("td"), element("td"), element("td")]);
    body.replaceChildren(...cells.map((line) => element("tr", {}, ...line)));
  };
  let shown = "";
  const set = (what, { q, k, scores, weights }, seq, head_dim, [row, column], isHidden) => {
    if (what === shown) return;
    shown = what;
    const vector = (x, position) => x.subarray(position * head_dim, (position + 1) * head_dim);
    const { terms, others } = termsOf(vector(q, row), vector(k, column), MOST_TERMS);
    const rest = terms.length < head_dim ? [[`${head_dim - terms.length} others`, "", "", fixed(others)]] : [];
    const name = (feature) => `${feature} (pair ${feature % (head_dim / 2)})`;
    const lines = terms.map(({ feature, a, b, product }) => [name(feature), fixed(a), fixed(b), fixed(product)]);
    lines.push(...rest);
    if (cells.length !== lines.length) build(lines);
    lines.forEach((line, at) => line.forEach((text, index) => setText(cells[at][index], text)));
    const score = scores[row * seq + column];
    const weight = isHidden ? "hidden: 0" : fixed(weights[row * seq + column], 6);
    const results = [fixed(score), fixed(score / Math.sqrt(head_dim)), weight];
    sums.forEach(([, cell], index) => setText(cell, results[index]));
  };
  return { root, set };
}

// Which keys have the largest weight, and how much; weights that differ by rounding alone are equal.
export function favourites(weights, tokens) {
  const largest = Math.max(...weights);
  const keys = [...weights.keys()].filter((key) => largest - weights[key] < 1e-9 * largest);
  const names = keys.slice(0, MOST_NAMES).map((key) => `“${tokens[key]}”`);
  if (keys.length > MOST_NAMES) names.push(`${keys.length - MOST_NAMES} more`);
  const list = [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");
  return `${list} (${fixed(largest)}${keys.length > 1 ? " each" : ""})`;
}

// The weights of one row, with RoPE (filled) and without positions (outlined).
function rowBars() {
  const caption = element("div", { role: "status", "aria-live": "polite" });
  const bars = element("div", { class: "rope-bars", "aria-hidden": "true" });
  const root = element("div", { class: "rope-wide" }, caption, bars);
  let [keys, shown] = [[], ""];
  const set = (what, row, seq, tokens, rope, plain) => {
    if (shown === `${what} ${row}`) return;
    shown = `${what} ${row}`;
    bars.hidden = row < 0;
    if (row < 0) {
      caption.textContent = "Click a row, or press Enter, to see its softmax as bars.";
      return;
    }
    if (keys.length !== seq) {
      const pair = () => ["rope-with", "rope-without"].map((style) => element("div", { class: style }));
      keys = tokens.slice(0, seq).map(() => ({ pair: pair(), text: element("span") }));
      const side = (nodes) => element("div", { class: "rope-pair" }, ...nodes);
      bars.replaceChildren(...keys.map(({ pair, text }) => element("div", { class: "rope-key-bars" }, side(pair), text)));
    }
    const [a, b] = [rope, plain].map((weights) => weights.subarray(row * seq, (row + 1) * seq));
    const largest = Math.max(...a, ...b);
    keys.forEach(({ pair, text }, column) => {
      pair.forEach((bar, index) => (bar.style.height = `${(90 * [a, b][index][column]) / largest}px`));
      const words = `${tokens[column]}\n${fixed(a[column], 3)}\n${fixed(b[column], 3)}`;
      text.textContent = seq <= READABLE ? words : "";
    });
    caption.textContent =
      `Row of query ${row}, “${tokens[row]}”: the largest weight is on ${favourites(a, tokens)} with RoPE ` +
      `(filled bars), on ${favourites(b, tokens)} without positions (outlined).`;
  };
  return { root, set };
}
