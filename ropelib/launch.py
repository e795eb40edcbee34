"""Launch a Triton kernel on tensors of the CPU, in Triton's interpreter, with the memory around them watched."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

GUARD = 1 << 14
FIRST_FILL = -7


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any, **constants: Any) -> int:
    """Run kernel once for every program of grid → how many elements outside its tensors it overwrote.

    Each tensor lies in longer memory that is filled with −7, −8, … for the first, the second, …, so a kernel that
    reaches a little beyond it does no harm and is found out. Afterwards the tensors hold what the kernel stored. This
    is the CPU's work, whether there is a GPU or not.

    kernel:    a function with @triton.jit, or without
    arguments: contiguous tensors of the CPU, which arrive as pointers to their first elements; numbers as they are
    constants: the tl.constexpr parameters, by name

    Raises NotImplementedError where nothing was stored anywhere; what the kernel itself raises, as it is.
    """
    # Triton exists for Linux on x86-64 only, and whoever reads the questions does without either.
    import torch
    from triton.runtime.interpreter import InterpretedFunction, InterpreterError

    tensors = {index: value for index, value in enumerate(arguments) if isinstance(value, torch.Tensor)}
    memory = {index: _between_guards(tensor, FIRST_FILL - index) for index, tensor in tensors.items()}
    before = {index: cells.clone() for index, cells in memory.items()}
    given = [memory[index][GUARD:] if index in memory else value for index, value in enumerate(arguments)]
    function: Callable[..., None] = getattr(kernel, "fn", kernel)
    try:
        InterpretedFunction(function)[grid](*given, **constants)
    except InterpreterError as error:
        raise (error.__cause__ or error) from None
    if all(cells.equal(before[index]) for index, cells in memory.items()):
        raise NotImplementedError("the kernel has stored nothing")
    strayed = 0
    for index, tensor in tensors.items():
        tensor.copy_(memory[index][GUARD:-GUARD].view(tensor.shape))
        outside = torch.cat([memory[index][:GUARD], memory[index][-GUARD:]])
        strayed += int((outside != FIRST_FILL - index).sum())
    return strayed


def _between_guards(tensor: "Tensor", fill: int) -> "Tensor":
    memory = tensor.new_full((GUARD + tensor.numel() + GUARD,), fill)
    memory[GUARD:-GUARD] = tensor.flatten()
    return memory
