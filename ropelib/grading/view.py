"""The folder that a sandbox shows: the rooms of ropelib that a question leaves open, and what runs the submission."""

import shutil
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

ROPELIB = Path(__file__).resolve().parents[1]
NEVER_SHOWN = {"checks", "course", "grading", "__pycache__"}


def build(folder: Path, closed: Sequence[str]) -> None:
    """Copy what a submission may see into folder, readable by everyone.

    closed: dotted names of modules that answer the question; those of ropelib are left out
    """
    for source in sorted(ROPELIB.rglob("*.py")):
        parts = source.relative_to(ROPELIB).with_suffix("").parts
        name = ".".join(("ropelib", *parts)).removesuffix(".__init__")
        shut = any(name == room or name.startswith(f"{room}.") for room in closed)
        if not shut and not NEVER_SHOWN & set(parts):
            _copy(source, folder / "ropelib" / source.relative_to(ROPELIB))
    for source in (ROPELIB / "grading" / "inside").glob("*.py"):
        _copy(source, folder / "inside" / source.name)
    _copy(ROPELIB / "checks" / "observe.py", folder / "inside" / "observe.py")
    for directory in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        directory.chmod(0o755)


def library_folders() -> list[Path]:
    """Where installed packages lie."""
    return [Path(entry) for entry in dict.fromkeys(sys.path) if Path(entry).name in ("site-packages", "dist-packages")]


def python_folders() -> list[Path]:
    """Where Python itself lies: its program and its libraries, and nothing else of its prefix."""
    libraries = Path(sys.base_prefix).resolve() / "lib"
    return [Path(sys.executable).resolve(), libraries, Path(sysconfig.get_path("stdlib")).resolve()]


def copies_of(module: str) -> Iterator[Path]:
    """Every place in the folders shown where a module of another package can be read.

    module: a dotted name, for example transformers
    """
    versions = [folder for folder in (Path("/usr/lib"), Path(sys.base_prefix).resolve() / "lib") if folder.is_dir()]
    others = [path for folder in versions for path in folder.glob("python*/*-packages")]
    for folder in dict.fromkeys([*library_folders(), *others]):
        place = folder.joinpath(*module.split("."))
        yield from (path for path in (place, place.with_name(f"{place.name}.py")) if path.exists())


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o644)
