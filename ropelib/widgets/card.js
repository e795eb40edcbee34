// A prediction card. Nothing in the page says which option is right before the reader has committed to one.

// Plain text with `code` and *emphasis*.
function prose(tag, text, attributes = {}) {
  const node = element(tag, attributes);
  for (const part of text.split(/(`[^`]+`|\*[^*]+\*)/)) {
    if (/^`.+`$/.test(part)) node.append(element("code", {}, part.slice(1, -1)));
    else if (/^\*.+\*$/.test(part)) node.append(element("em", {}, part.slice(1, -1)));
    else node.append(part);
  }
  return node;
}

function optionRows(options, onChoose) {
  return options.map(({ letter, text }) => {
    const input = element("input", { type: "radio", name: "option", value: letter });
    const mark = element("span", { class: "card-mark" });
    const label = element("label", {}, input, `(${letter})`, prose("span", text, { class: "card-text" }), mark);
    input.addEventListener("change", () => onChoose(letter));
    return { letter, input, mark, label };
  });
}

// What the reader is told about the option chosen, the right one, and, folded away, all others.
function explanations(options, choice) {
  const chosen = options.find(({ letter }) => letter === choice);
  const right = options.find((option) => option.right);
  const verdict = chosen.right ? "Right. " : `Not (${choice}). `;
  const parts = [prose("p", verdict + chosen.why)];
  if (!chosen.right) parts.push(prose("p", `It is (${right.letter}), ${right.text}. ${right.why}`));
  return parts;
}

function otherOptions(options, choice) {
  const others = options.filter(({ letter, right }) => letter !== choice && !right);
  const words = others.length > 1 ? "Why the other answers tempt" : "Why the other answer tempts";
  return others.length
    ? [element("details", {}, element("summary", {}, words), ...others.map(({ letter, why }) => prose("p", `(${letter}) ${why}`)))]
    : [];
}

function comparison(first, choice) {
  if (!first) return "";
  return first === choice ? `The first time, you chose (${first}) as well.` : `The first time, you chose (${first}).`;
}

// With the next frame: moving the focus at once would make the browser compute the style of the page twice.
function focusSoon(node) {
  requestAnimationFrame(() => node.focus());
}

function render({ model, el }) {
  const root = widgetRoot(el, model, model.get("heading"));
  root.classList.add("rope-card");
  const options = model.get("options");
  const legend = element("legend", {}, element("span", { class: "card-heading" }, model.get("heading")), prose("span", model.get("text")));
  const commit = element("button", { type: "submit", class: "card-commit", disabled: "" }, "Commit to this answer");
  const again = element("button", { type: "button" }, "Answer again");
  const rows = optionRows(options, () => (commit.disabled = false));
  const said = element("output", { role: "status", "aria-live": "polite" });
  const more = element("div");
  const note = element("div", { class: "card-note", role: "status", "aria-live": "polite" });
  const fields = element("fieldset", {}, legend, ...rows.map(({ label }) => label));
  const form = element("form", {}, fields, commit, again, said, more, note);
  root.append(form);

  let shown;
  function show(choice) {
    if (choice === shown) return;
    shown = choice;
    for (const { letter, input, mark, label } of rows) {
      const isRight = Boolean(choice) && options.find((option) => option.letter === letter).right;
      input.checked = letter === choice;
      input.disabled = Boolean(choice);
      label.classList.toggle("card-right", isRight);
      mark.textContent = !choice ? "" : isRight ? "✓ right" : letter === choice ? "✗ your answer" : "";
    }
    commit.hidden = Boolean(choice);
    commit.disabled = true;
    again.hidden = !choice;
    said.replaceChildren(...(choice ? explanations(options, choice) : []));
    more.replaceChildren(...(choice ? otherOptions(options, choice) : []));
    note.textContent = "";
  }

  function set(choice) {
    show(choice);
    model.set("choice", choice);
    queueMicrotask(() => model.save_changes());
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = rows.find(({ input }) => input.checked);
    if (!chosen || shown) return;
    set(chosen.letter);
    focusSoon(again);
  });
  again.addEventListener("click", () => {
    set("");
    focusSoon(rows[0].input);
  });
  model.on("change:choice", () => show(model.get("choice")));
  model.on("msg:custom", (message) => {
    const untouched = !model.get("choice") && !rows.some(({ input }) => input.checked);
    if (message.kind === "recalled" && message.choice && untouched) {
      show(message.choice);
      note.textContent = "Your answer from an earlier visit.";
    }
    if (message.kind === "kept") {
      note.textContent = [comparison(message.first, model.get("choice")), message.trouble].filter(Boolean).join(" ");
    }
  });
  show(model.get("choice"));
  // Without a kernel nobody answers, and the card works all the same.
  model.send({ kind: "recall" });
}

export default { render };
