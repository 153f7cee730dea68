"""The sizes in docs/heads.md are those of the code."""

import re
from pathlib import Path

import pytest

from hear_openl3_yamnet import OptionError
from hear_openl3_yamnet.config import geometry
from hear_openl3_yamnet.config.configuring import configure

PAGE = Path(__file__).parents[2] / "docs" / "heads.md"
ROWS = re.findall(r"^\| `(\S.*?)` \| .*? \| (\d+|–) \| (\d+|–) \|", PAGE.read_text("utf-8"), re.M)


def test_rows_are_found():
    assert len(ROWS) == 25
    assert {"pooling", "grid", "time", "layers", "scene_pooling"} == {
        option.split("=")[0] for option, *_ in ROWS
    }


@pytest.mark.parametrize(("options", "openl3", "yamnet"), ROWS)
def test_sizes(options, openl3, yamnet):
    options = eval(f"dict({options})")
    for preset, size in (("openl3-mel256-music", openl3), ("yamnet", yamnet)):
        if size == "–":
            with pytest.raises(OptionError):
                configure(preset, **options)
        else:
            assert geometry.scene_embedding_size(configure(preset, **options)) == int(size)
