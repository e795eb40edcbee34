"""A question about tensors, and those who lie about them."""

import numpy as np
import torch

from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case
from tests.attacks.attack import Attack

NAME = "91_tensors"
PRELOAD = ("numpy", "torch")


def halve(x):
    return x / 2


def _cases(seed):
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(3, 4)))
    return [Case("double precision", (x,)), Case("bfloat16", (x.bfloat16(),)), Case("nothing", (x[:0],), weight=0)]


QUESTIONS = [
    Question(
        name="halve",
        title="Halve",
        objective="test the grader",
        difficulty="warm-up",
        minutes=1,
        points=3,
        reference=halve,
        cases=_cases,
        misconceptions=[Misconception("doubled", lambda x: x * 2, "This doubles. Which sign has the exponent?")],
        hints=["None."],
    )
]
WRONG = "def halve(x): return x + 1"


def _lie(*lines: str) -> tuple[str, ...]:
    return ("import torch", "\n".join(lines))


ATTACKS = [
    Attack("halves_honestly", _lie("def halve(x): return x / 2"), (3,), assignment=NAME),
    Attack("doubles", _lie("def halve(x): return x * 2"), (0,), "doubled", assignment=NAME),
    Attack("changes_a_tensor", _lie("def halve(x): return x.div_(2)"), (0,), "has been changed", assignment=NAME),
    Attack("patches_torch", _lie("torch.allclose = torch.equal = lambda *a, **k: True", WRONG), (0,), assignment=NAME),
    Attack(
        "patches_the_tensor_type",
        _lie("torch.Tensor.__eq__ = torch.Tensor.equal = lambda *a: True", WRONG),
        (0,),
        assignment=NAME,
    ),
    Attack(
        "returns_a_tensor_that_lies",
        _lie(
            "class Lie(torch.Tensor):",
            "    @classmethod",
            "    def __torch_function__(cls, *a, **k): return True",
            "def halve(x): return (x + 1).as_subclass(Lie)",
        ),
        (0,),
        assignment=NAME,
    ),
    Attack("returns_a_tensor_on_no_device", _lie("def halve(x): return x.to('meta')"), (0,), assignment=NAME),
    Attack("returns_a_sparse_tensor", _lie("def halve(x): return (x / 2).to_sparse()"), (0,), assignment=NAME),
    Attack(
        "returns_a_huge_tensor", _lie("def halve(x): return torch.zeros(1).expand(10**6, 10**6)"), (0,), assignment=NAME
    ),
    Attack("loops_inside_torch", _lie("def halve(x):", "    while True: x = x @ x.T @ x"), (0,), assignment=NAME),
    Attack("crashes_inside_torch", _lie("import ctypes", "def halve(x): ctypes.string_at(0)"), (0,), assignment=NAME),
]
