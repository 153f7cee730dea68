"""The weights of this package as repositories for the Hugging Face Hub."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..config.configuring import configure
from ..config.presets import PRESETS
from ..errors import OptionError, naming_what_cannot_be_written, require
from ..files import written_whole
from .finding import locate
from .registry import WeightFile, load_registry, registry_path

WEIGHTS = "model.safetensors"
"""The name that the Hub reads shapes and sizes from."""

CARDS = {
    "openl3": "STARTER.md",
    "yamnet": "STARTER.md",
    "openl3_lite": "LITE.md",
    "holistic": "HOLISTIC.md",
}
"""Model cards, beside the registry, by network."""

LICENCES = {"CC BY 4.0": "cc-by-4.0", "Apache-2.0": "apache-2.0"}
"""The Hub's names of the registry's licences."""

_RESULTS = {"openl3": "OpenL3", "yamnet": "YAMNet", "holistic": "holistic"}
"""Headings of the columns of the card's tables that have a network's scores."""

_LINK = re.compile(r"\[([^\]]+)\]\((?!https?://|#)[^)]+\)")


def publish(folder: Path) -> list[tuple[WeightFile, Path]]:
    """Write a folder for each of the weights that come with this package.

    Each folder has all files of one repository: ``model.safetensors`` (the bytes as shipped, so
    that their digest is the registry's), ``config.json`` (options of `load_model`) and
    ``README.md`` (the model card, with its results also as metadata).

    Parameters
    ----------
    folder : Path
        Where to make the folders. They must not be there yet, or be empty.

    Returns
    -------
    list of (WeightFile, Path)
        The weights, and the folder of each.

    Raises
    ------
    OptionError
        If one of the folders is there and has files.
    WeightsNotFoundError
        If weights of this package are missing or damaged.
    MissingExtraError
        If huggingface_hub is not installed.
    HearError
        If a folder cannot be written.
    """
    entries = [entry for entry in load_registry().values() if entry.is_starter]
    repositories = [(entry, folder / entry.name) for entry in entries]
    for _, repository in repositories:
        if repository.is_file() or (repository.is_dir() and any(repository.iterdir())):
            raise OptionError(f"{repository} is there already. Remove it, or name another folder.")
    for entry, repository in repositories:
        with naming_what_cannot_be_written(repository):
            folder.mkdir(parents=True, exist_ok=True)
            with written_whole(repository) as partial:
                partial.mkdir()
                shutil.copyfile(locate(entry.name), partial / WEIGHTS)
                (partial / "config.json").write_text(_config(entry), encoding="utf-8")
                (partial / "README.md").write_text(model_card(entry), encoding="utf-8")
    return repositories


def _config(entry: WeightFile) -> str:
    options = replace(configure(_preset_of(entry)), weights=WEIGHTS)
    return json.dumps(options.as_dict(), indent=2) + "\n"


def _preset_of(entry: WeightFile) -> str:
    """Return the preset that takes these weights by default."""
    return next(name for name, preset in PRESETS.items() if preset.weights_name == entry.name)


def model_card(entry: WeightFile) -> str:
    """Return the model card of weights of this package, with metadata that the Hub reads.

    Raises
    ------
    MissingExtraError
        If huggingface_hub is not installed.
    """
    hub = require("huggingface_hub", extra="hub")
    network = str(entry.network)
    card = registry_path().with_name(CARDS[network]).read_text(encoding="utf-8")
    results = [
        hub.EvalResult(
            task_type="audio-classification",
            task_name="linear probe",
            # results of one type would become one dataset
            dataset_type="synthetic-" + re.sub(r"\W+", "-", task.lower()).strip("-"),
            dataset_name=task,
            metric_type="mean average precision" if "mAP" in task else "accuracy",
            metric_value=score,
        )
        for task, score in _scores(card, _RESULTS.get(network, ""))
    ]
    metadata = hub.ModelCardData(
        license=LICENCES[entry.licence],
        library_name="hear-openl3-yamnet",
        pipeline_tag="feature-extraction",
        tags=["audio", "embeddings", "HEAR", "keras"],
        model_name=entry.name,
        eval_results=results or None,
    )
    text = _LINK.sub(r"\1", card)  # links to other files of the source lead nowhere there
    return f"---\n{metadata.to_yaml()}\n---\n\n{_USE.format(name=entry.name)}\n{text}"


def _scores(card: str, column: str) -> Iterator[tuple[str, float]]:
    """Yield (task, score) of a column of the card's tables of tasks."""
    index = None
    for line in card.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "task":
            index = cells.index(column) if column in cells else None
        elif not line.startswith("|"):
            index = None
        elif index is not None and cells[0] != "mean" and not cells[0].startswith("---"):
            yield cells[0], float(cells[index])


_USE = """\
# {name}

For the package hear-openl3-yamnet. Download this repository into a folder, and load it:

```
hf download OWNER/{name} --local-dir {name}
```

```python
from hear_openl3_yamnet import load_model

model = load_model("{name}/config.json")
```
"""
