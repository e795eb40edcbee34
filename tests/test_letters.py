"""No text of a chapter names an option of a card by its letter: the order of the options is not the author's, and a
bold letter under a card would tell the answer before the reader has chosen."""

import re

import nbformat
import pytest

from ropelib.course.notebooks import ROOT

LETTER = re.compile(r"\*\*\([a-f]\)\*\*")


@pytest.mark.parametrize("chapter", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_no_text_names_an_option_by_its_letter(chapter):
    cells = nbformat.read(chapter, as_version=4).cells
    assert [cell.source[:80] for cell in cells if LETTER.search(cell.source)] == []
