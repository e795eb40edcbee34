"""Files that are no notebook, notebooks that were damaged or rearranged, and names that are code somewhere else."""

import json
import os

from tests.attacks import exam
from tests.attacks.attack import (
    FULL,
    HALF,
    HONEST,
    IMPORT,
    PERIOD,
    TURN,
    Attack,
    content,
    file_name,
    notebook,
    with_turn,
)

HTML = "</pre></td><script>alert(1)</script><img src=x onerror=alert(1)>"
GOOD = notebook(HONEST)


def _edited(**changes):
    return content(json.dumps({**json.loads(GOOD), **changes}).encode())


def _sparse(folder):
    with open(folder / file_name(), "wb") as file:
        file.truncate(100 << 20)


def _link(target):
    return lambda folder: os.symlink(target, folder / file_name())


def _twice(folder):
    (folder / "ps1").mkdir()
    for place in (folder, folder / "ps1"):
        (place / file_name()).write_text(GOOD)


def _nbgrader(folder):
    (folder / "ps1").mkdir()
    (folder / "ps1" / file_name()).write_text(GOOD)
    (folder / "ps1" / "timestamp.txt").write_text("2026-01-01")


def _with_extras(folder):
    (folder / file_name()).write_text(GOOD)
    (folder / "scratch.ipynb").write_text("not JSON")
    (folder / "data.csv").write_text("=1+1")


def _stripped(folder):
    cells = [{"cell_type": "code", "source": source} for source in HONEST]
    (folder / file_name()).write_text(json.dumps({"nbformat": 4, "cells": cells}))


MARKDOWN = {"cell_type": "markdown", "source": ["# Mine"]}
CODE = {"cell_type": "code", "source": [line + "\n" for line in "\n".join(HONEST).splitlines()]}

ATTACKS = [
    Attack("is_not_json", earns=None, says="not JSON", write=content(b"<html>Please log in</html>")),
    Attack("is_empty", earns=None, says="not JSON", write=content(b"")),
    Attack("is_not_utf_8", earns=None, says="not UTF-8", write=content(GOOD.encode("utf-16"))),
    Attack("is_another_document", earns=None, says="not a notebook", write=content(b'{"a": 1}')),
    Attack("has_duplicate_keys", earns=None, says="key twice", write=content(GOOD[:-1].encode() + b', "cells": []}')),
    Attack("is_of_an_old_format", earns=None, says="format 3", write=_edited(nbformat=3)),
    Attack("has_no_list_of_cells", earns=None, says="no list", write=_edited(cells={"a": 1})),
    Attack("has_a_cell_that_is_none", earns=None, says="not a cell", write=_edited(cells=[None])),
    Attack(
        "has_a_source_that_is_no_text",
        earns=None,
        says="not text",
        write=_edited(cells=[{"cell_type": "code", "source": 5}]),
    ),
    Attack("has_a_million_cells", earns=None, says="at most", write=_edited(cells=[{}] * 10**6)),
    Attack("has_100_megabytes", earns=None, says="100 MB", write=_sparse),
    Attack(
        "unfolds_to_gigabytes",
        earns=None,
        says="unfold",
        write=content(b'{"nbformat": 4, "cells": [' + b"[]," * (5 << 20) + b"[]]}"),
    ),
    Attack("is_nested_too_deeply", earns=None, says="nested too deeply", write=content(b"[" * (1 << 20))),
    Attack(
        "is_a_link_to_another_submission", earns=None, says="link", write=_link(f"../first_honest/{exam.NAME}.ipynb")
    ),
    Attack("is_a_link_to_a_device", earns=None, says="link", write=_link("/dev/zero")),
    Attack("is_a_pipe", earns=None, says="not a regular file", write=lambda folder: os.mkfifo(folder / file_name())),
    Attack("is_a_folder", earns=None, says="not a regular file", write=lambda folder: (folder / file_name()).mkdir()),
    Attack("is_there_twice", earns=None, says="more than once", write=_twice),
    Attack(
        "was_renamed", earns=None, says="missing", write=lambda folder: (folder / "90_exam (1).ipynb").write_text(GOOD)
    ),
    Attack("lost_its_metadata", earns=FULL, write=_stripped),
    Attack("lies_in_nbgraders_layout", earns=FULL, write=_nbgrader),
    Attack("comes_with_other_files", earns=FULL, write=_with_extras),
    Attack("lost_cells", (IMPORT, TURN), (3, 0, 0), "Write your answer"),
    Attack("moved_its_cells", (PERIOD, HALF, TURN, IMPORT), FULL),
    Attack("doubled_its_cells", (IMPORT, "def turn(x, angle): return x", TURN, HALF, TURN, PERIOD), FULL),
    Attack("joined_its_cells", earns=FULL, write=_edited(cells=[MARKDOWN, CODE, {"cell_type": "raw", "source": "x"}])),
    Attack("has_a_syntax_error", (*HONEST, "def broken(:"), FULL, "SyntaxError"),
    Attack(
        "has_magics",
        (
            "%matplotlib inline\n" + IMPORT,
            "!rm -rf /\n?np\nnp.sum??",
            "%%bash\nrm -rf /",
            "%%time\n" + TURN,
            HALF,
            PERIOD,
        ),
        FULL,
    ),
    Attack("raises_html", with_turn(f"raise ValueError({HTML!r})"), says=HTML),
    Attack("raises_html_by_its_line", with_turn(f"raise ValueError  # {HTML}"), says=HTML),
    Attack("raises_escape_sequences", with_turn("raise ValueError('\\x1b[2J\\x00\\u202eleft\\ud800')"), says="[2J"),
    Attack("has_html_for_a_name", HONEST, FULL, student=b"<img src=x onerror=alert(1)>"),
    Attack("has_a_formula_for_a_name", HONEST, FULL, student=b'=HYPERLINK("http:attacker","x")'),
    Attack("has_another_formula_for_a_name", HONEST, FULL, student=b"@SUM(1+1)*cmd|calc"),
    Attack("has_lines_in_its_name", HONEST, FULL, student=b'a\n"b",c\r\nfirst_honest,0'),
    Attack("has_a_name_that_is_not_utf_8", HONEST, FULL, student=b"\xff\xfe"),
    Attack("has_a_very_long_name", HONEST, FULL, student=b"x" * 200),
    Attack("has_a_name_that_climbs", HONEST, FULL, student=b"%2e%2e%2f%2e%2e%2fprivate"),
]
