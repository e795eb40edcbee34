import pytest

from ropelib.tables import table


def test_a_labelled_matrix_lines_up():
    text = table([[1.0, -2.5], [10.25, 0.0]], rows=["a", "long"], columns=["x", "y"], digits=2, corner="row")
    assert text.split("\n") == ["row       x      y", "a      1.00  -2.50", "long  10.25   0.00"]


def test_minus_zero_and_what_rounds_to_it_are_zero():
    assert table([[-0.0, -1e-17, -0.00004]]).split("\n")[1].split() == ["0", "0.0000", "0.0000", "0.0000"]


def test_one_axis_is_one_row_and_integers_have_no_decimals():
    assert table([1, 2]).split("\n")[1].split() == ["1", "2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(([[[1]]],), r"one or two axes.*\(1, 1, 1\)"), (([[1, 2]], ["a", "b"]), r"2 row and 2 column labels.*\(1, 2\)")],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        table(*arguments)
