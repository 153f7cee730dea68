"""Scores as text for a terminal."""

import numpy as np

from .scores import Scores, best_in_task, n_common_tasks, pairwise_wins, ranks
from .tables import ON_RANKS, Table, format_number, statistics


def to_text(table: Table) -> str:
    """Return the table as text. Models are listed first, with numbers. * marks the best in task."""
    numbers = [f"[{number}]" for number in range(1, len(table.columns) + 1)]
    legend = [f"{number} {name}" for number, name in zip(numbers, table.columns, strict=True)]
    lines = [["task", "", *numbers]]
    for row in table.rows:
        # a space in place of the mark keeps the decimal points aligned
        cells = [cell + ("*" if best else " ") for cell, best in row.cells()]
        lines.append([row.task if row.kind != "distance" else "", row.quantity, *cells])
    return "\n".join([table.title, "", *legend, "", *_align(lines, left=(0, 1)), "", *table.notes])


def compare_two(scores: Scores, models: tuple[str, str]) -> str:
    """Return the scores and ranks of two models among all models as text, with the best ones."""
    columns = [scores.models.index(model) for model in models]
    lines = [["task", "metric", models[0], "rank", models[1], "rank", "best of all", ""]]
    in_task, best = ranks(scores.values), best_in_task(scores.values)
    for task, values in enumerate(scores.values):
        cells = [scores.tasks[task], scores.metrics[task]]
        for column in columns:
            rank, n_models = in_task[task, column], np.sum(~np.isnan(values))
            cells += [
                format_number(values[column], ".3f"),
                "–" if np.isnan(rank) else f"{rank:g} of {n_models}",
            ]
        names = "; ".join(np.array(scores.models)[best[task]])
        lines.append([*cells, format_number(np.nanmax(values), ".3f"), names])
    for quantity, form, values in statistics(scores.values):
        numbers = [format_number(values[column], form) for column in columns]
        lines.append(["all tasks", quantity, numbers[0], "", numbers[1], "", "", ""])
    first, second = columns
    n_wins = pairwise_wins(scores.values)[first, second]
    n_common = n_common_tasks(scores.values)[first, second]
    last = (
        f"{models[0]} beats {models[1]} in {n_wins:g} of the {n_common} tasks that both have. "
        "An equal score counts half."
    )
    return "\n".join([*_align(lines, left=(0, 1, 7)), "", ON_RANKS, last])


def _align(lines: list[list[str]], *, left: tuple[int, ...]) -> list[str]:
    """Pad cells to columns. Columns in `left` are aligned to the left, others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
