"""The five outcomes, what is said with each, and what a check notices beside the numbers."""

import dataclasses
import linecache
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropelib.checks import ch01, ch02, ch03, ch04, ch07, ch09
from ropelib.checks.core import INTERRUPTED
from ropelib.checks.observe import Case, Observed, observe, plain
from ropelib.checks.result import COLORS, HEADINGS, WRONG, Example, Result, shown
from tests.chapters import QUESTIONS

pytestmark = pytest.mark.slow

FUNCTIONS = [question for question in QUESTIONS.values() if question.cases(0)[0].calls]
GIVING_ARRAYS = [q for q in FUNCTIONS if isinstance(q.reference(*q.cases(0)[0].args), np.ndarray)]
TAKING_ARRAYS = [q for q in FUNCTIONS if isinstance(q.cases(0)[0].args[0], np.ndarray)]


def names(questions):
    return {"argvalues": questions, "ids": [question.name for question in questions]}


def typed(source, name):
    """A learner's function from a cell: its lines are known to tracebacks, as in a notebook."""
    filename = f"<cell of {name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace = {"np": np}
    exec(compile(source, filename, "exec"), namespace)
    return namespace[name]


# ── not attempted, raised ───────────────────────────────────────────────────


def not_implemented(*arguments):
    raise NotImplementedError


@pytest.mark.parametrize(
    "stub", [None, ..., NotImplemented, not_implemented, lambda *a: None, lambda *a: ..., lambda *a: NotImplemented]
)
@pytest.mark.parametrize("question", **names(FUNCTIONS))
def test_a_stub_is_not_attempted(question, stub):
    result = question.check(stub)
    assert (result.outcome, result.fraction) == ("not attempted", 0) and question.name in result.message


def test_a_forgotten_return_is_mentioned():
    assert "is there a return?" in ch01.rotate_2d.check(lambda *a: None).message


@pytest.mark.parametrize("stub", [{}, {"theta_0": ..., "on": None}, ..., None])
def test_an_empty_table_is_not_attempted(stub):
    assert ch02.base_change.check(stub).outcome == "not attempted"


def test_a_table_that_is_half_filled_earns_half_and_says_what_is_wrong_first():
    assert ch02.base_change.check({"theta_0": 1, "theta_1": 0.00316}).outcome == "not attempted"
    assert ch02.base_change.check({"theta_0": 1, "theta_1": 0.00316}).fraction == 0.5
    assert ch02.base_change.check({"theta_0": 1, "theta_1": 0.01}).misconception == "the old base"


def test_an_error_shows_the_learners_own_line():
    source = (
        "def rotate_2d(points, positions, theta, clockwise):\n    x = points[:, 0]\n    return x @ points[:, :3, 1]\n"
    )
    result = ch01.rotate_2d.check(typed(source, "rotate_2d"))
    assert result.outcome == "raised" and result.fraction == 0
    assert result.message.startswith("IndexError: too many indices")
    assert result.message.endswith("in line 3: return x @ points[:, :3, 1]")
    assert result.example.call == "rotate_2d(np.array([[2., 1.]]), np.array([1]), 1.5708, False)"


def test_an_error_inside_a_library_shows_the_line_that_called_it():
    source = "def content_terms(q, k):\n    return np.linalg.inv(q), 1\n"
    result = ch01.content_terms.check(typed(source, "content_terms"))
    assert result.message.startswith("LinAlgError") and result.message.endswith("in line 2: return np.linalg.inv(q), 1")
    assert "site-packages" not in str(result) and "observe.py" not in str(result)


def test_an_exit_does_not_end_the_kernel_and_an_interrupt_is_one_sentence():
    assert ch01.content_terms.check(lambda q, k: sys.exit(3)).message.startswith("SystemExit: 3")

    def interrupted(q, k):
        raise KeyboardInterrupt

    result = ch01.content_terms.check(interrupted)
    assert result.outcome == "raised" and result.message == INTERRUPTED and "\n" not in result.message
    with pytest.raises(KeyboardInterrupt):  # whoever observes sets a limit of time, and ends it in this way
        observe(interrupted, ch01.content_terms.cases(0)[0])


def test_right_cases_count_although_others_raise():
    def program(points, positions, theta, clockwise):
        if clockwise:
            raise ValueError("clockwise is hard")
        return ch01.rotate_2d.reference(points, positions, theta, clockwise)

    result = ch01.rotate_2d.check(program)
    assert (result.outcome, result.fraction) == ("raised", 0.5) and "clockwise is hard" in result.message


def test_a_call_that_was_ended_says_so():
    cases = ch01.content_terms.cases(5)
    result = ch01.content_terms.judge_all([Observed(timed_out=True)] * len(cases), 5)
    assert result.outcome == "raised" and "did not end in time" in result.message


def test_a_wrong_number_of_observations_is_refused():
    with pytest.raises(ValueError, match="observations must be one a case"):
        ch01.content_terms.judge_all([Observed()])


# ── wrong: beside the numbers ───────────────────────────────────────────────


@pytest.mark.parametrize("question", **names(TAKING_ARRAYS))
def test_a_changed_input_is_noticed(question):
    def program(first, *others):
        result = question.reference(first, *others)
        first.flat[0] += 1
        return result

    result = question.check(program)
    assert result.misconception == "changes its input" and result.fraction < 1


@pytest.mark.parametrize("question", **names([ch01.rotate_2d, ch02.rotate_interleaved, ch03.query_for_distance]))
def test_a_result_in_the_inputs_memory_is_noticed(question):
    case = next(case for case in question.cases(0) if not np.any(case.args[1]))
    result = question.judge(case, observe(lambda x, *others: x[:], case))
    assert result.misconception == "shares memory with its input"

    def in_place(x, *others):
        x[:] = question.reference(x, *others)
        return x

    assert question.judge(case, observe(in_place, case)).misconception == "shares memory with its input"
    assert question.check(in_place).outcome.startswith("wrong")


ASIDE = {
    "wrong dtype": lambda value: value.astype(np.float32),
    "wrong shape": lambda value: value[None],
    "wrong kind": lambda value: value.tolist(),
    "not finite": lambda value: value / 0,
}


STRICT = [question for question in GIVING_ARRAYS if not question.sequence]
SEQUENCES = [question for question in GIVING_ARRAYS if question.sequence]


@pytest.mark.parametrize("mistake", ASIDE)
@pytest.mark.parametrize("question", **names(STRICT))
def test_shape_kind_and_dtype_are_named(question, mistake):
    with np.errstate(all="ignore"):
        result = question.check(lambda *a: ASIDE[mistake](np.asarray(question.reference(*a))))
    assert (result.outcome, result.misconception) == ("wrong, recognised", mistake)
    assert result.fraction == 0


@pytest.mark.parametrize(
    ("convert", "words"),
    [
        (lambda a: a.astype(int), "its decimals are cut off"),
        (lambda a: a.astype(complex), "Which part of it is meant?"),
        (lambda a: a.astype(np.float16), "digits are lost"),
        (lambda a: {"result": a}, "but it is a dict"),
        (lambda a: "text", "but it is text"),
        (lambda a: a.astype(object), "but it is an array of object"),
    ],
)
def test_messages_about_kinds(convert, words):
    result = ch01.rotate_2d.check(lambda *a: convert(ch01.rotate_2d.reference(*a)))
    assert words in result.message


@pytest.mark.parametrize("mistake", ["wrong shape", "not finite"])
@pytest.mark.parametrize("question", **names(SEQUENCES))
def test_shape_and_infinity_are_named_where_any_sequence_will_do(question, mistake):
    with np.errstate(all="ignore"):
        result = question.check(lambda *a: ASIDE[mistake](question.reference(*a)))
    assert (result.outcome, result.misconception) == ("wrong, recognised", mistake)
    assert question.check(lambda *a: question.reference(*a).tolist()[1:] or [0, 0]).misconception == "wrong shape"


@pytest.mark.parametrize("convert", [list, tuple, np.ndarray.tolist], ids=["list", "tuple", "tolist"])
@pytest.mark.parametrize("question", **names(SEQUENCES))
def test_any_sequence_will_do_and_does_not_hide_a_mistake(question, convert):
    assert question.check(lambda *a: convert(question.reference(*a))).outcome == "correct"
    for mistake in question.misconceptions:
        with np.errstate(all="ignore"):
            result = question.check(lambda *a, wrong=mistake.wrong: convert(np.asarray(wrong(*a))))
        assert result.misconception == mistake.name


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
@pytest.mark.parametrize("question", **names([ch04.windows, ch07.ring_positions, ch09.bands]))
def test_whole_numbers_may_be_floats_where_any_sequence_will_do(question, dtype):
    assert question.check(lambda *a: question.reference(*a).astype(dtype)).outcome == "correct"
    result = question.check(lambda *a: question.reference(*a) + 0.25)
    assert result.misconception == "wrong dtype" and "not all of these are whole" in result.message


def test_decimals_lost_from_numbers_side_by_side_are_named():
    result = ch09.halfway.check(lambda *a: ch09.halfway.reference(*a).astype(int))
    assert result.misconception == "wrong dtype" and "its decimals are cut off" in result.message


@pytest.mark.parametrize("together", [list, np.array])
def test_two_numbers_may_come_as_a_list_or_an_array(together):
    assert ch01.content_terms.check(lambda q, k: together(ch01.content_terms.reference(q, k))).outcome == "correct"
    result = ch01.content_terms.check(lambda q, k: together([1.0, 2.0, 3.0]))
    assert result.misconception == "wrong kind" and "a tuple of 2" in result.message


def test_a_value_in_place_of_a_function_and_a_function_in_place_of_a_value():
    assert ch01.rotate_2d.check(np.eye(2)).misconception == "not a function"
    assert ch01.different_scores.check(lambda: 7).misconception == "a function instead of its value"


def test_an_unknown_mistake_shows_the_smallest_input_and_a_right_one_is_worth_its_weight():
    def program(points, positions, theta, clockwise):
        turned = ch01.rotate_2d.reference(points, positions, theta, clockwise)
        return turned if len(points) == 1 else 3 * turned

    result = ch01.rotate_2d.check(program)
    assert (result.outcome, result.misconception, result.fraction) == ("wrong", "", 1 / 3)
    assert "Right for some inputs, wrong for others" in result.message
    assert result.example.call.startswith("rotate_2d(np.array([[") and result.example.difference > 1
    assert result.example.expected != result.example.got


def test_position_0_alone_earns_nothing():
    assert ch01.rotate_2d.check(lambda points, *a: points.copy()).fraction == 0
    assert ch02.rotate_interleaved.check(lambda x, *a: x.copy()).fraction == 0


def test_whoever_fails_a_case_without_weight_does_not_get_all():
    def fails_at_the_origin(points, positions, theta, clockwise):
        shift = 0.0 if positions.any() else 1.0
        return ch01.rotate_2d.reference(points, positions, theta, clockwise) + shift

    assert ch01.rotate_2d.check(fails_at_the_origin).fraction < 1


def test_a_wrong_value_does_not_show_the_right_one():
    text = str(ch01.different_scores.check(9)) + ch01.different_scores.check(9)._repr_html_()
    assert "9" in text and "7" not in re.sub(r"#\w+|\d+em", "", text)
    text = str(ch03.spectrum.check(dict.fromkeys(ch03.spectrum.reference(), 3)))
    assert "5063255" not in text and "24" not in text


# ── the trusted side meets anything ─────────────────────────────────────────

numbers = st.one_of(st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(max_size=5), st.none())
arrays = st.builds(
    lambda shape, dtype: np.ones(shape, dtype),
    st.lists(st.integers(0, 3), max_size=3),
    st.sampled_from(["f8", "f4", "f2", "i8", "u1", "c16", "?"]),
)
anything = st.recursive(
    numbers | arrays,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=7), inner, max_size=3),
)


@settings(max_examples=30, deadline=None)
@given(anything)
def test_no_plain_data_upsets_the_verdict(value):
    for question in (ch01.rotate_2d, ch01.content_terms, ch02.base_change, ch01.different_scores):
        observations = [Observed(value, "anything") for _ in question.cases(0)]
        with np.errstate(all="ignore"):
            result = question.judge_all(observations)
        assert result.outcome != "correct" or value == 7
        assert str(result) and result._repr_html_()


# ── what is written down ────────────────────────────────────────────────────


def test_plain_data_of_everything_a_learner_may_return():
    assert plain(np.float32(0.5)) == (0.5, "number") and plain(np.array(3)) == (3, "number")
    assert plain(np.bool_(True)) == (True, "bool") and plain("text") == ("text", "text")
    assert plain((1, [2.0], {"a": 1j})) == ((1, [2.0], {"a": 1j}), "tuple")
    assert plain(object()) == (None, "object") and plain(np.array(["a"]))[1] == "array of <U1"
    matrix, kind = plain(np.ma.masked_array([1.0, 2.0], [True, False]))
    assert type(matrix) is np.ndarray and kind == "array float64"


def test_what_is_written_down_is_a_copy():
    kept = np.zeros(2)
    seen = observe(lambda: kept, Case("a"))
    kept += 1
    assert not seen.value.any()


def test_tensors():
    import torch

    x = torch.arange(4.0)
    case = Case("a", (x,))
    assert observe(lambda t: t.bfloat16() * 2, case).kind == "tensor bfloat16"
    assert observe(lambda t: t[1:], case).aliases_input and not observe(lambda t: t + 1, case).aliases_input
    assert observe(lambda t: t.add_(1), case).inputs_modified == ("0",)
    assert x.tolist() == [0, 1, 2, 3] and observe(lambda t: t + 1, case).inputs_modified == ()


# ── how it looks ────────────────────────────────────────────────────────────


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


@pytest.mark.parametrize("ground", ["#ffffff", "#111111"])
@pytest.mark.parametrize("color", [*COLORS.values(), WRONG, "#0072B2"])
def test_the_bar_is_visible_in_both_themes(color, ground):
    lighter, darker = sorted((luminance(color), luminance(ground)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 3


def test_the_outcome_is_said_in_words_and_a_screen_reader_skips_the_sign():
    for outcome, heading in HEADINGS.items():
        html = Result(outcome, "message")._repr_html_()
        assert heading in html and 'aria-hidden="true"' in html and 'aria-label="Result of the check"' in html
        assert " color:#" not in html.replace("border-left", ""), "text keeps the colour of the theme"


def test_what_a_learner_wrote_is_text_and_not_markup():
    result = Result("raised", "<script>alert(1)</script>", example=Example("<b>", "<i>", "<u>"), title="<h1>")
    assert not re.search(r"<(script|b|i|u|h1)>", result._repr_html_())


def test_text_is_the_same_on_every_machine():
    assert shown(np.array([-0.0, 1e-17, 2 / 3])) == "[0.    , 0.    , 0.6667]"
    assert shown(np.arange(3)) == "[0, 1, 2]" and shown(-1e-17) == "-1e-17" and len(shown("a" * 9999)) < 2000
    assert shown({"a": [1, (2.5, True)]}) == "{'a': [1, (2.5, True)]}"
    result = ch01.rotate_2d.check(lambda *a: -ch01.rotate_2d.reference(*a))
    assert str(result).splitlines()[2:] == [
        "  for                 rotate_2d(np.array([[2., 1.]]), np.array([1]), 1.5708, False)",
        "  expected            [[-1.,  2.]]",
        "  got                 [[ 1., -2.]]",
        "  largest difference  4",
    ]


def test_a_score_is_a_plain_number_of_points():
    question = dataclasses.replace(ch01.rotate_2d)
    assert question.score(question.reference) == 6.0 and question.score(None) == 0.0
    assert question.score(lambda p, m, t, c: question.reference(p, m, t, False)) == 3.0
