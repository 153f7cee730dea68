"""Check an installed package, in a fresh environment and an empty folder.

check_install.sh runs this here, and the release workflow on every system.

It appends a row with the installed versions and the time of an import to the table whose path is
its argument.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from importlib.metadata import version
from pathlib import Path

COLUMNS = ["tensorflow", "keras", "numpy", "librosa", "tensorflow-hub", "tf-keras", "setuptools"]
FRAMEWORKS = {"tensorflow", "keras", "tf_keras", "torch", "jax"}
TIMED_IMPORT = (
    "import time; began = time.process_time(); import hear_openl3_yamnet; "
    "print(time.process_time() - began)"
)


def seconds_of_import() -> float:
    """Return the fastest of five imports, each in its own process.

    Processor time is measured, because wall-clock time includes other processes.
    """
    command = [sys.executable, "-c", TIMED_IMPORT]
    return min(float(subprocess.check_output(command, text=True)) for _ in range(5))


def check_import() -> float:
    import hear_openl3_yamnet

    assert Path(sys.prefix) in Path(hear_openl3_yamnet.__file__).parents, "not the installed one"
    assert not FRAMEWORKS & set(sys.modules), f"imported {FRAMEWORKS & set(sys.modules)}"
    return seconds_of_import()


def check_embedding() -> None:
    import numpy as np
    import soundfile

    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 44_100)
    soundfile.write("noise.wav", noise, 44_100)
    untrained = ["--model", "yamnet", "--weights", "random:1"]
    for arguments, weights, size in ((untrained, "random:1", 1024), ([], "starter:", 512)):
        program = shutil.which("hear-openl3-yamnet", path=sysconfig.get_path("scripts"))
        assert program, "no command in the folder of scripts"
        command = [program, "embed", "noise.wav"]
        no_weights = {"HEAR_OPENL3_YAMNET_CACHE": "none", "HEAR_OPENL3_YAMNET_OFFLINE": "1"}
        environment = os.environ | no_weights
        subprocess.run([*command, "-o", "noise.npz", *arguments], check=True, env=environment)
        with np.load("noise.npz") as written:
            assert str(written["weights_id"]).startswith(weights), written["weights_id"]
            assert written["embeddings"].shape[-1] == size, written["embeddings"].shape
            assert np.isfinite(written["embeddings"]).all()


def check_hub() -> None:
    import keras
    import tensorflow as tf
    import tensorflow_hub as hub

    module = tf.Module()
    signature = [tf.TensorSpec([None], tf.float32)]
    module.double = tf.function(lambda x: 2 * x, input_signature=signature)
    tf.saved_model.save(module, "doubling")
    assert hub.load("doubling").double(tf.constant([1.5])).numpy() == [3.0]
    assert keras.__version__.startswith("3."), keras.__version__


def main(table: Path) -> None:
    began = time.perf_counter()
    seconds = check_import()
    check_embedding()
    check_hub()
    print(f"checked in {time.perf_counter() - began:.0f} s")
    row = [sys.version.split()[0], *map(version, COLUMNS), f"{seconds:.3f} s"]
    if not table.exists():
        header = ["Python", *COLUMNS, "import"]
        table.write_text(f"| {' | '.join(header)} |\n|{'---|' * len(header)}\n")
    with table.open("a") as file:
        file.write(f"| {' | '.join(row)} |\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
