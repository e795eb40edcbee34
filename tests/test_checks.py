"""The bank: every known mistake is rejected with its own message, and every right answer is accepted."""

import dataclasses
import importlib.util
import subprocess
import sys

import nbformat
import numpy as np
import pytest

from ropelib.checks import ch02, ch03
from ropelib.checks.inputs import fair
from ropelib.checks.kernel import KernelQuestion
from ropelib.checks.observe import Case, observe
from ropelib.course.notebooks import ROOT
from tests.chapters import CHAPTERS, NAMES, QUESTIONS

BANK = {(name, wrong.name): wrong for name, question in QUESTIONS.items() for wrong in question.misconceptions}
SEEDS = [0, 1, 2, 3, 4, 5, 6, 20_240]
PUBLIC_AND_ANOTHER = SEEDS[::7]
CORE = {"rotate_2d", "rotate_interleaved"}


def answer(question, value):
    """What a learner with this mistake would hand in."""
    if question.cases(0)[0].calls:
        return value
    value = value() if callable(value) else value
    return {**question.reference(), **value} if question.cases(0)[0].entry else value


def needs_triton(question):
    if isinstance(question, KernelQuestion) and importlib.util.find_spec("triton") is None:
        pytest.skip("NOT RUN: no Triton, which there is for Linux on x86-64; run `make test` there")


def judged(question, given, seed=0):
    with np.errstate(all="ignore"):
        return question.judge_all([observe(given, case) for case in question.cases(seed)], seed)


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_the_reference_passes(question):
    for seed in SEEDS:
        result = judged(question, answer(question, question.reference), seed)
        assert (result.outcome, result.fraction, result.misconception) == ("correct", 1.0, ""), seed


@pytest.mark.parametrize("seeds", [PUBLIC_AND_ANOTHER, pytest.param(SEEDS, marks=pytest.mark.slow)], ids=len)
@pytest.mark.parametrize(("name", "mistake"), BANK)
def test_every_mistake_is_rejected_with_its_own_message_and_costs_the_same_with_every_seed(name, mistake, seeds):
    question, wrong = QUESTIONS[name], BANK[name, mistake]
    needs_triton(question)
    fractions = {}
    # Interpreted kernels are slow, and their inputs differ in their numbers only.
    for seed in PUBLIC_AND_ANOTHER if isinstance(question, KernelQuestion) else seeds:
        result = judged(question, answer(question, wrong.wrong), seed)
        assert (result.outcome, result.misconception) == ("wrong, recognised", mistake), seed
        assert result.message == wrong.message and result.fraction < 1, seed
        fractions[seed] = result.fraction
    assert len(set(fractions.values())) == 1, f"draw the cases with ropelib.checks.inputs.fair: {fractions}"


def test_a_fair_case_is_drawn_again_until_it_shows_what_it_must_and_hides_what_it_must():
    numbers = iter([0, 2, 9, 7, 5])
    case = fair(lambda: Case("a number", (next(numbers),)), abs, [lambda n: n % 5, np.square], [lambda n: n % 8])
    assert case.args == (7,) and next(numbers) == 5
    with pytest.raises(ValueError, match="within 1000 times, but 'nothing' never was one"):
        fair(lambda: Case("nothing", (0,)), abs, [np.square])


@pytest.mark.parametrize(("name", "mistake"), BANK)
def test_no_two_messages_are_interchangeable(name, mistake):
    """With its own mistake asked last, an answer is still recognised as that: no other one explains it as well."""
    question = QUESTIONS[name]
    needs_triton(question)
    others = [wrong for wrong in question.misconceptions if wrong.name != mistake]
    reordered = dataclasses.replace(question, misconceptions=[*others, BANK[name, mistake]])
    assert judged(reordered, answer(question, BANK[name, mistake].wrong)).misconception == mistake


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_is_complete(question):
    bank = question.misconceptions
    assert len(bank) >= (8 if question.name in CORE else 4)
    assert len({wrong.name for wrong in bank}) == len({wrong.message for wrong in bank}) == len(bank)
    assert all(len(wrong.message) > 40 and wrong.message.endswith((".", "?", ".)")) for wrong in bank)
    assert question.difficulty in ("warm-up", "moderate", "demanding") and question.minutes > 0 and question.points > 0
    assert len(question.hints) >= 2 and question.objective and question.explanation
    assert bool(question.closed) == question.calls, "a function is written, a value is computed with whatever helps"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__)
def test_a_chapter_names_its_questions(chapter):
    assert len(chapter.QUESTIONS) >= 5
    assert all(getattr(chapter, question.name) is question for question in chapter.QUESTIONS)
    assert sum(question.points for question in chapter.QUESTIONS) == 20


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_the_inputs_depend_on_the_seed_and_on_nothing_else(question):
    def inputs(seed):
        return [(case.label, repr(case.args), repr(case.kwargs)) for case in question.cases(seed)]

    assert inputs(7) == inputs(7)
    assert not question.cases(0)[0].calls or inputs(7) != inputs(8)
    assert [case.label for case in question.cases(7)] == [case.label for case in question.cases(8)]


def given_cells(name):
    """What the exercise hands to the learner before this question: imports and data."""
    for path in sorted((ROOT / "exercises").glob("*.ipynb")):
        sources = []
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == name:
                return "\n".join(sources)
            asks_of_answers = any(part in cell.source for part in (".check(", "badge(", "assert "))
            if cell.cell_type == "code" and "nbgrader" not in cell.metadata and not asks_of_answers:
                sources.append(cell.source)
    raise AssertionError(f"no exercise asks {name}")


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_the_solution_shown_is_right_when_it_is_typed_in(question, monkeypatch):
    needs_triton(question)
    monkeypatch.setenv("TRITON_INTERPRET", "1")  # which the exercise of chapter 12 sets: not for the tests after this
    shown = question.solution(confirm=True).text
    assert question.explanation in shown
    namespace = {}
    exec(given_cells(question.name), namespace)
    exec(shown.removesuffix(question.explanation), namespace)
    assert question.check(namespace[question.name]).outcome == "correct"


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_the_solution_needs_an_attempt_or_a_confirmation(question):
    fresh = dataclasses.replace(question)
    source = fresh.solution(confirm=True).text.splitlines()[-1]
    assert source not in fresh.solution().text
    fresh.check(...)
    fresh.check(None)
    assert source not in fresh.solution().text, "a stub is no attempt"
    fresh.check({entry.entry: 0 for entry in fresh.cases(0)} if fresh.cases(0)[0].entry else 0)
    assert source in fresh.solution().text


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_hints_come_one_after_the_other_and_the_last_one_stays(question):
    fresh = dataclasses.replace(question)
    given = [fresh.hint().text for _ in range(len(fresh.hints) + 1)]
    assert given == [*fresh.hints, fresh.hints[-1]]
    assert fresh.hint(1).text == fresh.hints[0]
    for n in (0, len(fresh.hints) + 1):
        assert f"n must be 1 to {len(fresh.hints)}, but got {n}." in fresh.hint(n).text


def test_rounded_numbers_are_accepted_where_three_digits_are_asked_for():
    rounded = {"theta_0": 1, "theta_1": 0.00316, "on": 0.00168, "anywhere": 0.00218}
    assert ch02.base_change.check(rounded).outcome == "correct"
    rounded = {"slowest_wavelength": 5.06e6, "turns_of_first": 5215, "turns_of_last": 0.00647}
    assert ch03.spectrum.check({**rounded, "pairs_without_a_turn": 24}).outcome == "correct"
    result = ch03.spectrum.check({**rounded, "pairs_without_a_turn": 25})
    assert result.fraction == 0.75 and result.misconception == "exponent reaches 1"


def test_importing_a_chapter_imports_nothing_heavy():
    code = f"import sys; from ropelib.checks import {', '.join(NAMES)}; "
    code += "print([m for m in ('torch', 'matplotlib', 'IPython', 'ipywidgets') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
