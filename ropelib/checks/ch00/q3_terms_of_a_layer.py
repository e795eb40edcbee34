"""The four terms of added positions, with the trained matrices of a real layer in between."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import fair, generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats

Terms = tuple[Floats, Floats, Floats, Floats]


def terms_of_a_layer(X: Floats, P: Floats, W_q: Floats, W_k: Floats) -> Terms:
    q, k = X @ W_q, X @ W_k
    q_of_p, k_of_p = P @ W_q, P @ W_k
    return q @ k.T, q @ k_of_p.T, q_of_p @ k.T, q_of_p @ k_of_p.T


def _cases(seed: int) -> list[Case]:
    rng = generator(0, 3, seed)

    def two_tokens() -> Case:
        return Case("two tokens", tuple(halves(rng, 4, 2, 2)), weight=2)

    words, places = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[0.0, 1.0], [3.0, 1.0]])
    return [
        Case("matrices that change nothing", (words, places, np.eye(2), np.eye(2))),
        fair(two_tokens, terms_of_a_layer, [_matrices_exchanged, _one_matrix, _matrices_transposed]),
        Case("four tokens of three features", (*halves(rng, 2, 4, 3), *halves(rng, 2, 3, 3)), weight=2),
    ]


def _matrices_exchanged(X: Floats, P: Floats, W_q: Floats, W_k: Floats) -> Terms:
    return terms_of_a_layer(X, P, W_k, W_q)


def _one_matrix(X: Floats, P: Floats, W_q: Floats, W_k: Floats) -> Terms:
    return terms_of_a_layer(X, P, W_q, W_q)


def _matrices_transposed(X: Floats, P: Floats, W_q: Floats, W_k: Floats) -> Terms:
    return terms_of_a_layer(X, P, W_q.T, W_k.T)


def _transposed(X: Floats, P: Floats, W_q: Floats, W_k: Floats) -> Terms:
    return tuple(term.T.copy() for term in terms_of_a_layer(X, P, W_q, W_k))


def _mixed_exchanged(X: Floats, P: Floats, W_q: Floats, W_k: Floats) -> Terms:
    content, content_position, position_content, position = terms_of_a_layer(X, P, W_q, W_k)
    return content, position_content, content_position, position


def _mixed_together(X: Floats, P: Floats, W_q: Floats, W_k: Floats) -> Terms:
    content, content_position, position_content, position = terms_of_a_layer(X, P, W_q, W_k)
    return content, content_position + position_content, content_position + position_content, position


def _past_the_matrices(X: Floats, P: Floats, W_q: Floats, W_k: Floats) -> Terms:
    q, k = X @ W_q, X @ W_k
    return q @ k.T, q @ P.T, P @ k.T, P @ P.T


def _score_for_content(X: Floats, P: Floats, W_q: Floats, W_k: Floats) -> Terms:
    terms = terms_of_a_layer(X, P, W_q, W_k)
    return sum(terms), *terms[1:]


QUESTION = Question(
    name="terms_of_a_layer",
    title="Four terms in a real layer",
    objective="take the score of a layer with added positions apart into its four terms",
    difficulty="moderate",
    minutes=10,
    points=5,
    reference=terms_of_a_layer,
    cases=_cases,
    misconceptions=[
        Misconception(
            "mixed terms exchanged",
            _mixed_exchanged,
            "The second and the third term have changed places. Content–position is the query of a word with the key "
            "of a place: which of the two is the row?",
        ),
        Misconception(
            "transposed",
            _transposed,
            "Every term is transposed: here the row is the key. Row m should be the query at m. Which factor comes "
            "first in the product?",
        ),
        Misconception(
            "matrices exchanged",
            _matrices_exchanged,
            "The queries are made with W_k and the keys with W_q. Which matrix makes the left factor of each product?",
        ),
        Misconception(
            "one matrix for both",
            _one_matrix,
            "Queries and keys are both made with W_q. What makes a key?",
        ),
        Misconception(
            "no matrices",
            lambda X, P, W_q, W_k: terms_of_a_layer(X, P, np.eye(len(W_q)), np.eye(len(W_k))),
            "These are the terms of the bare vectors, as in the chapter. In a layer W_q and W_k stand between: what "
            "is the query of row m of X?",
        ),
        Misconception(
            "positions go past the matrices",
            _past_the_matrices,
            "The words go through the matrices, the positions do not. The layer sees only the sum x + p: what happens "
            "to p when (x + p) is multiplied by W_q?",
        ),
        Misconception(
            "matrices transposed",
            _matrices_transposed,
            "The matrices are applied the other way round. Tokens are rows, so a row of X stands on the left of W_q.",
        ),
        Misconception(
            "whole score for the content",
            _score_for_content,
            "The first term is the whole score, positions included. Which part of it is there before p is added?",
        ),
        Misconception(
            "mixed terms added up",
            _mixed_together,
            "The two mixed terms are added, and that sum is given twice. They are different matrices: which one has "
            "the word on the side of the query?",
        ),
        Misconception(
            "scaled",
            lambda X, P, W_q, W_k: tuple(term / np.sqrt(len(W_q)) for term in terms_of_a_layer(X, P, W_q, W_k)),
            "The terms are divided by √features. That comes later in attention; here the plain dot products are "
            "asked for.",
        ),
    ],
    hints=[
        "(X + P) @ W_q = X @ W_q + P @ W_q: the query is a sum of two parts, one of the word and one of the place. The "
        "key is too.",
        "Name the four parts first: query of X, query of P, key of X, key of P. Each term is one product of two parts.",
        "A table of dot products with the query as its row is queries @ keys.T. Your four terms must add up to the "
        "score.",
    ],
    explanation="Added up, they are the score. With a matrix between its two factors, even the last term need not be "
    "relative: that is up to training.",
)
