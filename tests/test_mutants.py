"""Slips planted in right programs, one at a time: the checks notice every one that changes an answer."""

import inspect
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from ropelib.checks.observe import observe

from . import chapters
from .mutants import mutants

pytestmark = pytest.mark.slow

EQUIVALENT = json.loads((Path(__file__).parent / "data" / "equivalent_mutants.json").read_text(encoding="utf-8"))
# A question whose answer is a value is left out: a program that leads to the right value is a right answer there.
QUESTIONS = {name: question for name, question in chapters.QUESTIONS.items() if question.cases(0)[0].calls}


def is_killed(question, source, seed=0):
    namespace = dict(vars(sys.modules[question.reference.__module__]))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(source, namespace)
        program = namespace[question.reference.__name__]
        return any(
            question.judge(case, observe(program, case)).outcome != "correct" for case in reversed(question.cases(seed))
        )


@pytest.fixture(scope="module")
def outcomes():
    """(question, mutant) → whether the public cases kill it."""
    return {
        (name, mutant): is_killed(question, mutant.source)
        for name, question in QUESTIONS.items()
        for mutant in mutants(inspect.getsource(question.reference))
    }


def test_there_are_enough_of_every_kind(outcomes):
    kinds = {mutant.slip.split(":")[0] for _, mutant in outcomes}
    assert len(outcomes) >= 200 and len({name for name, _ in outcomes}) == len(QUESTIONS)
    assert {"operator", "sign flip", "constant off by one", "halves exchanged", "position one too far"} <= kinds
    assert {"exponent negated", "exponent halved", "phase in float32", "rotation missing", "position ignored"} <= kinds


def test_at_least_99_of_100_are_killed(outcomes):
    assert sum(outcomes.values()) / len(outcomes) >= 0.99


def test_every_survivor_is_explained_and_every_explanation_is_of_a_survivor(outcomes):
    survivors = {(name, mutant.slip) for (name, mutant), killed in outcomes.items() if not killed}
    assert survivors == {(name, slip) for name, slips in EQUIVALENT.items() for slip in slips}


def test_the_original_is_no_mutant_and_a_rewritten_original_is_not_killed():
    source = inspect.getsource(QUESTIONS["rotate_2d"].reference)
    assert not is_killed(QUESTIONS["rotate_2d"], source)
    assert all(mutant.source != source for mutant in mutants(source))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 2**31])
def test_the_inputs_of_a_grader_kill_them_too(outcomes, seed):
    missed = [
        (name, mutant.slip)
        for (name, mutant), killed in outcomes.items()
        if killed and not is_killed(QUESTIONS[name], mutant.source, seed)
    ]
    assert missed == []
