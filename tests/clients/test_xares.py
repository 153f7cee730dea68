"""X-ARES itself checks the encoders."""

import pytest

pytest.importorskip("xares", reason="X-ARES is not installed: pip install xares==0.1.3")

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]


@pytest.mark.parametrize("name", ["YamnetStarterEncoder", "OpenL3LiteEncoder"])
def test_its_checker_passes(name):
    from xares.audio_encoder_checker import check_audio_encoder

    from hear_openl3_yamnet.integrations import xares

    assert check_audio_encoder(getattr(xares, name)())
