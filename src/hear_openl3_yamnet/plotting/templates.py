"""Templates of HTML pages, and the hashes by which a page's policy permits its own scripts."""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files


def filled(name: str, content: Mapping[str, str]) -> str:
    """Return a template with ``@@key@@`` replaced by the content of that key."""
    # one pass: what is inserted is not searched for places
    pieces = resource(name).split("@@")
    return "".join(content[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def resource(name: str) -> str:
    """Return the text of a file of this room."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def source_hash(text: str) -> str:
    """Return the source expression of a script or a style for a Content-Security-Policy."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"
