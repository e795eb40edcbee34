"""A prediction card: the reader commits to an option, then reads why it is right or wrong.

    predict("01-quarter-turn")       the question, where its chapter asks it
    ask_again("01-quarter-turn")     the same question in a later chapter, to be answered afresh

The questions are in ropelib.questions; the answers are kept by ropelib.answers. A card as it is committed, its
picture and its description never depend on answers: the browser asks for them when it shows the card.
"""

import textwrap
from typing import Any

import traitlets
from matplotlib.figure import Figure

from ropelib import answers, plotting, questions
from ropelib.widgets.base import Interactive, module_source, style_source
from ropelib.widgets.picture import Line, page

LETTERS = "abcdef"
COLUMNS = 92


def predict(key: str) -> "Card":
    """A card with the question of this key. It shows the latest answer given to it in this work folder.

    Raises ValueError for a key that no question has.
    """
    return Card(key)


def ask_again(key: str) -> "Card":
    """The question of an earlier chapter once more: unanswered whenever it is shown, compared with the first answer.

    Raises ValueError for a key that no question has.
    """
    return Card(key, again=True)


class Card(Interactive):
    """A question with options. choice is the letter of the one committed to, or empty."""

    _esm = module_source("card")
    _css = style_source("card")

    heading = traitlets.Unicode().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    options = traitlets.List(traitlets.Dict()).tag(sync=True)
    choice = traitlets.Unicode("").tag(sync=True)

    def __init__(self, key: str, *, again: bool = False) -> None:
        self.question, self.key, self.again = questions.find(key), key, again
        options = [
            {"letter": letter, "text": option.text, "why": option.why, "right": option.right}
            for letter, option in zip(LETTERS, self.question.options, strict=False)
        ]
        heading = f"From chapter {key[:2]}, once more" if again else "Predict"
        super().__init__(heading=heading, text=self.question.text, options=options)
        self.on_msg(self._hear)

    def describe(self) -> str:
        """The question and its options. Which one is right is not said."""
        lines = [f"{self.heading}. {_plain(self.text)}"]
        return "\n".join(lines + [f"  ({option['letter']}) {option['text']}" for option in self.options])

    def snapshot(self) -> Figure:
        question = [part for line in _plain(self.text).split("\n") for part in textwrap.wrap(line, COLUMNS)]
        options = [
            Line(part, indent=2 if number == 0 else 5)
            for option in self.options
            for number, part in enumerate(textwrap.wrap(f"({option['letter']})  {option['text']}", COLUMNS - 5))
        ]
        return page([Line(self.heading, plotting.QUERY, bold=True), *map(Line, question), *options])

    @traitlets.validate("choice")
    def _is_an_option(self, proposal: Any) -> str:
        letters = [option["letter"] for option in self.options]
        if proposal.value and proposal.value not in letters:
            raise traitlets.TraitError(f"choice must be one of {', '.join(letters)}, but got {proposal.value!r}")
        return proposal.value

    @traitlets.observe("choice")
    def _keep(self, change: Any) -> None:
        if not change.new:
            return
        first = self._letter_of_answer(0)
        option = self.question.options[LETTERS.index(change.new)]
        trouble = answers.keep(self.key, option.text, right=option.right)
        self.send({"kind": "kept", "trouble": trouble, "first": first})

    def _hear(self, _widget: Any, message: Any, _buffers: Any) -> None:
        """The browser shows the card and asks what was answered before."""
        if message == {"kind": "recall"}:
            self.send({"kind": "recalled", "choice": "" if self.again else self._letter_of_answer(-1)})

    def _letter_of_answer(self, which: int) -> str:
        """The letter of the first (0) or latest (-1) answer to this question; empty where there is none."""
        given = [answer.text for answer in answers.history() if answer.key == self.key]
        letters = {option.text: letter for letter, option in zip(LETTERS, self.question.options, strict=False)}
        return letters.get(given[which], "") if given else ""


def _plain(text: str) -> str:
    return text.replace("`", "").replace("*", "")
