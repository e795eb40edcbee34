"""The three positions of every token in a text with pictures and films."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case

Ints = NDArray[np.int64]
Piece = int | tuple[int, int, int]


def multimodal_ids(pieces: list[Any]) -> Ints:
    ids, start = [], 0
    for piece in pieces:
        if isinstance(piece, int):
            found = np.arange(piece)[:, None].repeat(3, axis=1)
        else:
            found = np.array(list(np.ndindex(*piece)))
        ids.append(start + found)
        start = ids[-1].max() + 1
    return np.concatenate(ids)


def _cases(seed: int) -> list[Case]:
    rng = generator(10, 4, seed)
    words = [int(n) for n in rng.integers(2, 6, 4)]
    high, wide = (int(n) for n in rng.permutation(range(2, 6))[:2])
    return [
        Case("words only", ([3],)),
        Case("three words, a picture, two words", ([3, (1, 2, 3), 2],), weight=2),
        Case("a picture that is higher than wide", ([2, (1, 4, 2), 3],), weight=2),
        Case("it begins with a film", ([(3, 2, 2), 2],), weight=2),
        Case("a long film", ([words[0], (6, 2, 3), words[1]],), weight=2),
        Case("several pieces", ([words[2], (1, high, wide), (2, wide, high), words[3], (1, 3, 3)],), weight=3),
    ]


def _grid(piece: Piece) -> Ints:
    return np.indices(piece).reshape(3, -1).T


def _words(count: int) -> Ints:
    return np.tile(np.arange(count)[:, None], (1, 3))


def _with(
    words: Callable[[int], Ints] = _words,
    grid: Callable[[Piece], Ints] = _grid,
    moved: Callable[[Ints, int], Ints] = lambda ids, start: ids + start,
    words_moved: Callable[[Ints, int], Ints] = lambda ids, start: ids + start,
    after: Callable[[Ints, int, Piece], int] = lambda ids, start, piece: start + int(ids.max()) + 1,
) -> Callable[[list[Any]], Ints]:
    """The right program with one thing exchanged; moved and after are for pictures and films."""

    def program(pieces: list[Any]) -> Ints:
        found, start = [], 0
        for piece in pieces:
            is_text = isinstance(piece, int)
            ids = words(piece) if is_text else grid(piece)
            found.append((words_moved if is_text else moved)(ids, start))
            start = start + piece if is_text else after(ids, start, piece)
        return np.concatenate(found)

    return program


def _time_of_each_patch(piece: Piece) -> Ints:
    ids = _grid(piece)
    ids[:, 0] = np.arange(len(ids))
    return ids


def _time_stands_still(piece: Piece) -> Ints:
    return _grid(piece) * [0, 1, 1]


def _each_axis_by_itself(pieces: list[Any]) -> Ints:
    found, start = [], np.zeros(3, dtype=np.int64)
    for piece in pieces:
        found.append(start + (_words(piece) if isinstance(piece, int) else _grid(piece)))
        start = found[-1].max(axis=0) + 1
    return np.concatenate(found)


def _time_only(ids: Ints, start: int) -> Ints:
    return ids + np.array([start, 0, 0])


QUESTION = Question(
    name="multimodal_ids",
    title="Pictures and films in a text",
    objective="give every token of a text with pictures and films its three positions",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=multimodal_ids,
    cases=_cases,
    misconceptions=[
        Misconception(
            "patches counted",
            _with(after=lambda ids, start, piece: start + len(ids)),
            "After a picture the text goes on as if every patch had used up a position. Which is the largest position "
            "that the picture has used?",
        ),
        Misconception(
            "time alone goes on",
            _with(moved=_time_only, after=lambda ids, start, piece: int(max(start + ids[:, 0].max(), ids.max())) + 1),
            "Rows and columns of a picture start at 0 again, and only its time stands where the text stopped. On how "
            "many axes does a picture begin after the text?",
        ),
        Misconception(
            "each axis goes on by itself",
            _each_axis_by_itself,
            "Each axis goes on where that axis had come to, so the words after a picture have three different "
            "positions. Where does a piece begin on all three axes?",
        ),
        Misconception(
            "pictures begin at 0",
            _with(moved=lambda ids, start: ids),
            "A picture's or a film's positions begin at 0, wherever it stands in the text. What has to be added, on "
            "all three axes?",
        ),
        Misconception(
            "pictures begin at 0, and the text after them too",
            _with(moved=lambda ids, start: ids, after=lambda ids, start, piece: max(piece)),
            "A picture's or a film's positions begin at 0, and the words after it go on from there, at positions that "
            "words before it have used. Where does a piece begin that is not the first?",
        ),
        Misconception(
            "time stands still in a film",
            _with(grid=_time_stands_still),
            "Time stands still within a film, as it does within a picture. A film's patches come frame after frame: "
            "which of the three positions tells the frames apart?",
        ),
        Misconception(
            "time of each patch",
            _with(
                grid=_time_of_each_patch,
                after=lambda ids, start, piece: start + max(piece),
            ),
            "Time moves on from patch to patch within a picture. All patches of one frame are seen at once: what "
            "should they have in common?",
        ),
        Misconception(
            "text goes on after the time",
            _with(after=lambda ids, start, piece: start + piece[0]),
            "After a picture the text goes on right after its time, and so at positions that rows or columns have used "
            "already. Over which axes does the largest position have to be looked for?",
        ),
        Misconception(
            "frames forgotten",
            _with(after=lambda ids, start, piece: start + max(piece[1:])),
            "Right for pictures, wrong for a film with more frames than rows and columns: the text goes on at a "
            "position that its time has used. Over which axes does the largest position have to be looked for?",
        ),
        Misconception(
            "width only",
            _with(after=lambda ids, start, piece: start + piece[2]),
            "After a picture the text goes on after the last column. Which of its axes is the longest?",
        ),
        Misconception(
            "height only",
            _with(after=lambda ids, start, piece: start + piece[1]),
            "After a picture the text goes on after the last row. Which of its axes is the longest?",
        ),
        Misconception(
            "largest position used twice",
            _with(after=lambda ids, start, piece: start + int(ids.max())),
            "The first token after a picture gets the largest position of that picture. Where does the text go on "
            "*after* it?",
        ),
        Misconception(
            "rows and columns exchanged",
            _with(grid=lambda piece: _grid(piece)[:, [0, 2, 1]]),
            "Rows and columns are exchanged. Of two neighbours in one row, which of the three positions differs?",
        ),
        Misconception(
            "columns run slowest",
            _with(grid=lambda piece: _grid((piece[0], piece[2], piece[1]))[:, [0, 2, 1]]),
            "The positions are right, but the patches come column after column. In which order does a picture give "
            "its patches?",
        ),
        Misconception(
            "words move in time only",
            _with(words=lambda count: _words(count) * [1, 0, 0]),
            "Words move on in time alone; their rows and columns stay where their piece began. Which three positions "
            "has a word, so that text is read as it was before there were pictures?",
        ),
        Misconception(
            "words stand in row 0 and column 0",
            _with(words_moved=lambda ids, start: (ids + start) * [1, 0, 0]),
            "Words have a time and stand in row 0, column 0. Which three positions has a word, so that text is read as "
            "it was before there were pictures?",
        ),
        Misconception(
            "axes first",
            lambda pieces: np.ascontiguousarray(multimodal_ids(pieces).T),
            "The numbers are right, but the table lies on its side: (3, tokens). Which axis comes first?",
        ),
    ],
    hints=[
        "Go through the pieces and keep one number: the position at which the next piece begins, on all three axes.",
        "list(np.ndindex(frames, height, width)) has one entry per patch, with its frame, row and column, in the right "
        "order.",
        "A piece ends at the largest number in its part of the table. The next one begins one further on.",
    ],
    explanation="A picture uses up as many positions as its longest side has patches, fewer than it has tokens. For "
    "words and pictures these are the numbers that transformers 5.23.0 gives Qwen2-VL. After a film with more frames "
    "than rows and columns it goes on earlier, at a position that the film's time has used.",
)
