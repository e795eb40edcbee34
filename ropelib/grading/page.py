"""A page of HTML that needs nothing else and can run nothing: everything variable in it is escaped text."""

from html import escape

from ropelib.grading.runner import clean

# Should an escape ever be missing, the browser still runs no script, loads nothing and sends nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .2em 1em .2em 0; }
td.number, th.number { text-align: right; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
section { border-left: .4em solid #777777; padding: .1em 0 .1em 1em; margin: 1.5em 0; }
section.full { border-color: #009E73; }
section.part { border-color: #E69F00; }
section.none { border-color: #D55E00; }
svg text { fill: currentColor; font-size: 12px; }
"""


def page(title: str, body: str) -> str:
    """A complete document.

    title: any text
    body:  HTML, in which everything that is not ours has been through text()
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def text(value: object) -> str:
    """Anything as text that HTML shows and does not interpret."""
    return escape(clean(value))


def table(head: list[str], rows: list[list[object]], numbers: tuple[int, ...] = ()) -> str:
    """A table.

    head:    column names
    rows:    any values
    numbers: columns to be aligned on the right
    """
    cells = [_row("th", head, numbers), *(_row("td", row, numbers) for row in rows)]
    return f"<table>\n{chr(10).join(cells)}\n</table>"


def _row(kind: str, cells: list[object], numbers: tuple[int, ...]) -> str:
    marked = (
        "".join((' scope="col"' if kind == "th" else "", ' class="number"' if i in numbers else ""))
        for i in range(len(cells))
    )
    return (
        "<tr>"
        + "".join(f"<{kind}{mark}>{text(cell)}</{kind}>" for mark, cell in zip(marked, cells, strict=True))
        + "</tr>"
    )
