"""The badge of exercise 12/4: no GPU and no right kernel are said in a sentence, and points do not depend on it."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from ropelib import badge


def rows_kernel():
    """A function, where a kernel should be."""


def test_without_a_gpu_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(badge.environment, "has_gpu", lambda: False)
    assert badge.badge(rows_kernel) is None
    assert "needs an NVIDIA GPU" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ran", "share", "said"),
    [
        ((0, '{"block": 4, "kernel": 200, "copy": 190}', ""), 0.95, "95% of a copy: gold"),
        ((0, '{"block": 4, "kernel": 200, "copy": 130}', ""), 0.65, "65% of a copy: silver"),
        ((0, '{"block": 4, "kernel": 200, "copy": 20}', ""), 0.1, "10% of a copy: no badge yet"),
        ((1, "", "Traceback\nIts results are not right\n"), None, "No badge yet. Its results are not right"),
        ((1, "", ""), None, "No badge yet. The kernel failed."),
    ],
)
def test_what_was_measured_is_said(monkeypatch, capsys, ran, share, said):
    monkeypatch.setattr(badge.environment, "has_gpu", lambda: True)
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    given = {}

    def run(command, env, **_):
        given.update(env=env, source=Path(command[3]).read_text(encoding="utf-8"))
        return SimpleNamespace(returncode=ran[0], stdout=ran[1], stderr=ran[2])

    monkeypatch.setattr(subprocess, "run", run)
    assert badge.badge(rows_kernel) == share
    assert said in capsys.readouterr().out
    assert "TRITON_INTERPRET" not in given["env"] and "def rows_kernel" in given["source"]
