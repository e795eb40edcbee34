"""How launches become operators of PyTorch, which torch.compile takes into its graphs whole."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ropelib.kernels.launch import compact

# What checks.sources returns.
SOURCES = (
    "Tensor first, Tensor? second, Tensor? ids, SymInt offset, SymInt source, float factor, str pairing, "
    "SymInt seq_dim, bool check"
)


def operator(name: str, launch: Callable[..., Any], tensors: str, more: str, returns: str) -> Any:
    """Register launch(tensors, sources, more) as torch.ops.ropelib.<name>; what it writes to is marked with (a!)."""
    arguments = ", ".join(filter(None, (tensors, SOURCES, more)))
    written = [argument.split()[1] for argument in tensors.split(", ") if "!" in argument]
    return torch.library.custom_op(
        f"ropelib::{name}", launch, mutates_args=written, schema=f"({arguments}) -> {returns}"
    )


def like_q_and_k(q: Tensor, k: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    """What torch.compile shall take for two rotated tensors while it traces."""
    return torch.empty_like(compact(q)), torch.empty_like(compact(k))
