"""The table of scores as files: CSV, Markdown, HTML."""

import csv
import html
import io
from pathlib import Path

import numpy as np

from ..files import written_whole
from .tables import Row, Table

STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem;
       padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-top: 1px solid #8886;
         white-space: nowrap; }
thead th { vertical-align: bottom; white-space: normal; min-width: 5rem;
           overflow-wrap: anywhere; border: 0; }
th:first-child, td:nth-child(2) { text-align: left; }
th:first-child { position: sticky; left: 0; background: Canvas; }
tbody th { font-weight: 600; }
.distance th { visibility: hidden; }
.distance td { border-top: 0; opacity: .8; }
.statistic td { background: #8882; }
td strong { border-bottom: 3px solid #0072b2; }
"""


def save_table(table: Table, stem: Path) -> list[Path]:
    """Write the table as CSV, Markdown and HTML.

    Parameters
    ----------
    table : Table
    stem : Path
        The files without their endings. The folder is made if it does not exist.

    Returns
    -------
    list of Path
        ``stem.csv``, ``stem.md`` and ``stem.html``.

    Raises
    ------
    OSError
        If the folder cannot be written to, or the disk is full.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = []
    for ending, write in [("csv", to_csv), ("md", to_markdown), ("html", to_html)]:
        path = stem.with_name(f"{stem.name}.{ending}")
        with written_whole(path) as partial:
            partial.write_text(write(table), encoding="utf-8")
        paths.append(path)
    return paths


def to_csv(table: Table) -> str:
    """Return the table as CSV, with all digits and with empty cells for missing numbers.

    The columns are task, quantity, best (the best models in the task, separated by "; "), and one
    for each model.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["task", "quantity", "best", *table.columns])
    for row in table.rows:
        best = "; ".join(np.array(table.columns)[row.best])
        whole = row.form == ".0f"
        numbers = [
            "" if np.isnan(value) else repr(int(value) if whole else float(value))
            for value in row.values
        ]
        writer.writerow([row.task, row.quantity, best, *numbers])
    return text.getvalue()


def to_markdown(table: Table) -> str:
    """Return the table as Markdown, with the best in task in bold."""
    lines = [["task", "", *table.columns]]
    lines.append(["---", "---"] + ["---:"] * len(table.columns))
    for row in table.rows:
        cells = [f"**{cell}**" if best else cell for cell, best in row.cells()]
        lines.append([row.task, row.quantity, *cells])
    body = ["| " + " | ".join(map(_escape_markdown, line)) + " |" for line in lines]
    return "\n".join([f"# {table.title}", "", *body, "", "\n\n".join(table.notes), ""])


def to_html(table: Table) -> str:
    """Return the table as an HTML page that needs no other file, with the best in task in bold."""
    title = html.escape(table.title)
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in table.columns)
    body = "\n".join(_html_row(row) for row in table.rows)
    notes = "\n".join(f"<p>{html.escape(note)}</p>" for note in table.notes)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<div class="wide"><table>
<thead><tr><th scope="col">task</th><th></th>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table></div>
{notes}
</body>
</html>
"""


def _escape_markdown(text: str) -> str:
    return html.escape(text, quote=False).replace("|", r"\|")


def _html_row(row: Row) -> str:
    cells = "".join(
        f"<td><strong>{cell}</strong></td>" if best else f"<td>{cell}</td>"
        for cell, best in row.cells()
    )
    task, quantity = html.escape(row.task), html.escape(row.quantity)
    return f'<tr class="{row.kind}"><th scope="row">{task}</th><td>{quantity}</td>{cells}</tr>'
