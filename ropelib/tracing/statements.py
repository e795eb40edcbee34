"""Which lines of a source file make one statement, and which names it assigns: the steps of a trace.

Python reports lines, not statements: a call over three lines is reported three times, its first line twice. Here
every line that can be reported is mapped to the one statement it belongs to. The body of a loop or a branch is no
part of its header.
"""

import ast
import linecache
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import CodeType

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Statement:
    """start, stop: its first and last line; of a function or class from its own line, below its decorators
    body: the lines of the block under it, or None

    assigned: the names it gives values to, with self.x as "self.x" and x[0] as "x", in the order written
    """

    start: int
    stop: int
    kind: str
    assigned: tuple[str, ...]
    body: tuple[int, int] | None


class Source:
    """One file or notebook cell, parsed.

    Raises OSError where its text cannot be found, SyntaxError where it is not Python.
    """

    def __init__(self, filename: str, text: str | None = None) -> None:
        if text is None:
            linecache.checkcache(filename)
            text = "".join(linecache.getlines(filename))
        if not text.strip():
            raise OSError(f"no source text for {filename}")
        self.lines = text.splitlines()
        self.tree = ast.parse(text)
        self._statements = _by_line(self.tree)
        self._functions = {(_first_line(node), node.name): node for node in ast.walk(self.tree) if _is_function(node)}

    def statement(self, line: int) -> Statement | None:
        return self._statements.get(line)

    def span(self, code: CodeType) -> tuple[int, int] | None:
        """The first and last line of the function that was compiled to code, decorators included."""
        if code.co_name == "<module>":
            return 1, len(self.lines)
        if code.co_name == "<lambda>":
            statement = self.statement(code.co_firstlineno)
            return (statement.start, statement.stop) if statement else None
        node = self._functions.get((code.co_firstlineno, code.co_name))
        return (code.co_firstlineno, node.end_lineno) if node else None

    def attributes(self, span: tuple[int, int]) -> list[tuple[str, str]]:
        """Every name.attribute written within these lines, once."""
        found = (
            (node.value.id, node.attr)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and span[0] <= node.lineno <= span[1]
        )
        return list(dict.fromkeys(found))

    def top_level_names(self) -> set[str]:
        """The names that the statements outside all functions and classes use."""
        return {node.id for node in _outside_scopes(self.tree) if isinstance(node, ast.Name)}


def _by_line(tree: ast.AST) -> dict[int, Statement]:
    owner: dict[int, Statement] = {}
    for node in _statements(tree):
        start, stop = _header(node)
        statement = Statement(start, stop, type(node).__name__, tuple(dict.fromkeys(_assigned(node))), _block(node))
        # Two statements on one line are one step: Python does not report the second.
        if first := owner.get(start):
            names = tuple(dict.fromkeys(first.assigned + statement.assigned))
            statement = replace(first, stop=max(first.stop, stop), assigned=names)
        for line in range(_first_line(node), statement.stop + 1):
            owner[line] = statement
    return owner


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Statements, except clauses and cases, outer before inner, in the order of the text."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.stmt, ast.excepthandler, ast.match_case)):
            yield node
        yield from _statements(node)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def _first_line(node: ast.AST) -> int:
    """Where Python says a statement begins: at its first decorator, a case at its pattern."""
    if isinstance(node, ast.match_case):
        return node.pattern.lineno
    return min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])


def _header(node: ast.AST) -> tuple[int, int]:
    start = node.lineno if isinstance(node, SCOPES) else _first_line(node)
    block = getattr(node, "body", None) or getattr(node, "cases", None)
    if isinstance(block, list) and block:
        return start, max(start, _first_line(block[0]) - 1)
    return start, node.end_lineno


def _block(node: ast.AST) -> tuple[int, int] | None:
    body = getattr(node, "body", None)
    if isinstance(body, list) and body and not isinstance(node, SCOPES):
        return _first_line(body[0]), body[-1].end_lineno
    return None


def _assigned(node: ast.AST) -> Iterator[str]:
    if isinstance(node, SCOPES):
        return
    if isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name
    for part in _own_expressions(node):
        if isinstance(part, (ast.Attribute, ast.Subscript, ast.Name)) and isinstance(part.ctx, ast.Store):
            yield from _name_of_target(part)
        elif isinstance(part, (ast.MatchAs, ast.MatchStar, ast.MatchMapping)):
            yield from filter(None, [getattr(part, "name", None) or getattr(part, "rest", None)])


def _own_expressions(node: ast.AST) -> Iterator[ast.AST]:
    """The expressions of a statement, without its block, lambdas, and what a comprehension keeps to itself."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case, ast.Lambda)):
            continue
        if isinstance(child, COMPREHENSIONS):
            yield from (part.target for part in ast.walk(child) if isinstance(part, ast.NamedExpr))
            continue
        yield child
        yield from _own_expressions(child)


def _name_of_target(node: ast.AST) -> Iterator[str]:
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield f"{node.value.id}.{node.attr}"


def _outside_scopes(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*SCOPES, ast.Lambda)):
            yield child
            yield from _outside_scopes(child)
