"""A study on one dataset: which preset and head are best, and is that more than chance?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import naming_what_cannot_be_written, require
from ..labelled.dataset import Dataset
from .choosing import Choice, choose
from .cross import Result, cross
from .report import conclusion, rows, to_text, write_report
from .variants import DEFAULT_HEADS, PUBLISHED, available_presets, default_preset, variants

__all__ = ["Study", "run_study"]

PROBE = "linear"


@dataclass(frozen=True, eq=False)
class Study:
    """What a study found.

    Attributes
    ----------
    results : list of Result
        One for each configuration.
    choice : Choice
        The best of them, and how it compares.
    files : list of Path
        What was written.
    """

    results: list[Result]
    choice: Choice
    files: list[Path]

    def table(self) -> str:
        """Return the table of all configurations, for a terminal."""
        return to_text(rows(self.results, self.choice), self.choice)

    def conclusion(self) -> list[str]:
        """Return the conclusion in plain sentences, the verdict first."""
        return conclusion(self.choice)


def run_study(
    dataset: Dataset,
    out: Path,
    models: Sequence[str] | None = None,
    heads: Sequence[str] = DEFAULT_HEADS,
) -> Study:
    """Find the best preset and head for a dataset, and write a report.

    A linear classifier learns from each embedding. It is chosen and scored in the dataset's folds.

    Parameters
    ----------
    dataset : Dataset
        From `labelled.reading.read_dataset`.
    out : Path
        Folder for the report, and for what is computed, so that the same call continues a study
        that was interrupted. It is made if it does not exist.
    models : sequence of str, optional
        Presets, or several joined by ``+``. By default those whose weights are on this machine.
    heads : sequence of str
        As `variants.head_options` takes them.

    Returns
    -------
    Study

    Raises
    ------
    OptionError
        If a preset or a head does not exist, or no model can have a head.
    AudioFileError
        If a clip cannot be read.
    WeightsNotFoundError, WeightsFormatError
        As `load_model`.
    MissingExtraError
        If scikit-learn or matplotlib is not installed.
    HearError
        If `out` cannot be written to.
    """
    for module in ("sklearn", "matplotlib"):
        require(module, extra="study")
    models = list(models) if models else available_presets()
    plain_model = default_preset() if default_preset() in models else models[0]
    of_events = dataset.of_events
    _, plain = variants([plain_model], [PUBLISHED], of_events=of_events)
    floor, *crossed = variants(models, heads, of_events=of_events)
    others = [variant for variant in crossed if variant.networks != plain.networks]
    with naming_what_cannot_be_written(out):
        out.mkdir(parents=True, exist_ok=True)
        results = cross(dataset, [floor, plain, *others], out / "cache", (PROBE,))
        choice = choose(results, plain.name)
        return Study(results, choice, write_report(out, results, choice))
