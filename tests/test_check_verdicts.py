"""Which of several true things is said: side effects, form, dtype, words, digits, and what is closed."""

import dataclasses
import sys

import numpy as np
import pytest

import ropelib
from ropelib.checks import ch00, ch01, ch02, ch03, ch04, ch05, ch06, ch07, ch08, ch09
from ropelib.checks.compare import words
from ropelib.checks.observe import observe
from ropelib.checks.result import shown

from .test_check_outcomes import names, typed
from .test_checks import CHAPTERS

pytestmark = pytest.mark.slow

QUESTIONS = [q for chapter in CHAPTERS for q in chapter.QUESTIONS]


def test_a_result_written_into_the_input_is_named_although_whole_numbers_are_cut_off():
    source = (
        "def rotate_2d(points, positions, theta, clockwise):\n"
        "    a = positions * (-theta if clockwise else theta)\n"
        "    x, y = points[:, 0].copy(), points[:, 1].copy()\n"
        "    points[:, 0] = x * np.cos(a) - y * np.sin(a)\n"
        "    points[:, 1] = x * np.sin(a) + y * np.cos(a)\n"
        "    return points\n"
    )
    result = ch01.rotate_2d.check(typed(source, "rotate_2d"))
    assert result.misconception == "changes its input" and "not every number is right" in result.message
    assert result.example.expected.endswith("float64") and result.example.got.endswith("int64")
    for question in (ch02.rotate_interleaved, ch07.change_base):

        def in_place(x, *others, question=question):
            x[:] = question.reference(x, *others)
            return x

        assert question.check(in_place).misconception == "changes its input"


def test_a_right_answer_that_changes_its_input_is_told_that_and_nothing_else():
    def program(strengths, inv_freq, nearest, farthest):
        strengths /= strengths.sum()
        return ch03.most_deceptive.reference(strengths, inv_freq, nearest, farthest)

    result = ch03.most_deceptive.check(program)
    assert result.misconception == "changes its input" and result.message.startswith("The numbers are right")


def test_a_named_mistake_and_a_changed_input_are_both_said():
    def program(points, positions, theta, clockwise):
        turned = ch01.rotate_2d.reference(points, positions, theta, False)
        points *= 2
        return turned

    result = ch01.rotate_2d.check(program)
    assert result.misconception == "always counter-clockwise" and "Besides, the array that came in" in result.message


@pytest.mark.parametrize(
    "question, slip",
    [
        (ch01.rotate_2d, lambda turned: turned.T.copy()),
        (ch02.rotate_interleaved, lambda turned: turned.swapaxes(0, 1).copy()),
    ],
    ids=["without an axis", "axes exchanged"],
)
def test_a_shape_that_is_wrong_in_some_cases_only_is_named(question, slip):
    result = question.check(lambda *given: slip(question.reference(*given)))
    assert result.misconception == "wrong shape" and "should have the shape (1, " in result.message


def test_whoever_returns_an_input_is_told_so():
    assert ch01.rotate_2d.check(lambda points, *others: points).misconception == "does not turn"
    for question in (ch00.alibi_weights, ch02.relative_values, ch06.rotate_by_ids):
        assert question.check(lambda first, *others: first).misconception == "gives back its input"
    assert ch07.attend_chunk.check(lambda q, *others: q).misconception == "gives back its input"


@pytest.mark.parametrize("question", **names([ch00.terms_of_a_layer, ch06.grow_tables, ch06.rope_backward]))
def test_a_dtype_among_several_results_is_named_and_shown(question):
    result = question.check(lambda *given: tuple(part.astype("f4") for part in question.reference(*given)))
    assert result.misconception == "wrong dtype" and result.message.startswith("Number 1 of the ")
    assert "float64" in result.example.expected and "float32" in result.example.got


def test_a_mistake_is_recognised_in_another_dtype():
    result = ch01.rotate_2d.check(lambda *given: ch01.rotate_2d.reference(*given[:3], False).astype("f4"))
    assert result.misconception == "always counter-clockwise"


def test_a_name_that_fits_the_wrong_cases_only_is_given_with_that_restriction():
    def program(points, positions, theta, clockwise):
        return ch01.rotate_2d.reference(points, positions, theta, clockwise if len(points) < 3 else not clockwise)

    result = ch01.rotate_2d.check(program)
    assert result.misconception == "direction reversed"
    assert result.message.startswith("Right for some inputs. For the others: Every point turns the other way")


def test_a_whole_number_alone_convicts_nobody():
    """The last position's spacing gives what a lost bit gives, where it is wrong; elsewhere it is right."""
    question = ch08.longest_crowd
    last = next(wrong for wrong in question.misconceptions if wrong.name == "spacing of the last position")
    assert question.check(last.wrong).misconception == last.name
    others = [wrong for wrong in question.misconceptions if wrong is not last]
    result = dataclasses.replace(question, misconceptions=others).check(last.wrong)
    assert (result.outcome, result.misconception) == ("wrong", "")


# ── closed rooms ────────────────────────────────────────────────────────────


def test_a_call_of_what_is_closed_is_refused_with_the_graders_words():
    def program(q, rotated_keys, position, base):
        inv_freq = ropelib.inverse_frequencies(len(q), base)
        return inv_freq

    result = ch02.attend_to_cache.check(program)
    assert (result.misconception, result.fraction) == ("uses what is closed", 0)
    words = (
        "You called ropelib.reference.inverse_frequencies, which is closed here: this question asks you to write it."
    )
    assert result.message.startswith(words) and "in line" in result.message
    attention = ropelib.worked_example.RotaryPositionAttention
    assert (
        "ropelib.worked_example.RotaryPositionAttention" in ch02.attend_to_cache.check(lambda *a: attention(4)).message
    )
    assert sys.getprofile() is None


def test_what_is_closed_may_be_imported_and_costs_only_the_cases_that_call_it():
    def program(points, positions, theta, clockwise):
        from ropelib.reference import rotation_matrix

        if clockwise:
            return rotation_matrix(theta)
        return ch01.rotate_2d.reference(points, positions, theta, clockwise)

    result = ch01.rotate_2d.check(program)
    assert (result.misconception, result.fraction) == ("uses what is closed", 0.5)


def test_nothing_is_closed_to_a_value():
    for question in QUESTIONS:
        assert question.calls or not question.closed


# ── answers that are values and words ───────────────────────────────────────


def test_a_word_that_is_no_option_is_told_the_options():
    right = ch01.diagnosis.reference()
    result = ch01.diagnosis.check({**right, "C": "offest"})
    assert result.message == "This must be one of 'length', 'offset', 'origin', 'none', but it is 'offest'."
    assert ch05.pairing_of.check(lambda outputs: "Half").misconception == "not one of the words"
    unlisted = dataclasses.replace(ch05.pairing_of, options=())
    assert "'half', 'interleaved'" in unlisted.check(lambda outputs: "Half").message


@pytest.mark.parametrize(
    "question", **names([ch00.what_stays, ch01.diagnosis, ch04.scheme_of, ch06.how_relative, ch05.pairing_of])
)
def test_the_options_are_all_that_the_reference_and_the_bank_give(question):
    outcomes = [m.wrong for m in question.misconceptions] + [question.reference]
    given = [tuple(case.args) for case in question.cases(0)]
    found = [outcome(*args) if callable(outcome) else outcome for outcome in outcomes for args in given]
    assert set(words(found)) <= set(question.options)


def test_a_branch_without_a_return_is_wrong_and_its_input_is_shown():
    def forgetful(points, positions, theta, clockwise):
        if clockwise:
            return ch01.rotate_2d.reference(points, positions, theta, clockwise)

    def empty(points, positions, theta, clockwise):
        return None

    result = ch01.rotate_2d.check(forgetful)
    assert (result.outcome, result.misconception) == ("wrong, recognised", "gives nothing for some inputs")
    assert "without a return" in result.message and 0 < result.fraction < 1 and result.example
    assert ch01.rotate_2d.check(empty).outcome == "not attempted"


def test_a_dict_that_is_none_any_more():
    right = ch01.diagnosis.reference()
    result = ch01.diagnosis.check(list(right.values()))
    assert "should stay a dict with the keys that were given, but it is a list" in result.message
    result = ch01.diagnosis.check({key.lower(): word for key, word in right.items()})
    assert result.outcome == "not attempted"
    assert result.message.startswith("diagnosis has no 'A' any more. Its keys are 'a', 'b', 'c', 'd', 'e'")


def test_an_entry_without_a_name_for_its_mistake_says_which_are_right():
    right = ch02.base_change.reference()
    result = ch02.base_change.check({**right, "on": 0.05})
    assert "for some inputs" not in result.message and ".hint()" in result.message
    already = "Right already: base_change['theta_0'], base_change['theta_1'], base_change['anywhere']."
    assert result.message.endswith(already)


@pytest.mark.parametrize(
    "question, entry, rounded", [(ch02.base_change, "on", 0.002), (ch03.spectrum, "turns_of_last", 0.006)]
)
def test_three_decimals_are_not_three_digits(question, entry, rounded):
    result = question.check({**question.reference(), entry: rounded})
    assert result.misconception == "rounded too far" and "decimals are not" in result.message
    assert question.check({**question.reference(), entry: 0.0}).misconception != "rounded too far"


@pytest.mark.parametrize(
    "question, entry, short, digits",
    [
        (ch04.local_preference, "rope_5", 0.65, "three"),
        (ch04.local_preference, "bias_20", 0.27, "three"),
        (ch09.temperature, "tables", 1.35, "four"),
        (ch09.temperature, "deepseek", 1.87, "four"),
        (ch09.temperature, "twice", 3.28, "four"),
    ],
)
def test_an_answer_of_too_few_digits_is_told_how_many(question, entry, short, digits):
    result = question.check({**question.reference(), entry: short})
    assert result.misconception == "rounded too far" and result.message.startswith("Close, ")
    assert f"give {digits}." in result.message


def test_an_empty_value_and_an_empty_call():
    assert ch01.different_scores.check(None).message.startswith("different_scores is still empty.")
    said = "Put your answer between the brackets: ch01.rotate_2d.check(rotate_2d)"
    assert ch01.rotate_2d.check().message == said and ch01.rotate_2d.check().outcome == "not attempted"


def test_a_question_shows_no_answer():
    for question in QUESTIONS:
        assert repr(question).startswith(f"{question.title} ({question.points} points): ch")
        assert repr(question).endswith(f".{question.name}.check({question.name})") and "\n" not in repr(question)


def test_a_list_for_an_array_is_told_how_to_make_one():
    program = ch02.attend_to_cache.reference
    assert "np.array(…) makes an array" in ch02.attend_to_cache.check(lambda *a: program(*a).tolist()).message
    assert shown((7,)) == "(7,)" and shown((7, 8)) == "(7, 8)"


@pytest.mark.parametrize("round_", [int, np.floor])
def test_a_cut_off_offset_costs_the_same_with_every_seed(round_):
    question, reference = ch01.offset_between, ch01.offset_between.reference
    for seed in range(20):
        cases = question.cases(seed)
        seen = [observe(lambda *given: float(round_(reference(*given))), case) for case in cases]
        assert question.judge_all(seen, seed).fraction == (0 if round_ is int else 1 / 3), seed
        seen = [observe(lambda *given: round(reference(*given)), case) for case in cases]
        assert question.judge_all(seen, seed).outcome == "correct", seed
