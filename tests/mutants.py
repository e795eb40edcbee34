"""Slips, generated: every place in a right program where a sign, an axis, a position or an exponent can go wrong.

mutants(source) gives one program for each slip, with a line that says what was changed.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Names of what is a position in the course's programs: off by one is the slip to try on them.
POSITIONS = {"positions", "position", "offset", "distance", "distances", "tokens"}
SWAPPED = {"cos": "sin", "sin": "cos", "argmax": "argmin", "max": "min", "arctan2": "hypot", "exp": "expm1"}
OPPOSITES = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Mod: ast.Mult}
COMPARISONS = {ast.Lt: ast.Gt, ast.Gt: ast.Lt}


@dataclass(frozen=True)
class Mutant:
    slip: str
    source: str


def mutants(source: str) -> list[Mutant]:
    """One mutant of a function for every slip in every place, each text once."""
    tree = ast.parse(source)
    parameters = [argument.arg for argument in tree.body[0].args.args]
    found = {}
    for index, node in enumerate(ast.walk(tree)):
        for kind, change in _slips(node, parameters):
            fresh = copy.deepcopy(tree)
            target = next(other for place, other in enumerate(ast.walk(fresh)) if place == index)
            before = ast.unparse(target)
            replacement = change(target)
            if replacement is not target:
                fresh = _Replace(target, replacement).visit(fresh)
            text = ast.unparse(ast.fix_missing_locations(fresh))
            slip = f"{kind}: {before} → {ast.unparse(replacement)}"
            if text != ast.unparse(tree):
                found.setdefault(text, Mutant(slip, text))
    return list(found.values())


def _slips(node: ast.AST, parameters: list[str]) -> Iterator[tuple[str, Callable[[ast.AST], ast.AST]]]:
    if isinstance(node, ast.BinOp):
        yield from _of_operator(node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign flip", lambda n: n.operand
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        yield "comparison reversed", lambda n: _set(n, ops=[COMPARISONS[type(n.ops[0])]()])
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for step in (1, -1):
            yield "constant off by one", lambda n, step=step: _set(n, value=n.value + step)
    if isinstance(node, ast.Attribute) and node.attr in SWAPPED:
        yield "function exchanged", lambda n: _set(n, attr=SWAPPED[n.attr])
    if isinstance(node, ast.Slice) and node.step is None and (node.lower is None) != (node.upper is None):
        yield "halves exchanged", lambda n: _set(n, lower=n.upper, upper=n.lower)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in POSITIONS:
        yield from _of_position()
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in parameters:
        for other in parameters:
            yield "inputs confused", lambda n, other=other: ast.Name(other, ast.Load())
    if isinstance(node, ast.Call):
        yield from _of_call(node)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id == "angles":
        yield "frequencies reversed", lambda n: ast.Subscript(n, ast.parse("x[..., ::-1]", mode="eval").body.slice)
    if isinstance(node, (ast.Tuple, ast.List)) and isinstance(node.ctx, ast.Load) and len(node.elts) == 2:
        yield "exchanged", lambda n: _set(n, elts=n.elts[::-1])
    if isinstance(node, ast.IfExp):
        yield "condition ignored", lambda n: n.body
        yield "condition ignored", lambda n: n.orelse
        yield "condition reversed", lambda n: _set(n, body=n.orelse, orelse=n.body)


def _of_operator(node: ast.BinOp) -> Iterator[tuple[str, Callable[[ast.AST], ast.AST]]]:
    if type(node.op) in OPPOSITES:
        yield "operator", lambda n: _set(n, op=OPPOSITES[type(n.op)]())
    if isinstance(node.op, ast.Pow):
        yield "exponent negated", lambda n: _set(n, right=ast.UnaryOp(ast.USub(), n.right))
        yield "exponent halved", lambda n: _set(n, right=ast.BinOp(n.right, ast.Div(), ast.Constant(2)))
        yield "exponent doubled", lambda n: _set(n, right=ast.BinOp(n.right, ast.Mult(), ast.Constant(2)))
    if isinstance(node.op, (ast.Add, ast.Sub)):
        yield "left term only", lambda n: n.left
        yield "right term only", lambda n: n.right


def _of_position() -> Iterator[tuple[str, Callable[[ast.AST], ast.AST]]]:
    yield "position one too far", lambda n: ast.BinOp(n, ast.Add(), ast.Constant(1))
    yield "position one short", lambda n: ast.BinOp(n, ast.Sub(), ast.Constant(1))
    yield "position negated", lambda n: ast.UnaryOp(ast.USub(), n)
    yield "position ignored", lambda n: ast.BinOp(n, ast.Mult(), ast.Constant(0))


def _of_call(node: ast.Call) -> Iterator[tuple[str, Callable[[ast.AST], ast.AST]]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in ("cos", "sin"):
        yield "rotation missing", lambda n: ast.Constant(1.0 if name == "cos" else 0.0)
        for wrapper in ("float16", "float32", "deg2rad"):
            yield f"phase in {wrapper}", lambda n, wrapper=wrapper: _set(n, args=[_numpy(wrapper, n.args[0])])
    if name == "turn":
        yield "rotation missing", lambda n: n.args[0]
    if name in ("concatenate", "stack"):
        for wrapper in ("float16", "float32"):
            yield f"result in {wrapper}", lambda n, wrapper=wrapper: _numpy(wrapper, n)


def _numpy(function: str, argument: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(ast.Name("np", ast.Load()), function, ast.Load()), [argument], [])


def _set(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.AST, replacement: ast.AST) -> None:
        self.target, self.replacement = target, replacement

    def visit(self, node: ast.AST) -> ast.AST:
        return self.replacement if node is self.target else super().visit(node)
