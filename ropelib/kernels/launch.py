"""How the Triton kernels start: blocks that fit the GPU, and plans that spare the CPU what repeats at every call."""

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import triton
from torch import Tensor

from ropelib.kernels.angles import INTERPRETED
from ropelib.kernels.checks import Sizes

MOST_PLANS = 4096
FEW_PAIRS = 2**18
PDL_MAX_PROGRAMS = 1024  # larger grids hide the cost of their launch by themselves

Angles = tuple[Tensor, Tensor | None, Tensor | None]  # turns or cos, sin, and positions in memory


@dataclass(slots=True)
class Plan:
    """A launch of which shapes and strides decide everything but pointers and scalars."""

    kernel: Any
    programs: int
    fixed: tuple[Any, ...]
    options: dict[str, Any]
    rows: int  # positions must lie below it
    most: int  # the largest offset
    fresh: tuple[Callable[[], Tensor], ...]  # memory for what is returned
    # The compiled kernel, for pointers to multiples of 16 bytes, and the arguments that its launcher wants first.
    run: Callable[..., None] | None = None
    handles: tuple[Any, ...] = ()
    stream: Callable[[int], int] | None = None


_PLANS: dict[tuple[Any, ...], Plan] = {}


def planned(make: Callable[..., Plan], q: Tensor, k: Tensor, angles: Angles, more: tuple[Any, ...], *how: Any) -> Plan:
    """make(q, k, angles, *more, *how), which raises ValueError where they do not fit, once for tensors of these shapes.

    more: other tensors, or None
    """
    first, second, ids = angles  # one after the other, because a loop would cost as much as the rest
    key = (make, how, q.shape, q.stride(), q.dtype, q.device, k.shape, k.stride(), k.dtype, k.device)
    key = (key, first.shape, first.stride(), first.dtype, first.device)
    if second is not None:
        key = (key, second.shape, second.stride(), second.dtype, second.device)
    if ids is not None:
        key = (key, ids.shape, ids.stride(), ids.dtype, ids.device)
    for x in more:
        key = (key, None) if x is None else (key, x.shape, x.stride(), x.dtype, x.device)
    plan = _PLANS.get(key)
    if plan is None:
        plan = make(q, k, angles, *more, *how)
        if len(_PLANS) >= MOST_PLANS:
            _PLANS.clear()
        _PLANS[key] = plan
    return plan


def forget_plans() -> None:
    """Plan every launch anew, as after a change of the blocks."""
    _PLANS.clear()


def launch(plan: Plan, tensors: tuple[Tensor, ...], pointers: Sequence[int], angles: Angles, *scalars: Any) -> None:
    """Straight to the compiled kernel where it fits, which spares Triton's look at every argument; else by Triton.

    pointers: to the tensors, of which some may be the same
    """
    if not plan.programs:
        return
    here = tensors[0].get_device()  # −1 on the CPU
    if here >= 0 and has_several_gpus() and here != torch.cuda.current_device():
        with torch.cuda.device(here):
            return launch(plan, tensors, pointers, angles, *scalars)
    first, second, ids = angles  # the kernels want three pointers, and read none that is not there
    first_at = first.data_ptr()
    second_at = first_at if second is None else second.data_ptr()
    ids_at = first_at if ids is None else ids.data_ptr()
    pointers = (*pointers, first_at, second_at, ids_at)
    aligned = not functools.reduce(operator.or_, pointers) & 15
    if aligned and plan.run is not None:
        return plan.run(plan.programs, 1, 1, plan.stream(here), *plan.handles, *pointers, *scalars, *plan.fixed)
    tensors = (*tensors, first, first if second is None else second, first if ids is None else ids)
    compiled = plan.kernel[plan.programs, 1, 1](*tensors, *scalars, *plan.fixed, **plan.options)
    if aligned and compiled is not None:
        plan.run, plan.handles = compiled.run, (compiled.function, compiled.packed_metadata, None, None, None)
        plan.stream = triton.runtime.driver.active.get_current_stream


@functools.cache
def has_several_gpus() -> bool:
    return torch.cuda.device_count() > 1


def compact(x: Tensor) -> Tensor:
    """x with a last stride of 1, which the kernels want."""
    return x if x.stride()[-1:] == (1,) else x.contiguous()


def fresh_like(x: Tensor) -> Callable[[], Tensor]:
    """A function that returns torch.empty_like(x), without looking at x again.

    On the only GPU it is the allocation that code of torch.compile calls, which costs the CPU less.
    """
    like = torch.empty_like(x, device="meta")
    size, steps = tuple(like.shape), like.stride()
    if x.is_cuda and not has_several_gpus():
        return functools.partial(torch._C._dynamo.guards._empty_strided_cuda, size, steps, x.dtype)
    return functools.partial(torch.empty_strided, size, steps, dtype=x.dtype, device=x.device)


def strides_of(x: Tensor, seq_axis: int) -> tuple[int, int, int]:
    """Over batch, seq and heads."""
    steps = x.stride()
    return steps[0], steps[seq_axis], steps[3 - seq_axis]


def strides_like(x: Tensor, seq_axis: int) -> tuple[int, int, int]:
    """Over batch, seq and heads of torch.empty_like(x)."""
    return strides_of(torch.empty_like(x, device="meta"), seq_axis)


@dataclass(frozen=True, slots=True)
class Cut:
    """How many programs share the work, what the kernel must know of that at compile time, and Triton's options."""

    programs: int
    constants: tuple[Any, ...]  # HOW, GROUPS, ORDER, INTERLEAVED, TAIL, PDL, BLOCK_S, BLOCK_H, BLOCK_P, BLOCK_T
    options: dict[str, Any]


def cut(
    q: Tensor, sizes: Sizes, batch: int, seq: int, strides: tuple[int, int, int], pairing: str, tail: int, like_k: int
) -> Cut:
    """Tiles for q and for like_k tensors with the heads of k; strides are those of q over batch, seq and heads."""
    order, interleaved = program_order(batch, strides), pairing == "interleaved"
    block_s, block_h, warps = tile(
        sizes.pairs, batch * seq, sizes.heads, sizes.table_stride > 0, interleaved, q.itemsize
    )
    groups = tuple(triton.cdiv(count, block_h) for count in sizes.heads)
    programs = batch * triton.cdiv(seq, block_s) * (groups[0] + like_k * groups[1])
    pdl = has_programmatic_launch(q.device, programs)
    how = (sizes.pairs, sizes.table_stride, sizes.source)
    blocks = (block_s, block_h, *blocks_of(sizes.pairs, tail))
    options = {"num_warps": warps, **({"launch_pdl": True} if pdl else {})}
    return Cut(programs, (how, groups, order, interleaved, tail, pdl, *blocks), options)


def blocks_of(pairs: int, tail: int) -> tuple[int, int]:
    """BLOCK_P and BLOCK_T."""
    return triton.next_power_of_2(pairs), triton.next_power_of_2(max(tail, 1))


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
