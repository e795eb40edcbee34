// A trace: the lines on the left, on the right what the selected step changed. All texts come from Python.

const HINT = "Up and down: line by line. Right and left: step by step in time. Page Up and Page Down: visits of this line.";

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

function changeBlock({ name, state, value, marks }, values) {
  const title = value === null ? "" : ` ${values[value].title}`;
  const head = element("div", {}, element("b", {}, name || state), title, name ? ` · ${state}` : "");
  const blocks = value === null ? [] : valueBlocks(values[value], marks);
  return element("div", { class: "trace-change" }, head, ...blocks);
}

function stepBlock(step, values) {
  const notes = step.notes.map((note) => element("div", { class: "trace-change" }, note));
  const changes = step.changes.map((change) => changeBlock(change, values));
  const nothing = notes.length + changes.length ? [] : ["This line changed no value."];
  return element("div", {}, ...notes, ...changes, ...nothing);
}

// The step in one sentence, for the line above the values and for assistive technology.
function sentence(step, index, total, number, values) {
  const told = step.changes.map(({ name, state, value }) => {
    const { title = "", text = "" } = value === null ? {} : values[value];
    const shown = `${title}${text.length < 40 ? ` ${text}` : ""}`.trim();
    return name ? `${name}${shown && `: ${shown}`}, ${state}` : `${state} ${shown}`;
  });
  const where = step.function ? `, ${step.function}, call ${step.call}` : "";
  const what = [...step.notes, ...told].join("; ") || "no value changed";
  return `Line ${number}, step ${index + 1} of ${total}${where}: ${what}`.replace(/\s+/g, " ").slice(0, 240);
}

// The rows of all sections as nodes; row number i of Python is rows[i].
function sourceRows(sections, steps, prefix) {
  const visits = new Map(steps.map(({ row, of }) => [row, of]));
  const ran = new Set(steps.flatMap(({ row, rows }) => Array.from({ length: rows }, (_, line) => row + line)));
  const raised = new Set(steps.filter(({ notes }) => notes.some((note) => note.startsWith("raises"))).map(({ row }) => row));
  const rows = [];
  const groups = sections.map(({ title, first, lines }) => {
    const nodes = lines.map((text, index) => {
      const row = rows.length;
      const times = (raised.has(row) ? "✗" : "") + (visits.get(row) > 1 ? `×${visits.get(row)}` : "");
      const state = (ran.has(row) ? " trace-ran" : "") + (raised.has(row) ? " trace-raised" : "");
      const number = element("span", { class: "trace-number" }, String(first + index));
      const node = element("div", { class: `trace-line${state}`, id: `${prefix}-${row}` }, number);
      node.append(element("span", { class: "trace-visits" }, times), text);
      setAttributes(node, visits.has(row) ? { role: "option", "aria-selected": "false" } : { role: "presentation" });
      rows.push({ node, number: first + index });
      return node;
    });
    return element("div", { role: "group", "aria-label": title }, element("div", { class: "trace-title" }, title), ...nodes);
  });
  return { rows, groups };
}

// Where a key leads from the step shown; walking over lines stays as near as possible in time.
function walker(steps) {
  const byRow = new Map();
  steps.forEach(({ row }, index) => byRow.set(row, [...(byRow.get(row) ?? []), index]));
  const ran = [...byRow.keys()].sort((a, b) => a - b);
  const visitsOf = (index) => byRow.get(steps[index].row);
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

function render({ model, el }) {
  const root = widgetRoot(el, model, model.get("headline"));
  root.classList.add("rope-trace");
  const [steps, values, prefix] = [model.get("steps"), model.get("values"), uniqueName()];
  const { rows, groups } = sourceRows(model.get("sections"), steps, prefix);
  const { byRow, visitsOf, keys } = walker(steps);
  const lines = element("div", { class: "trace-lines", role: "presentation" }, ...groups);
  const source = element("div", { class: "trace-source", role: "listbox", tabindex: "0", "aria-label": `Lines. ${HINT}` }, lines);
  const said = readOut();
  const pane = element("div", { class: "trace-values", tabindex: "0", role: "region", "aria-label": "Values" });
  const visit = slider("visit", { min: 0, max: 1, value: 0, format: nameVisit }, (at) => go(visitsOf(model.get("step"))[at]));
  root.append(element("div", { class: "trace-headline" }, model.get("headline")), source);
  root.append(element("div", { class: "trace-side" }, said, visit.root, pane), element("div", { class: "trace-hint" }, HINT));
  if (!steps.length) return;

  let here = [];
  const blocks = [];
  // Saved at once: the kernel's echo of an older step would otherwise undo a newer one that it has not heard of.
  const go = (step) => {
    model.set("step", step);
    model.save_changes();
  };
  model.on("change:step", draw);

  function nameVisit(at) {
    const step = steps[visitsOf(model.get("step"))?.[at]];
    return step ? `${step.visit} of ${step.of}` : "";
  }

  function draw() {
    const index = model.get("step");
    const step = steps[index];
    keepInSight(source, rows[step.row].node);
    for (const { node } of here) node.classList.remove("trace-here");
    here[0]?.node.setAttribute("aria-selected", "false");
    here = rows.slice(step.row, step.row + step.rows);
    for (const { node } of here) node.classList.add("trace-here");
    here[0].node.setAttribute("aria-selected", "true");
    source.setAttribute("aria-activedescendant", `${prefix}-${step.row}`);
    const visits = visitsOf(index);
    visit.root.hidden = visits.length === 1;
    visit.input.max = visits.length - 1;
    visit.set(visits.indexOf(index));
    said.textContent = sentence(step, index, steps.length, rows[step.row].number, values);
    pane.replaceChildren((blocks[index] ??= stepBlock(step, values)));
  }

  source.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    go(keys[event.key](model.get("step")));
  });
  for (const [row, visits] of byRow) {
    for (const { node } of rows.slice(row, row + steps[visits[0]].rows)) node.addEventListener("click", () => go(visits[0]));
  }
  draw();
}

// Scrolls the list alone: the notebook stays where it is.
function keepInSight(list, node) {
  const top = node.offsetTop;
  if (top < list.scrollTop) list.scrollTop = top - 40;
  else if (top + 24 > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight + 60;
}

export default { render };
