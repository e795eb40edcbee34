"""The rotation itself in PyTorch: the same values by the fastest route for each pairing and size.

Nothing here checks its arguments; ropelib.ops does, and is what to call.
"""

from typing import Any

import torch
from torch import Tensor

from ropelib.reference import Pairing

# Elements from which the traffic to memory costs more than the call of an autograd.Function (measured on CPUs).
LARGE = 2**19


def rotate(x: Tensor, cos: Tensor, sin: Tensor, *, pairing: Pairing = "half") -> Tensor:
    """Rotate each feature pair (a, b) of x to (a·cos − b·sin, a·sin + b·cos): the torch twin of reference.rotate.

    x:        (..., head_dim), an even head_dim; never changed in place
    cos, sin: (..., head_dim/2), leading axes that broadcast to those of x
    returns:  the shape and dtype of x; float64 is rotated in float64, every other type in float32

    Checks nothing: apply_rope is the function to call. Su et al. 2021, eq. 34.
    """
    cos, sin, eager = widen(cos, x), widen(sin, x), not torch.compiler.is_compiling()
    if eager and pairing == "half" and x.numel() >= LARGE:
        return _LargeRotation.apply(x, *(t.reshape((1,) * (x.ndim - t.ndim) + t.shape) for t in (cos, sin)))
    if eager and pairing == "interleaved":  # as complex numbers: one pass over memory, which compilers cannot take
        points = torch.view_as_complex(widen(x, x).contiguous().unflatten(-1, (cos.shape[-1], 2)))
        return torch.view_as_real(points * torch.complex(cos, sin)).flatten(-2).type_as(x)
    return _rotate_pairs(widen(x, x), cos, sin, pairing).type_as(x)


def _rotate_pairs(x: Tensor, cos: Tensor, sin: Tensor, pairing: Pairing) -> Tensor:
    a, b = x.chunk(2, -1) if pairing == "half" else x.unflatten(-1, (cos.shape[-1], 2)).unbind(-1)
    a, b = torch.addcmul(a * cos, b, sin, value=-1), torch.addcmul(b * cos, a, sin)
    return torch.cat([a, b], -1) if pairing == "half" else torch.stack([a, b], -1).flatten(-2)


class _LargeRotation(torch.autograd.Function):
    """_rotate_pairs in the half pairing, with two trips to memory fewer and a backward that is the turn by −angle."""

    @staticmethod
    def forward(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        wide = x.to(cos.dtype)
        a, b = wide.chunk(2, dim=-1)
        turned = wide * torch.cat([cos, cos], dim=-1)
        first, second = turned.chunk(2, dim=-1)
        first.addcmul_(b, sin, value=-1)
        second.addcmul_(a, sin)
        return turned.to(x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        x, cos, sin = inputs
        # Fixed tables need no x for the backward pass, and keeping it would hold a whole activation alive.
        ctx.save_for_backward(x if any(ctx.needs_input_grad[1:]) else None, cos, sin)
        ctx.save_for_forward(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, cos, sin = ctx.saved_tensors
        grad_x = rotate(grad, cos, -sin)
        if x is None:
            return grad_x, None, None
        (a, b), (grad_a, grad_b) = (t.to(cos.dtype).chunk(2, dim=-1) for t in (x, grad))
        grad_cos, grad_sin = grad_a * a + grad_b * b, grad_b * a - grad_a * b
        return grad_x, grad_cos.sum_to_size(cos.shape), grad_sin.sum_to_size(sin.shape)

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> Tensor:
        x, cos, sin = primals = ctx.saved_tensors
        dx, dcos, dsin = (torch.zeros_like(t) if d is None else d for t, d in zip(primals, tangents, strict=True))
        return rotate(dx, cos, sin) + _rotate_pairs(x.to(cos.dtype), dcos, dsin, "half").to(x.dtype)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor) -> tuple[Tensor, int]:
        pairs = zip(inputs, in_dims, strict=True)
        x, cos, sin = (t.unsqueeze(0) if axis is None else t.movedim(axis, 0) for t, axis in pairs)
        return rotate(x.expand(info.batch_size, *x.shape[1:]), cos, sin), 0


def widen(t: Tensor, x: Tensor) -> Tensor:
    """t in the dtype that x is rotated in: float64 for float64, float32 for every other type."""
    return t.double() if x.dtype == torch.float64 else t.float()
