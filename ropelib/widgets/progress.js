// How many questions of each chapter were answered. The answers come from the kernel, and are never saved here.

const HEADINGS = ["chapter", "answered", "right the first time", "worth another look"];

function topics(revisit, answered) {
  if (revisit.length) return element("ul", {}, ...revisit.map((topic) => element("li", {}, topic)));
  return answered ? "nothing" : "–";
}

function tableRow({ chapter, asked }, known) {
  const { answered, right, revisit } = known ?? { answered: 0, right: 0, revisit: [] };
  const cells = [`${answered} of ${asked}`, answered ? `${right} of ${answered}` : "–", topics(revisit, answered)];
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
    said.textContent = rows.length ? `${answered} of ${asked} questions answered.` : "Run this cell to see your answers.";
  };
  refresh.addEventListener("click", () => model.send({ kind: "recall" }));
  model.on("msg:custom", (message) => message.kind === "progress" && show(message.rows));
  show([]);
  model.send({ kind: "recall" });
}

export default { render };
