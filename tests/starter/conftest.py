"""A tiny bank of clips, which needs no installed program."""

import pytest

from scripts.starter import render, sounds

FAMILIES = ("events", "synthetic_notes", "backgrounds")


@pytest.fixture(scope="session")
def tiny_bank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bank")
    with pytest.MonkeyPatch.context() as patch:
        for name in FAMILIES:
            family = sounds.FAMILIES[name]
            patch.setitem(sounds.FAMILIES, name, family._replace(n_clips=12))
            render.render_block((folder, name, 0, 0))
    return folder
