"""Cards ask before the chapter tells: nothing above a card answers it, and no option looks like the right one."""

import re

import nbformat
import pytest

from ropelib import questions
from ropelib.course import notebooks
from ropelib.questions import chapter_07

KEYS = [key for chapter in questions.chapters() for key in questions.keys(chapter)]
MOST_LETTERS_MORE = 24

ANSWERS = [
    ("02", "02-farthest", ('large for itself and for "mat"',)),
    ("02", "02-rotated-values", ("values are not rotated", "values not rotated")),
    ("03", "03-no-turn", ('"4096 tokens"',)),
    ("03", "03-waiting-key", ("every key would prefer",)),
    ("04", "04-alibi", ("e^(", "factor of it")),
    ("04", "04-rate", ("can change the order",)),
    ("05", "05-columns", ("d/2 + 1", "(0, d/2)")),
    ("05", "05-repair", ("W_q", "queries and the keys")),
    ("08", "05-repair", ("W_q and W_k",)),
    ("08", "08-wrong-base", ("quiet", "fluent")),
    ("08", "08-bf16-frequencies", ("rounded frequencies do not",)),
    ("08", "08-loudest-pair", ("eight fastest pairs, with", "pairs stopped", "live on fast")),
    ("09", "09-linear", ("all of them", "all pairs")),
    ("09", "03-base", ("nail",)),
    ("09", "09-temperature", ("a little larger",)),
    ("09", "09-perplexity", ("not notice", "that notices")),
    ("12", "12-bytes-or-arithmetic", ("not arithmetic", "counts bytes", "from its bytes")),
    ("12", "12-odd-size", ("not ours", "past the end", "failure on an odd size")),
    ("12", "12-suspicious", ("even outputs",)),
]


def is_card(cell):
    return cell.cell_type == "code" and re.search(r'\b(?:predict|ask_again)\("', cell.source)


def above(chapter, key):
    """All that a reader has read before this card: words, programs and printed results, other cards aside."""
    [path] = [path for path in notebooks.find(chapter) if path.parent.name == "notebooks"]
    cells = nbformat.read(path, as_version=4).cells
    number = next(number for number, cell in enumerate(cells) if f'("{key}")' in cell.source)
    read = [cell for cell in cells[:number] if not is_card(cell)]
    outputs = [output.get("text", "") for cell in read for output in cell.get("outputs", [])]
    return "\n".join([cell.source for cell in read] + outputs)


@pytest.mark.parametrize(("chapter", "key", "phrases"), ANSWERS)
def test_nothing_above_a_card_answers_it(chapter, key, phrases):
    text = above(chapter, key)
    assert [phrase for phrase in phrases if phrase in text] == []


@pytest.mark.parametrize("chapter", sorted((notebooks.ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_no_text_names_an_option_by_its_letter(chapter):
    """The order of the options follows from their texts, and a bold letter is an answer seen from afar."""
    cells = nbformat.read(chapter, as_version=4).cells
    assert [cell.source[:80] for cell in cells if re.search(r"\*\*\([a-f]\)|\bof \([a-f]\)", cell.source)] == []


@pytest.mark.parametrize("key", KEYS)
def test_the_right_option_is_not_the_one_long_careful_one(key):
    options = questions.find(key).options
    [right] = [len(option.text) for option in options if option.right]
    assert right <= MOST_LETTERS_MORE + max(len(option.text) for option in options if not option.right)


def test_every_wrong_answer_about_padding_is_what_another_program_computes():
    texts = {option.text: option.right for option in chapter_07.left_padding().options}
    assert texts == {"of all six": True, "of the first only": False, "of none": False}
