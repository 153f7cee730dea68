"""Models for suites that are written for PyTorch: X-ARES, ARCH and EVAR, by their contracts.

ARCH and EVAR are not on PyPI. tests/clients/test_xares.py has the real X-ARES.
"""

import os

import numpy as np
import pytest

from hear_openl3_yamnet import OptionError, embed
from tests import seeded_audio
from tests.comparing import assert_close

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from hear_openl3_yamnet.integrations import evar, xares  # noqa: E402
from hear_openl3_yamnet.integrations.arch import ArchModel  # noqa: E402

pytestmark = pytest.mark.backends

RATE = 16000
CHEAP = {"weights": "random:1", "layers": "layer1", "window_size": 25}


@pytest.fixture(scope="module")
def clips():
    return np.stack([seeded_audio.clip(name, RATE, 0.3) for name in ("notes", "noise")])


@pytest.fixture(scope="module")
def encoder():
    class CheapEncoder(xares.YamnetEncoder):
        options = CHEAP

    return CheapEncoder()


def test_an_encoder_of_xares_embeds_at_its_hop(encoder, clips):
    assert isinstance(encoder, torch.nn.Module)
    assert (encoder.sampling_rate, encoder.output_dim, encoder.hop_size_in_ms) == (RATE, 32, 40)
    got = encoder(torch.from_numpy(clips))
    assert isinstance(got, torch.Tensor)
    assert_close(got.numpy(), np.stack(embed(clips, encoder.model, timestamps=True)[0]), 1e-5)
    assert got.shape == (2, round(300 / 40), 32)


def test_a_network_moves_with_its_module_on_pytorch(encoder):
    moved = encoder.to("cpu")
    assert moved is encoder
    own = os.environ.get("KERAS_BACKEND") == "torch"
    assert isinstance(encoder.model, torch.nn.Module) == own


def test_there_is_a_class_for_each_preset():
    named = {
        "OpenL3Mel256Music": "openl3-mel256-music",
        "OpenL3Lite": "openl3-lite",
        "YamnetStarter": "yamnet-starter",
        "Hear2021OpenL3": "hear2021-openl3",
    }
    for name, preset in named.items():
        assert getattr(xares, f"{name}Encoder").preset == preset
        assert getattr(evar, f"AR_{name}").preset == preset
    assert xares.YamnetEncoder.__name__ == "YamnetEncoder"
    assert xares.YamnetEncoder is xares.YamnetEncoder
    with pytest.raises(AttributeError, match=r"Classes of the presets: .*YamnetEncoder"):
        _ = xares.YamentEncoder


def test_a_model_of_arch_takes_one_clip(clips):
    model = ArchModel("yamnet", **CHEAP)
    assert model.get_sampling_rate() == RATE
    scene = model.get_embeddings(clips[0])
    assert scene.shape == (model.get_classification_embedding_size(),)
    assert_close(scene.numpy()[None], embed(clips[0], model.model)[None], 1e-5)
    tokens = model.get_token_embeddings(clips[0], frame_length_ms=20)
    assert tokens.shape == (15, model.get_token_embedding_size())


def test_a_representation_of_evar_has_frames_and_scenes(clips):
    class AR_Cheap(evar.AR_Yamnet):  # noqa: N801 (as EVAR names them)
        options = CHEAP

    representation = AR_Cheap({"sample_rate": RATE, "id": "AR_Cheap"})
    batch = torch.from_numpy(clips)
    representation.precompute("cpu", [batch])
    assert representation.encode_frames(batch).shape == (2, 32, 8)
    assert_close(representation(batch).numpy(), embed(clips, representation.model), 1e-5)
    with pytest.raises(OptionError, match=r"at 16000 Hz.*Received: sample_rate=22050"):
        AR_Cheap({"sample_rate": 22050})
