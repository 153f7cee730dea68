"""What holds for all tests: none reads the user's own cache, none reaches for the network, and an
interrupt is an exception.

And the seeded models, each loaded once for the whole session.
"""

import functools
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # clients of PyTorch would choose their own

settings.register_profile("steady", deadline=None, derandomize=True)  # machines may be busy
settings.load_profile("steady")


@pytest.fixture(scope="session", autouse=True)
def _empty_cache_and_no_network(tmp_path_factory):
    # a test of downloads sets its own cache and deletes OFFLINE
    with pytest.MonkeyPatch.context() as environment:
        cache = tmp_path_factory.mktemp("cache")
        environment.setenv("HEAR_OPENL3_YAMNET_CACHE", str(cache))
        environment.setenv("HEAR_OPENL3_YAMNET_OFFLINE", "1")
        environment.delenv("HEAR_OPENL3_YAMNET_MIRROR", raising=False)
        environment.delenv("HEAR_OPENL3_YAMNET_REGISTRY", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _interrupts_are_raised():
    """A shell starts processes in the background with SIGINT ignored; Python then leaves it so."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def seeded_files(tmp_path_factory):
    """Weight files as published, with seed 7; their names tell no preset."""
    from tests.seeded_weights import write_openl3, write_yamnet

    folder = tmp_path_factory.mktemp("seeded")
    return {
        "openl3": write_openl3(folder / "bare.h5"),
        "openl3-kapre": write_openl3(folder / "kapre.h5", layout="kapre"),
        "yamnet": write_yamnet(folder / "patches.h5"),
    }


@pytest.fixture(scope="session")
def seeded_model(seeded_files):
    """Load a preset with its network's seeded weights; the same call gives the same model."""
    from hear_openl3_yamnet import load_model

    @functools.cache
    def load(name, **options):
        network = "yamnet" if "yamnet" in name else "openl3"
        return load_model(seeded_files[network], model=name, **options)

    return load


@pytest.fixture(scope="session")
def untrained_yamnet():
    """The quickest model there is."""
    from hear_openl3_yamnet import load_model

    return load_model(model="yamnet", weights="random:1")


@pytest.fixture(scope="session")
def shared():
    """Return the path of a file in ``shared``, beside the repository; skip the test without it."""

    def path(name):
        above = Path(__file__).parents
        found = [
            folder / "shared" / name for folder in above if (folder / "shared" / name).exists()
        ]
        return found[0] if found else pytest.skip(f"shared/{name} is not beside this repository")

    return path
