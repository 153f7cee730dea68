"""A map of scenes as one HTML file, which loads nothing except sounds that are linked."""

from __future__ import annotations

import html
import json
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from ..files import written_whole
from .axes import COLOUR_MAP
from .groups import GREY, as_numbers, group, is_scale
from .scene_map import SceneMap
from .sounds import Sounds, sounds_of_page
from .templates import filled, resource, source_hash

_STEPS = 16  # colours of the scale in the legend


def write_page(scene_map: SceneMap, path: Path, title: str, embed_below: float = 20e6) -> Sounds:
    """Write a map as an HTML page, with its sounds inside or linked.

    Parameters
    ----------
    scene_map : SceneMap
    path : Path
        The page. An existing file is replaced.
    title : str
    embed_below : float
        The sounds are put into the page if they take at most so many bytes. Otherwise they are
        linked.

    Returns
    -------
    Sounds
        The sounds of the page.

    Raises
    ------
    OSError
        If the folder cannot be written to, or the disk is full.
    """
    place = (scene_map.paths, scene_map.starts, scene_map.durations)
    sounds = sounds_of_page(*place, path, embed_below)
    with written_whole(path) as partial:
        partial.write_text(build_page(scene_map, sounds, title), encoding="utf-8")
    return sounds


def build_page(scene_map: SceneMap, sounds: Sounds, title: str) -> str:
    """Return a page with points that show what they are, and that play when they are clicked.

    Names and labels come from file names and manifests, which anybody may have written. They are
    stored as JSON that cannot end an HTML element, they are shown as text only, and the policy of
    the page permits no other script.

    Parameters
    ----------
    scene_map : SceneMap
    sounds : Sounds
        The sounds of the points.
    title : str

    Returns
    -------
    str
        HTML. The same arguments give the same page.
    """
    script, style = resource("page.js"), resource("page.css")
    content = {
        "title": html.escape(title),
        "policy": (
            f"default-src 'none'; script-src '{source_hash(script)}'; "
            f"style-src '{source_hash(style)}'; "
            "media-src 'self' data: file:; base-uri 'none'; form-action 'none'"
        ),
        "style": style,
        "script": script,
        "data": _json_in_html(_content(scene_map, sounds, title)),
    }
    return filled("page.html", content)


def _content(scene_map: SceneMap, sounds: Sounds, title: str) -> dict[str, Any]:
    """Return the data of the script as JSON types."""
    planes = {
        name: {"x": _rounded(plane.points[:, 0]), "y": _rounded(plane.points[:, 1])}
        | {"axes": plane.axes}
        for name, plane in scene_map.projections.items()
    }
    return {
        "title": title,
        "source": scene_map.source,
        "planes": planes,
        "ids": scene_map.ids,
        "label": scene_map.label,
        "labels": ["" if label is None else str(label) for label in scene_map.labels],
        **_colouring(scene_map.labels),
        "sounds": sounds.addresses,
        "sound": sounds.of,
        "starts": sounds.starts,
        "ends": sounds.ends,
        # a page that is sent to others shows no folders
        "paths": [PurePath(path).name if sounds.embedded else path for path in scene_map.paths],
    }


def _colouring(labels: list[Any]) -> dict[str, Any]:
    """Return groups with colours and marks, or a scale with a colour for each point."""
    of = np.zeros(len(labels), int)
    if is_scale(labels):
        values = as_numbers(labels)
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        within = (values - low) / ((high - low) or 1.0)
        scale = {"low": f"{low:g}", "high": f"{high:g}", "steps": _hex(np.linspace(0, 1, _STEPS))}
        return {"groups": [], "group": of.tolist(), "colours": _hex(within), "scale": scale}
    groups = group(labels)
    for number, found in enumerate(groups):
        of[found.members] = number
    looks = [
        {"name": found.name, "colour": found.colour, "mark": found.mark, "n": len(found.members)}
        for found in groups
    ]
    return {"groups": looks, "group": of.tolist(), "colours": None, "scale": None}


def _hex(values: np.ndarray) -> list[str]:
    """Return the colours of numbers in [0, 1], grey for NaN."""
    import matplotlib
    from matplotlib.colors import to_hex

    colour_map = matplotlib.colormaps[COLOUR_MAP]
    return [GREY if np.isnan(value) else to_hex(colour_map(float(value))) for value in values]


def _rounded(values: np.ndarray) -> list[float]:
    """Return coordinates with the digits that a screen can show at the largest zoom."""
    return [float(f"{value:.7g}") for value in values]


def _json_in_html(content: dict[str, Any]) -> str:
    r"""Return JSON in which ``<``, ``>`` and ``&`` are escaped, such as ``\u003c``."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
