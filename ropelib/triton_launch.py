"""How the Triton kernels start: blocks that fit the GPU, and plans that spare the CPU what repeats at every call."""

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import triton
from torch import Tensor

from ropelib.triton_angles import INTERPRETED

MOST_PLANS = 4096
FEW_PAIRS = 2**18
PDL_MAX_PROGRAMS = 1024  # larger grids hide the cost of their launch by themselves


@dataclass(slots=True)
class Plan:
    """A launch of which shapes and strides decide everything but pointers and scalars."""

    kernel: Any
    grid: tuple[int, int, int]
    fixed: tuple[Any, ...]
    options: dict[str, Any]
    rows: int  # positions must lie below it
    most: int  # the largest offset
    # The compiled kernel, for pointers to multiples of 16 bytes, and the arguments that its launcher wants first.
    run: Callable[..., None] | None = None
    handles: tuple[Any, ...] = ()
    stream: Callable[[int], int] | None = None


_PLANS: dict[tuple[Any, ...], Plan] = {}


def planned(make: Callable[..., Plan], tensors: tuple[Tensor, ...], *how: Any) -> Plan:
    """make(*tensors, *how), which raises ValueError where they do not fit, once for all tensors of these shapes.

    A tensor that stands for one that is not there follows itself, and how tells the two apart.
    """
    key, before = (make, how), None
    for x in tensors:
        if x is not before:
            key = (key, x.shape, x.stride(), x.dtype, x.device)
            before = x
    plan = _PLANS.get(key)
    if plan is None:
        plan = make(*tensors, *how)
        if len(_PLANS) >= MOST_PLANS:
            _PLANS.clear()
        _PLANS[key] = plan
    return plan


def forget_plans() -> None:
    """Plan every launch anew, as after a change of the blocks."""
    _PLANS.clear()


def launch(plan: Plan, tensors: tuple[Tensor, ...], *scalars: Any) -> None:
    """Straight to the compiled kernel where it fits, which spares Triton's look at every argument; else by Triton."""
    if not plan.grid[0]:
        return
    here = tensors[0].get_device()  # −1 on the CPU
    if here >= 0 and here != torch.cuda.current_device():
        with torch.cuda.device(here):
            return launch(plan, tensors, *scalars)
    pointers = [x.data_ptr() for x in tensors]
    aligned = not functools.reduce(operator.or_, pointers) & 15
    if aligned and plan.run is not None:
        return plan.run(*plan.grid, plan.stream(here), *plan.handles, *pointers, *scalars, *plan.fixed)
    compiled = plan.kernel[plan.grid](*tensors, *scalars, *plan.fixed, **plan.options)
    if aligned and compiled is not None:
        plan.run, plan.handles = compiled.run, (compiled.function, compiled.packed_metadata, None, None, None)
        plan.stream = triton.runtime.driver.active.get_current_stream


def strides_of(x: Tensor, seq_axis: int) -> tuple[int, int, int]:
    """Over batch, seq and heads."""
    steps = x.stride()
    return steps[0], steps[seq_axis], steps[3 - seq_axis]


def strides_like(x: Tensor, seq_axis: int) -> tuple[int, int, int]:
    """Over batch, seq and heads of torch.empty_like(x)."""
    return strides_of(torch.empty_like(x, device="meta"), seq_axis)


def has_programmatic_launch(device: torch.device, programs: int) -> bool:
    """Whether a kernel should start while the one before it ends, and then wait: NVIDIA's GPUs from Hopper on can."""
    if device.type != "cuda" or torch.version.hip is not None or programs > PDL_MAX_PROGRAMS:
        return False
    return torch.cuda.get_device_capability(device)[0] >= 9


def program_order(batch: int, strides: tuple[int, int, int]) -> str:
    """In which order programs are counted: as q, of these strides over batch, seq and heads, lies in memory."""
    if strides[1] < strides[2]:
        return "tokens"
    return "one sequence" if batch == 1 else "heads"


def tile(
    pairs: int, tokens: int, heads: tuple[int, ...], table: bool, interleaved: bool, bytes_each: int
) -> tuple[int, int, int]:
    """BLOCK_S, BLOCK_H and warps, as measured on an H200.

    A thread does best with 16 pairs, read as vectors of 16 bytes; with 8 where one vector holds both halves of its
    pairs, or where a table has rows that fill no power of two. Few tokens are spread over more threads instead.
    """
    most = triton.next_power_of_2(max(1, *heads))
    if INTERPRETED:  # each program costs milliseconds whatever its size
        return triton.next_power_of_2(min(max(tokens, 1), 128)), most, 1
    block_p = triton.next_power_of_2(pairs)
    if tokens * sum(heads) * block_p <= FEW_PAIRS:
        return 1, min(8, most), 4
    padded = block_p != pairs
    narrow = interleaved or (table and padded)
    rows = max(1, (1024 if narrow else 2048) // (bytes_each * block_p))
    wanted = rows // 2 if narrow else (2 if padded else 1) << (rows.bit_length() // 2)
    block_h = max(1, min(most, rows, wanted))
    return rows // block_h, block_h, 2
