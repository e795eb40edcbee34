"""The two pairings of features, and the permutation that leads from one to the other.

"interleaved" pairs features 2i and 2i + 1, "half" pairs i and i + rotary_dim/2: the same pairs at other places.
Permute the rows of W_q and W_k, and queries and keys come out in the other pairing. A permutation keeps every dot
product, so all scores stay; W_v and the output projection know nothing of pairs and must stay as they are.

The functions take NumPy arrays and torch tensors alike, keep dtype and device, and return a copy. Su et al. 2021,
eq. 34 is interleaved; GPT-NeoX and Hugging Face's Llama are half.
"""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ropelib.reference import Pairing


def permutation(head_dim: int, to: Pairing, *, rotary_dim: int | None = None) -> NDArray[np.int64]:
    """Where each feature of a head in the pairing `to` comes from, so that x[..., permutation(head_dim, to)] has it.

    head_dim:   features of one attention head; positive
    to:         the pairing to reach; x has the other one
    rotary_dim: how many leading features rotate, even and at most head_dim; the others keep their places. None: all
    returns:    (head_dim,), indices

    Raises ValueError for any other head_dim, to or rotary_dim.
    """
    rotary_dim = head_dim if rotary_dim is None else rotary_dim
    for name, width in {"head_dim": head_dim, "rotary_dim": rotary_dim}.items():
        if not isinstance(width, Integral) or isinstance(width, bool) or width <= 0:
            raise ValueError(f"{name} must be a positive integer, but got {width!r}")
    if rotary_dim > head_dim or rotary_dim % 2:
        raise ValueError(f"rotary_dim must be even and at most head_dim, but they are {rotary_dim} and {head_dim}")
    if to not in ("half", "interleaved"):
        raise ValueError(f'to must be "half" or "interleaved", but got {to!r}')
    places = np.arange(rotary_dim).reshape((-1, 2) if to == "half" else (2, -1))
    return np.concatenate([places.T.reshape(-1), np.arange(rotary_dim, head_dim)])


def half_to_interleaved(x: Any, *, rotary_dim: int | None = None) -> Any:
    """Move the features of x from the half to the interleaved pairing.

    x:          (..., head_dim) queries, keys, or per-feature weights of a query or key norm
    rotary_dim: how many leading features rotate; None means all
    returns:    the kind, dtype and shape of x

    Raises ValueError where x has no axis, or rotary_dim is not positive, even and at most head_dim.
    """
    return _permute_features(x, "interleaved", rotary_dim)


def interleaved_to_half(x: Any, *, rotary_dim: int | None = None) -> Any:
    """Move the features of x from the interleaved to the half pairing: the inverse of half_to_interleaved.

    x:          (..., head_dim) queries, keys, or per-feature weights of a query or key norm
    rotary_dim: how many leading features rotate; None means all
    returns:    the kind, dtype and shape of x

    Raises ValueError where x has no axis, or rotary_dim is not positive, even and at most head_dim.
    """
    return _permute_features(x, "half", rotary_dim)


def permute_weights(weight: Any, to: Pairing, *, head_dim: int, rotary_dim: int | None = None) -> Any:
    """W_q or W_k whose queries or keys have the pairing `to`; scores stay if both are permuted.

    weight:     (heads·head_dim, in_features) as in torch.nn.Linear, or its bias, (heads·head_dim,). The number of
                heads is read off, so W_k of grouped-query attention is permuted by the same call; of a fused
                projection pass the rows of one part
    to:         the pairing to reach; weight has the other one
    head_dim:   features of one attention head; by name only, since similar functions take the number of heads there
    rotary_dim: how many leading features of each head rotate; None means all
    returns:    the kind, dtype and shape of weight

    Raises ValueError where weight is not such a matrix or bias, or for an invalid head_dim, to or rotary_dim. The
    permutation between Meta's Llama weights and Hugging Face's, and between Hugging Face's and a Llama's GGUF file.
    """
    places = permutation(head_dim, to, rotary_dim=rotary_dim)
    weight = weight if hasattr(weight, "shape") else np.asarray(weight)
    shape = tuple(weight.shape)
    if len(shape) not in (1, 2) or shape[0] == 0 or shape[0] % head_dim:
        raise ValueError(
            f"weight must have shape (heads·head_dim, in_features) or (heads·head_dim,), "
            f"but its shape is {shape} with head_dim {head_dim}"
        )
    heads = np.arange(0, shape[0], head_dim)
    return weight[(heads[:, None] + places).reshape(-1)]


def _permute_features(x: Any, to: Pairing, rotary_dim: int | None) -> Any:
    x = x if hasattr(x, "shape") else np.asarray(x)
    if not x.shape:
        raise ValueError("x must have shape (..., head_dim), but is a single number")
    return x[..., permutation(x.shape[-1], to, rotary_dim=rotary_dim)]
