"""Texts in pictures: what describes a model, and names that matplotlib must not interpret."""

import re


def describe(name: str, weights_id: str) -> str:
    """Return the preset and the weights of a model, with digests cut to 12 digits."""
    return f"{name}, weights " + re.sub(r"(@[0-9a-f]{12})[0-9a-f]+", r"\1…", weights_id)


def plain_text(text: str) -> str:
    """Return a name that matplotlib can draw, and reads neither as mathematics nor as hidden.

    A label that begins with ``_`` is hidden. Bytes of a name that are not UTF-8 are escaped.
    """
    text = text.encode("utf-8", "backslashreplace").decode().replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text
