"""Three Ray nodes: a driver, an actor and a node are killed, and every file has its row once.

The nodes are on this machine, each with two CPUs for Ray and about the smallest object store that
it takes. So the actor of a lost node finds room on another one. The command is the one of
docs/corpora.md.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
import soundfile

from hear_openl3_yamnet.corpora import embed_corpus, load_corpus
from hear_openl3_yamnet.corpora.shards import shard_paths
from hear_openl3_yamnet.files import is_partial
from tests.comparing import assert_close
from tests.corpora.test_corpora_ray import actors
from tests.seeded_audio import clip

ray = pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of Ray
    pytest.mark.skipif(sys.platform != "linux", reason="it looks for actors in /proc"),
]

N_FILES = 96
SECONDS = 20  # 2 MB of timestamp embeddings each
SHARD_ROWS = 4
OBJECT_STORE = 80 * 2**20  # less than half of all embeddings


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for i in range(N_FILES):
        sound = 0.5 * clip("notes", 16_000, SECONDS, seed=i)
        soundfile.write(folder / f"{i:02d}.wav", sound, 16_000)
    (folder / "99.wav").touch()
    return folder


@pytest.fixture
def cluster():
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 2, "object_store_memory": OBJECT_STORE}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        for _ in range(2):
            cluster.add_node(**node)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        cluster.shutdown()


def start(files, out, cluster) -> subprocess.Popen:
    command = [sys.executable, "-m", "hear_openl3_yamnet", "corpus", "embed", files, out]
    command += ["--model", "yamnet", "--weights", "random:1", "--both"]
    command += ["--shard-rows", SHARD_ROWS, "--engine", "ray", "--address", "auto", "--workers", 3]
    environment = {**os.environ, "RAY_ADDRESS": cluster.address}
    with open(f"{out}.log", "ab") as log:
        return subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, env=environment)


def wait_for_shards(run, out: Path, n_shards: int) -> None:
    while run.poll() is None and (not out.exists() or len(shard_paths(out)) < n_shards):
        time.sleep(0.05)


def watch(peaks: dict[int, int], stop: threading.Event) -> None:
    """Note the largest resident memory of each actor [KB]."""
    while not stop.wait(0.2):
        for pid in actors():
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue  # it ended meanwhile
            if "VmHWM" in status:
                peaks[pid] = int(status.partition("VmHWM:")[2].split()[0])


def flat(column, depth: int) -> np.ndarray:
    """Return all numbers of nested lists; lists of Python would take minutes."""
    for _ in range(depth):
        column = pc.list_flatten(column)
    return np.asarray(column)


def test_a_driver_an_actor_and_a_node_are_killed(files, cluster, untrained_yamnet, tmp_path):
    out, local = tmp_path / "ray", tmp_path / "local"
    peaks: dict[int, int] = {}
    ended = threading.Event()
    threading.Thread(target=watch, args=(peaks, ended), daemon=True).start()
    run = start(files, out, cluster)
    wait_for_shards(run, out, 3)
    run.send_signal(signal.SIGKILL)
    run.wait()
    n_before = len(shard_paths(out))
    assert 3 <= n_before < N_FILES // SHARD_ROWS

    run = start(files, out, cluster)
    wait_for_shards(run, out, n_before + 3)
    os.kill(actors()[0], signal.SIGKILL)
    wait_for_shards(run, out, n_before + 6)
    cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
    status = run.wait()
    ended.set()
    said = Path(f"{out}.log").read_text()
    assert status == 1, said  # one file is empty
    assert f"1 files in {out} failed" in said
    print(f"{n_before} shards before the driver was killed; peaks [MB]:",
          sorted(peak // 1024 for peak in peaks.values()))  # fmt: skip
    assert max(peaks.values()) < 1_500_000

    embed_corpus(files, local, untrained_yamnet, outputs="both")
    found, direct = (load_corpus(place).table.sort_by("id") for place in (out, local))
    assert len(found) == len(set(found["id"].to_pylist())) == N_FILES + 1
    plain = [name for name in found.column_names if name not in ("scene", "embeddings")]
    assert found.select(plain).equals(direct.select(plain))
    for name, depth in (("scene", 1), ("embeddings", 2)):
        assert_close(*(flat(table[name], depth) for table in (found, direct)), 1e-5)
    assert not [path for path in out.iterdir() if is_partial(path)]
    again = embed_corpus(files, out, untrained_yamnet, outputs="both")
    assert (again.done_before, again.embedded, again.failed) == (N_FILES + 1, 0, 0)


def test_a_fault_of_the_machine_ends_the_run_with_its_own_error(files, cluster, tmp_path):
    out = tmp_path / "ray"
    out.mkdir()
    run = start(files, out, cluster)
    while run.poll() is None and not (out / ".run").exists():
        time.sleep(0.05)
    (out / ".run").write_text("of a later run")
    assert run.wait() == 1
    assert f"Error: {out}: a later run writes there" in Path(f"{out}.log").read_text()
    assert shard_paths(out) == []
