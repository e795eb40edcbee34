"""The learner's own copies: work/ holds the chapters and exercises, and nothing in it is ever overwritten.

    python -m ropelib.course.workspace

Copies of notebooks come without outputs, since a chapter asks the reader to predict them. An untouched copy is
refreshed when the course has a newer one. A copy that was only run (its cells are still ours, its outputs are the
learner's) is refreshed too, and the old file is kept in work/.course/replaced/. An edited copy stays, and is
reported when a newer original exists.
"""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("notebooks", "exercises")


def refresh(root: Path) -> list[str]:
    """Bring root/work up to date with root/notebooks and root/exercises → what a learner should know, as sentences."""
    work = root / "work"
    ledger = work / ".course" / "copied.json"
    copied = _read_ledger(ledger)
    messages = []
    for source in _sources(root):
        name = source.relative_to(root).as_posix()
        messages += _refresh_one(source, work / name, name, copied, work / ".course" / "replaced")
    _write_atomically(ledger, json.dumps(copied, indent=1, sort_keys=True).encode())
    return messages


def _refresh_one(source: Path, copy: Path, name: str, copied: dict[str, dict[str, str]], attic: Path) -> list[str]:
    original = _without_outputs(source.read_bytes())
    fresh = {"file": _digest(original), "cells": _digest_of_cells(original)}
    known = copied.get(name)
    if not copy.exists():
        if copy.is_symlink():
            return [f"work/{name} is a link to nothing: left alone."]
        _write_atomically(copy, original)
        copied[name] = fresh
        return []
    current = copy.read_bytes()
    if _digest(current) == fresh["file"]:
        copied[name] = fresh
        return []
    if known and known["file"] == fresh["file"]:
        return []
    if known and _digest(current) == known["file"]:
        _write_atomically(copy, original)
        copied[name] = fresh
        return [f"work/{name} was updated."]
    if known and _digest_of_cells(current) == known["cells"]:
        kept = _keep(copy, attic)
        _write_atomically(copy, original)
        copied[name] = fresh
        return [f"work/{name} was updated; the one you had run is in work/{kept.relative_to(attic.parents[1])}."]
    return [
        f"work/{name}: the course has a newer version, and you have edited yours, so yours stays. "
        "To get the new one, rename or delete yours and run `make lab` again."
    ]


def _sources(root: Path) -> list[Path]:
    found = [path for folder in SOURCES for path in (root / folder).glob("*") if path.suffix in {".ipynb", ".md"}]
    return sorted(found)


def _read_ledger(path: Path) -> dict[str, dict[str, str]]:
    """What was copied. A damaged ledger counts as empty: then every copy that differs is taken for edited."""
    try:
        ledger = json.loads(path.read_text(encoding="utf-8"))
        return {name: {"file": entry["file"], "cells": entry["cells"]} for name, entry in ledger.items()}
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return {}


def _without_outputs(content: bytes) -> bytes:
    try:
        notebook = json.loads(content)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
        notebook["metadata"].pop("widgets", None)
    except (ValueError, KeyError, TypeError):
        return content
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest_of_cells(content: bytes) -> str:
    """A digest of what is written in the cells, without outputs, counts and other traces of a run."""
    try:
        cells = json.loads(content)["cells"]
        written = [(cell["cell_type"], "".join(cell["source"]), cell.get("attachments")) for cell in cells]
    except (ValueError, KeyError, TypeError):
        return _digest(content)
    return _digest(json.dumps(written).encode())


def _keep(copy: Path, attic: Path) -> Path:
    attic.mkdir(parents=True, exist_ok=True)
    number = 1
    while (kept := attic / f"{copy.stem}-{number}{copy.suffix}").exists():
        number += 1
    shutil.copy2(copy, kept)
    return kept


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    os.replace(partial, path)


def main() -> int:
    try:
        messages = refresh(ROOT)
    except OSError as error:
        print(f"work/ could not be brought up to date: {error}. Nothing of yours was changed.", file=sys.stderr)
        return 1
    print("\n".join(["Your copies of the course are in work/.", *messages]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
