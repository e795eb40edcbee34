"""The code of a notebook, from bytes that may be anything."""

import json
import re
from typing import Any

MOST_CELLS = 1000
MOST_CODE = 1 << 20
MAGIC = re.compile(r"^\s*(?:[%!].*|[\w.]+\?{1,2}|\?{1,2}[\w.]+)\s*$")
MAGIC_WITH_BODY = re.compile(r"^%%(?:time|timeit|capture|prun|trace)\b.*\n")


class Unreadable(Exception):
    """The file is no notebook that can be graded; the message says why."""


def code_cells(content: bytes) -> list[str]:
    """The source of each code cell, in order. Raises Unreadable, also for a notebook that can be read in two ways."""
    notebook = _parsed(content)
    if not isinstance(notebook, dict) or "nbformat" not in notebook:
        raise Unreadable("it is not a notebook")
    if notebook["nbformat"] != 4:
        raise Unreadable(f"it is of notebook format {str(notebook['nbformat'])[:20]}, not 4: save it with JupyterLab")
    cells = notebook.get("cells")
    if not isinstance(cells, list) or len(cells) > MOST_CELLS:
        raise Unreadable(f"it has no list of at most {MOST_CELLS} cells")
    sources = [_source(cell) for cell in cells if _kind(cell) == "code"]
    if sum(map(len, sources)) > MOST_CODE:
        raise Unreadable(f"it has more than {MOST_CODE} characters of code")
    return sources


def without_magics(source: str) -> str:
    """The cell without IPython's own commands; what a magic measures or captures stays."""
    source = MAGIC_WITH_BODY.sub("\n", source)
    if source.startswith("%%"):
        return ""
    return "\n".join("" if MAGIC.match(line) else line for line in source.split("\n"))


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=_without_duplicates)
    except UnicodeDecodeError as error:
        raise Unreadable("it is not UTF-8 text") from error
    except (MemoryError, RecursionError) as error:
        raise Unreadable("it is nested too deeply, or unfolds to too much") from error
    except ValueError as error:
        raise Unreadable("it is not JSON") from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("it has a key twice, so that it can be read in two ways")
    return found


def _kind(cell: Any) -> str:
    if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
        raise Unreadable("one of its cells is not a cell")
    return cell["cell_type"]


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source")
    lines = [source] if isinstance(source, str) else source
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise Unreadable("the source of one of its cells is not text")
    return "".join(lines)
