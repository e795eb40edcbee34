"""Which files of the course a set of notebooks and programs needs: their imports, followed to the end.

Read from the text alone, since importing has effects. What a package loads by name (import_module) counts too, and so
do the files beside a module that are no programs, such as a widget's script.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ropelib.grading.inside.notebook import without_magics

BY_NAME = "import_module"


def files(root: Path, notebooks: Iterable[Path], modules: Iterable[str], leave_out: re.Pattern[str]) -> set[Path]:
    """The files under root that are reached from the cells of notebooks and from modules.

    leave_out: the beginnings of paths that are neither taken nor followed
    """
    pending = [*modules, *(name for notebook in notebooks for name in imports_of_a_notebook(notebook))]
    seen: set[str] = set()
    found: set[Path] = set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        pending.append(name.rpartition(".")[0])
        source = _source(root, name)
        if source and source not in found and not leave_out.match(source.relative_to(root).as_posix()):
            found.add(source)
            found.update(path for path in source.parent.glob("*.*") if path.suffix not in (".py", ".pyc"))
            pending += _names(source, name)
    return found


def imports_of_a_notebook(notebook: Path) -> Iterator[str]:
    """Every dotted name that a cell imports; of `from a import b` both a and a.b."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            yield from _imports(ast.parse(without_magics("".join(cell["source"]))), "")


def _names(source: Path, name: str) -> Iterator[str]:
    text = source.read_text(encoding="utf-8")
    tree = ast.parse(text)
    package = name if source.name == "__init__.py" else name.rpartition(".")[0]
    yield from _imports(tree, package)
    if BY_NAME in text:
        yield from (f"{package}.{path.stem}" for path in source.parent.glob("*.py"))
        texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is str)
        yield from (f"{package}.{text}" for text in texts if all(map(str.isidentifier, text.split("."))))


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _source(root: Path, name: str) -> Path | None:
    if not name:
        return None
    place = root.joinpath(*name.split("."))
    return next((path for path in (place.with_name(f"{place.name}.py"), place / "__init__.py") if path.is_file()), None)
