"""The chapters that have graded exercises, found in the tree: a new one is tested without being listed anywhere."""

from importlib import import_module

from ropelib.course.notebooks import ROOT

NAMES = sorted(folder.name for folder in (ROOT / "ropelib" / "checks").glob("ch[0-9][0-9]"))
CHAPTERS = [import_module(f"ropelib.checks.{name}") for name in NAMES]
QUESTIONS = {question.name: question for chapter in CHAPTERS for question in chapter.QUESTIONS}
