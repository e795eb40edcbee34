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

const AHEAD = "Commit first: the result is further down.";
const NOT_KEPT = "Not kept: the kernel did not answer. Run this cell again (Shift + Enter), then answer.";
const RECALL = 3000; // milliseconds after which no answer from an earlier visit is expected any more
const SETTLED = 100; // milliseconds in which JupyterLab has scrolled after a run
const HOLD = 400;
const HANDS = ["wheel", "pointerdown", "touchstart", "keydown"];

// Room under a card that is not answered yet, so that what follows it is below the screen.
function roomAhead() {
  return element("div", { class: "rope-ahead", hidden: "" }, AHEAD);
}

// For three seconds after a run JupyterLab scrolls back to the next cell when anything grows. The card stays where it
// is instead, with its top in sight, unless the reader's own hand comes in between.
function holdStill(card, change) {
  const scroller = scrollerOf(card);
  const before = card.getBoundingClientRect();
  change();
  const view = scroller?.getBoundingClientRect();
  if (!view || before.bottom < view.top || before.top > view.bottom) return;
  const aim = Math.max(before.top, view.top);
  let until = performance.now() + HOLD;
  const release = () => (until = 0);
  for (const kind of HANDS) window.addEventListener(kind, release, { once: true, capture: true, passive: true });
  const hold = (now) => {
    if (!card.isConnected || now > until) {
      for (const kind of HANDS) window.removeEventListener(kind, release, true);
      return;
    }
    const drift = card.getBoundingClientRect().top - aim;
    if (Math.abs(drift) > 1) scroller.scrollTop += drift;
    requestAnimationFrame(hold);
  };
  requestAnimationFrame(hold);
}

function scrollerOf(node) {
  for (let outer = node.parentElement; outer; outer = outer.parentElement) {
    const scrolls = ["auto", "scroll"].includes(getComputedStyle(outer).overflowY);
    if (scrolls && outer.scrollHeight > outer.clientHeight) return outer;
  }
  return null;
}

function render({ model, el }) {
  // A choice is committed to before Jupyter runs the cell again and forgets it.
  const isPending = () => !shown && rows.some(({ input }) => input.checked);
  const root = widgetRoot(el, model, model.get("heading"), (event) => isRun(event) && isPending());
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
  const room = roomAhead();
  el.append(room);
  const keeping = patience(() => (note.textContent = NOT_KEPT));
  // The room comes once it is known that there is no earlier answer: it must not flash up above one.
  let isKnown = false;
  const settle = () => {
    isKnown = true;
    setTimeout(() => !shown && room.hidden && holdStill(root, () => (room.hidden = false)), SETTLED);
  };
  const recalling = patience(settle, RECALL);

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
    room.hidden = Boolean(choice) || !isKnown;
  }

  function set(choice) {
    show(choice);
    model.set("choice", choice);
    saveSoon(model);
    if (choice) keeping.expect();
    else keeping.answered();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!isPending()) return;
    set(rows.find(({ input }) => input.checked).letter);
    focusSoon(again);
  });
  form.addEventListener("keydown", (event) => {
    if (!isRun(event) || !isPending()) return;
    event.preventDefault();
    event.stopPropagation();
    form.requestSubmit();
  });
  again.addEventListener("click", () => {
    set("");
    focusSoon(rows[0].input);
  });
  model.on("change:choice", () => show(model.get("choice")));
  model.on("msg:custom", (message) => {
    const untouched = !model.get("choice") && !rows.some(({ input }) => input.checked);
    if (message.kind === "recalled") {
      recalling.answered();
      settle();
      if (message.choice && untouched) {
        show(message.choice);
        note.textContent = "Your answer from an earlier visit.";
      }
    }
    if (message.kind === "kept") {
      keeping.answered();
      note.textContent = [comparison(message.first, model.get("choice")), message.trouble].filter(Boolean).join(" ");
    }
  });
  show(model.get("choice"));
  recalling.expect();
  // Without a kernel nobody answers, and the card works all the same.
  tell(() => model.send({ kind: "recall" }));
}

export default { render };
