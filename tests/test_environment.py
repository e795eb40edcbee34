"""Chapter 00's check: every missing thing gets one line with its cost and its remedy."""

import importlib.util

import pytest

from ropelib import environment


def test_everything_the_first_chapters_need_is_there():
    assert environment.ready_for("00 to 03")
    assert "OK       numpy" in environment.report()


@pytest.mark.parametrize("need", environment.NEEDS, ids=lambda need: need.package)
def test_a_missing_package_is_one_line_that_says_what_it_costs(need, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == need.package else find(name))
    (line,) = [line for line in environment.report().splitlines() if need.package in line]
    assert line.startswith("MISSING") and need.cost in line and need.remedy in line
    assert environment.ready_for("00 to 03") == (need.chapters != "00 to 03")


def test_an_old_kernel_is_named(monkeypatch):
    monkeypatch.setattr(environment.sys, "version_info", (3, 9, 1, "final", 0))
    assert environment.report().startswith("MISSING  Python 3.11 or newer")
    assert not environment.ready_for("00 to 03")
