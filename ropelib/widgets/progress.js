// How many questions of each chapter were answered. The answers come from the kernel, and are never saved here.

const HEADINGS = ["chapter", "answered", "right the first time", "worth another look"];

const NEVER_RUN = "Run this cell to see your answers.";
const SILENT = "The kernel did not answer: run this cell again (Shift + Enter).";

// A link to a notebook in the folder of this one. JupyterLab, which has an ear for these attributes, opens it beside
// this one; elsewhere the browser opens it in a new tab.
function chapterLink(notebook, text) {
  const here = decodeURIComponent(window.location.pathname).match(/\/(?:tree|notebooks)\/(.*\/)?[^/]*$/);
  const link = element("a", { href: notebook, target: "_blank" }, text);
  if (!here) return link;
  const path = (here[1] ?? "") + notebook;
  setAttributes(link, { "data-commandlinker-command": "docmanager:open", "data-commandlinker-args": JSON.stringify({ path }) });
  return link;
}

function topics({ revisit, notebook, answered }) {
  const shown = (topic) => (notebook ? chapterLink(notebook, topic) : topic);
  if (revisit.length) return element("ul", {}, ...revisit.map((topic) => element("li", {}, shown(topic))));
  return answered ? "nothing" : "–";
}

function tableRow({ chapter, asked }, known) {
  const row = known ?? { answered: 0, right: 0, revisit: [] };
  const { answered, right } = row;
  const cells = [`${answered} of ${asked}`, answered ? `${right} of ${answered}` : "–", topics(row)];
  return element("tr", {}, element("th", { scope: "row" }, chapter), ...cells.map((cell) => element("td", {}, cell)));
}

function render({ model, el }) {
  const root = widgetRoot(el, model, "Your predictions so far");
  root.classList.add("rope-progress");
  const body = element("tbody");
  const head = element("thead", {}, element("tr", {}, ...HEADINGS.map((text) => element("th", { scope: "col" }, text))));
  const refresh = element("button", { type: "button" }, "Look again");
  const said = element("div", { role: "status", "aria-live": "polite" });
  const table = element("table", {}, element("caption", {}, "Your predictions so far"), head, body);
  root.append(table, said, refresh);

  const show = (rows) => {
    const known = new Map(rows.map((row) => [row.chapter, row]));
    body.replaceChildren(...model.get("chapters").map((row) => tableRow(row, known.get(row.chapter))));
    const answered = rows.reduce((sum, row) => sum + row.answered, 0);
    const asked = model.get("chapters").reduce((sum, row) => sum + row.asked, 0);
    said.textContent = rows.length ? `${answered} of ${asked} questions answered.` : NEVER_RUN;
  };
  const counting = patience(() => (said.textContent = SILENT));
  refresh.addEventListener("click", () => {
    counting.expect();
    tell(() => model.send({ kind: "recall" }));
  });
  model.on("msg:custom", (message) => {
    if (message.kind !== "progress") return;
    counting.answered();
    show(message.rows);
  });
  show([]);
  tell(() => model.send({ kind: "recall" }));
}

export default { render };
