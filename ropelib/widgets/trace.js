// A trace: the lines on the left, on the right what the selected step changed. All texts come from Python.

const KEYS = "Up and down: line by line. Right and left: step by step in time. Page Up and Page Down: visits of this line.";
const ORDER = "A line that calls functions comes after their lines: what it changes is known when they are done.";

// The numbers of an array in aligned columns, with those that changed marked.
function numberBlock({ rows, wide, tall }, marks) {
  const entries = rows.map((row) => row.split(" "));
  const widths = entries[0]?.map((_, column) => Math.max(...entries.map((row) => row[column].length))) ?? [];
  const marked = new Set(marks.map(([row, column]) => `${row} ${column}`));
  const block = element("pre");
  let plain = "";
  entries.forEach((row, r) => {
    row.forEach((entry, c) => {
      plain += " ".repeat(widths[c] - entry.length + (c ? 2 : 0));
      if (marked.has(`${r} ${c}`)) {
        block.append(plain, element("mark", {}, entry));
        plain = "";
      } else plain += entry;
    });
    plain += wide ? "  …\n" : "\n";
  });
  block.append(plain + (tall ? "…" : ""));
  return block;
}

function valueBlocks({ text, rows, wide, tall, note, parts }, marks) {
  const blocks = [];
  if (rows) blocks.push(numberBlock({ rows, wide, tall }, marks));
  if (note) blocks.push(element("div", {}, note));
  for (const part of parts ?? []) blocks.push(element("div", {}, part.title), ...valueBlocks(part, []));
  return text && !parts ? [element("pre", {}, text)] : blocks;
}

function changeBlock({ name, state, value, marks = [] }, values) {
  const title = value === null ? "" : ` ${values[value].title}`;
  const head = element("div", {}, element("b", {}, name || state), title, name ? ` · ${state}` : "");
  const blocks = value === null ? [] : valueBlocks(values[value], marks);
  return element("div", { class: "trace-change" }, head, ...blocks);
}

function stepBlock(step, values) {
  if (!step.visit) return element("div", {}, "What they changed is not in this trace. Of each line it keeps the first visits and the last ones.");
  const notes = step.notes.map((note) => element("div", { class: "trace-change" }, note));
  const changes = step.changes.map((change) => changeBlock(change, values));
  const nothing = notes.length + changes.length ? [] : ["No variable changed."];
  return element("div", {}, ...notes, ...changes, ...nothing);
}

// The step in one sentence, for the line above the values and for assistive technology.
function sentence(step, total, lineOf, values) {
  if (!step.visit) return step.notes[0];
  const told = step.changes.map(({ name, state, value }) => {
    const { title = "", text = "" } = value === null ? {} : values[value];
    const shown = `${title}${text.length < 40 ? ` ${text}` : ""}`.trim();
    return name ? `${name}${shown && `: ${shown}`}, ${state}` : `${state} ${shown}`;
  });
  const where = step.function ? `, ${step.function}, call ${step.call}` : "";
  const from = step.caller === undefined ? "" : `, called by line ${lineOf(step.caller)}`;
  const what = [...step.notes, ...told].join("; ") || "no variable changed";
  return `Line ${lineOf(step.row)}, step ${grouped(step.number)} of ${grouped(total)}${where}${from}: ${what}`.replace(/[ \t\n]+/g, " ").slice(0, 240);
}

// Steps that are left out have an entry in their place, which belongs to no line.
function isKept({ visit }) {
  return visit > 0;
}

// A long line goes on below, a little further in than it began.
function codeOf(text) {
  const indent = Math.min(text.search(/\S|$/), 10) + 2;
  return element("code", { style: `padding-left: ${indent}ch; text-indent: -${indent}ch` }, text);
}

// The rows of all sections as nodes; row number i of Python is rows[i].
function sourceRows(sections, steps, prefix) {
  const visits = new Map(steps.filter(isKept).map(({ row, of }) => [row, of]));
  const ran = new Set(steps.flatMap(({ row, rows }) => Array.from({ length: rows }, (_, line) => row + line)));
  const raised = new Set(steps.filter(({ notes }) => notes.some((note) => note.startsWith("raises"))).map(({ row }) => row));
  const rows = [];
  let widest = 0;
  const groups = sections.map(({ title, first, lines }) => {
    const nodes = lines.map((text, index) => {
      const row = rows.length;
      const times = (raised.has(row) ? "✗ " : "") + (visits.get(row) > 1 ? `×${visits.get(row)}` : "");
      widest = Math.max(widest, times.length);
      const state = (ran.has(row) ? " trace-ran" : "") + (raised.has(row) ? " trace-raised" : "");
      const number = element("span", { class: "trace-number" }, String(first + index));
      const node = element("div", { class: `trace-line${state}`, id: `${prefix}-${row}` }, number);
      node.append(element("span", { class: "trace-visits" }, times), codeOf(text));
      setAttributes(node, visits.has(row) ? { role: "option", "aria-selected": "false" } : { role: "presentation" });
      rows.push({ node, number: first + index });
      return node;
    });
    return element("div", { role: "group", "aria-label": title }, element("div", { class: "trace-title" }, title), ...nodes);
  });
  const style = `--visits: ${widest + 1}ch`;
  return { rows, lines: element("div", { class: "trace-lines", role: "presentation", style }, ...groups) };
}

// Where a key leads from the step shown; walking over lines stays as near as possible in time.
function walker(steps) {
  const byRow = new Map();
  steps.forEach((step, index) => isKept(step) && byRow.set(step.row, [...(byRow.get(step.row) ?? []), index]));
  const ran = [...byRow.keys()].sort((a, b) => a - b);
  const visitsOf = (index) => (isKept(steps[index]) ? byRow.get(steps[index].row) : []);
  const overLines = (index, by) => {
    const row = ran[ran.indexOf(steps[index].row) + by];
    if (row === undefined) return index;
    const visits = byRow.get(row);
    return by > 0 ? (visits.find((visit) => visit > index) ?? visits.at(-1)) : (visits.findLast((visit) => visit < index) ?? visits[0]);
  };
  const overVisits = (index, by) => visitsOf(index)[visitsOf(index).indexOf(index) + by] ?? index;
  const keys = {
    ArrowDown: (index) => overLines(index, 1),
    ArrowUp: (index) => overLines(index, -1),
    ArrowRight: (index) => Math.min(index + 1, steps.length - 1),
    ArrowLeft: (index) => Math.max(index - 1, 0),
    PageDown: (index) => overVisits(index, 1),
    PageUp: (index) => overVisits(index, -1),
    Home: () => 0,
    End: () => steps.length - 1,
  };
  return { byRow, visitsOf, keys };
}

function stepButtons(onStep) {
  const button = (label, key) => {
    const node = element("button", { type: "button" }, label);
    node.addEventListener("click", () => onStep(key));
    return node;
  };
  const [previous, next] = [button("◀ previous step", "ArrowLeft"), button("next step ▶", "ArrowRight")];
  return { root: element("div", { class: "trace-buttons" }, previous, next), previous, next };
}

function render({ model, el }) {
  const root = widgetRoot(el, model, model.get("headline"));
  root.classList.add("rope-trace");
  const [steps, values, prefix] = [model.get("steps"), model.get("values"), uniqueName()];
  const { rows, lines } = sourceRows(model.get("sections"), steps, prefix);
  root.append(element("div", { class: "trace-headline" }, model.get("headline")));
  if (!steps.length) {
    const region = { class: "trace-source", tabindex: "0", role: "region", "aria-label": "Lines" };
    if (rows.length) root.append(element("div", region, lines));
    return;
  }

  const { byRow, visitsOf, keys } = walker(steps);
  const source = element("div", { class: "trace-source", role: "listbox", tabindex: "0", "aria-label": `Lines. ${KEYS}` }, lines);
  const said = readOut();
  const pane = element("div", { class: "trace-values", tabindex: "0", role: "region", "aria-label": "Values" });
  const visit = slider("visit", { min: 0, max: 1, value: 0, format: nameVisit }, (at) => go(visitsOf(model.get("step"))[at]));
  const buttons = stepButtons((key) => go(keys[key](model.get("step"))));
  root.append(source, element("div", { class: "trace-side" }, buttons.root, said, visit.root, pane));
  root.append(element("div", { class: "trace-hint" }, `${KEYS} ${ORDER}`));

  let marked = [];
  const blocks = [];
  // Saved at once: the kernel's echo of an older step would otherwise undo a newer one that it has not heard of.
  const go = (step) => {
    model.set("step", step);
    saveSoon(model);
  };
  model.on("change:step", draw);

  function nameVisit(at) {
    const step = steps[visitsOf(model.get("step"))[at]];
    return step ? `${grouped(step.visit)} of ${grouped(step.of)}` : "";
  }

  function markLines(step) {
    for (const { node } of marked) node.classList.remove("trace-here", "trace-caller");
    marked[0]?.node.setAttribute("aria-selected", "false");
    marked = rows.slice(step.row, step.row + step.rows);
    for (const { node } of marked) node.classList.add("trace-here");
    marked[0]?.node.setAttribute("aria-selected", "true");
    if (marked.length) source.setAttribute("aria-activedescendant", `${prefix}-${step.row}`);
    else source.removeAttribute("aria-activedescendant");
    if (step.caller === undefined) return;
    rows[step.caller].node.classList.add("trace-caller");
    marked.push(rows[step.caller]);
  }

  function draw() {
    const index = model.get("step");
    const step = steps[index];
    keepInSight(source, rows[step.row].node);
    markLines(step);
    setAttributes(buttons.previous, { "aria-disabled": index === 0 });
    setAttributes(buttons.next, { "aria-disabled": index === steps.length - 1 });
    const visits = visitsOf(index);
    visit.root.hidden = visits.length < 2;
    visit.input.max = Math.max(visits.length - 1, 0);
    visit.set(visits.indexOf(index));
    said.textContent = sentence(step, model.get("total"), (row) => rows[row].number, values);
    pane.replaceChildren((blocks[index] ??= stepBlock(step, values)));
  }

  function walk(event) {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    go(keys[event.key](model.get("step")));
  }

  source.addEventListener("keydown", walk);
  buttons.root.addEventListener("keydown", walk);
  for (const [row, visits] of byRow) {
    for (const { node } of rows.slice(row, row + steps[visits[0]].rows)) node.addEventListener("click", () => go(visits[0]));
  }
  draw();
}

// Scrolls the list alone: the notebook stays where it is.
function keepInSight(list, node) {
  const [top, bottom] = [node.offsetTop, node.offsetTop + node.offsetHeight];
  if (top < list.scrollTop) list.scrollTop = top - 40;
  else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight + 40;
}

export default { render };
