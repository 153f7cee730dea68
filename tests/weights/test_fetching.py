"""Downloads from a server that misbehaves: the cache has a verified file or none."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hear_openl3_yamnet.errors import (
    HearError,
    OptionError,
    WeightsCacheError,
    WeightsDownloadError,
    WeightsIntegrityError,
    WeightsNotFoundError,
)
from hear_openl3_yamnet.files import is_partial
from hear_openl3_yamnet.weights import finding
from hear_openl3_yamnet.weights.download import PATIENCE, Patience
from hear_openl3_yamnet.weights.receipts import content_digest
from hear_openl3_yamnet.weights.registry import load_registry

from .seeded_registry import HASTE, PACKED, PACKED_PINNED, visible

OPENL3, PINNED = "openl3-mel128-env", "openl3-mel256-music"

FETCH = """
import sys
from hear_openl3_yamnet.weights.download import Patience
from hear_openl3_yamnet.weights.finding import fetch
print(fetch(sys.argv[1], mirror=sys.argv[2], patience=Patience(5, 5, (0.1,))))
"""


def start_fetch(name: str, mirror: str, **how) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, name, mirror],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **how,
    )


def assert_whole(cache: Path, published: Path, served: str) -> None:
    """The cache holds this file, unpacked, with its receipt, and nothing else."""
    file = served.removesuffix(".gz")
    assert visible(cache) == [file, f"{file}.json"]
    data = (published / served).read_bytes()
    assert (cache / file).read_bytes() == (
        gzip.decompress(data) if served.endswith(".gz") else data
    )


@pytest.mark.parametrize(
    ("name", "served"), [("yamnet", "yamnet.h5"), (OPENL3, PACKED), (PINNED, PACKED_PINNED)]
)
@pytest.mark.parametrize("behaviour", ["good", "redirect", "failing-twice"])
def test_a_file_is_fetched_whole(behaviour, name, served, registry, server, cache, published):
    server.requests.clear()
    path = finding.fetch(name, mirror=f"{server.address}/{behaviour}", patience=HASTE)
    assert path == cache / served.removesuffix(".gz")
    assert_whole(cache, published, served)
    assert finding.find(name) == path
    assert finding.weights_id(path) == f"published:{name}@{content_digest(path)}"
    assert server.requests[behaviour] == (3 if behaviour == "failing-twice" else 1)


def test_a_verified_file_is_not_fetched_again(registry, server, cache):
    finding.fetch(OPENL3)
    server.requests.clear()
    assert finding.fetch(OPENL3) == finding.locate(OPENL3)
    assert not server.requests


@pytest.mark.parametrize("name", ["yamnet", OPENL3])
@pytest.mark.parametrize("behaviour", ["wrong", "short"])
def test_a_wrong_digest_deletes_the_download(behaviour, name, registry, server, cache):
    expected = load_registry()[name].digests[0]
    server.requests.clear()
    with pytest.raises(WeightsIntegrityError) as caught:
        finding.fetch(name, mirror=f"{server.address}/{behaviour}", patience=HASTE)
    message = str(caught.value)
    kind = expected.partition(":")[0]
    assert f"expected: {expected}" in message
    assert f"found:    {kind}:" in message
    assert visible(cache) == []
    assert server.requests[behaviour] == 1


def test_unpacked_content_is_compared_with_its_own_digest(registry, cache):
    files = json.loads(registry.read_text())
    files["files"][PINNED]["content_sha256"] = "0" * 64
    registry.write_text(json.dumps(files))
    with pytest.raises(WeightsIntegrityError, match="expected: sha256:000"):
        finding.fetch(PINNED)
    assert visible(cache) == []


@pytest.mark.parametrize(
    ("behaviour", "requests", "cause"),
    [
        ("missing", 1, "404"),
        ("truncated", 3, "ended before the file did"),
        ("cut", 3, "ended before|no connection"),
        ("stall", 3, "silent for 1 s"),
        ("silent", 3, "silent for 1 s"),
    ],
)
def test_a_failed_download_leaves_nothing(behaviour, requests, cause, registry, server, cache):
    server.requests.clear()
    with pytest.raises(WeightsDownloadError, match=cause) as caught:
        finding.fetch("yamnet", mirror=f"{server.address}/{behaviour}", patience=HASTE)
    assert server.requests[behaviour] == requests
    assert f"try {requests} of 3" in str(caught.value)
    assert "weights import FILE" in str(caught.value)
    assert visible(cache) == []


def test_a_server_that_is_not_there(registry, cache):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        mirror = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(WeightsDownloadError, match="no connection"):
            finding.fetch("yamnet", mirror=mirror, patience=HASTE)
    assert visible(cache) == []


def test_a_server_that_takes_no_connection(registry, cache, monkeypatch):
    """Its queue of connections is full, and the machine does not answer."""
    pauses = []
    monkeypatch.setattr("hear_openl3_yamnet.weights.download.time.sleep", pauses.append)
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        patience = Patience(connect_s=0.3, read_s=5.0, pauses_s=(0.05, 0.1))
        mirror = f"http://127.0.0.1:{full.getsockname()[1]}"
        message = r"\(try 3 of 3\): no connection within 0\.3 s"
        with pytest.raises(WeightsDownloadError, match=message):
            finding.fetch("yamnet", mirror=mirror, patience=patience)
    assert pauses == [0.05, 0.1]
    assert visible(cache) == []


def test_the_patience_of_users():
    """10 s to connect, three tries, growing pauses."""
    assert PATIENCE.connect_s == 10.0
    assert len(PATIENCE.pauses_s) == 2
    assert PATIENCE.pauses_s[0] < PATIENCE.pauses_s[1]


def test_an_invalid_address(registry, cache):
    with pytest.raises(WeightsDownloadError, match="not a url"):
        finding.fetch("yamnet", mirror="not a url", patience=HASTE)
    assert visible(cache) == []


def test_a_download_has_a_largest_size(registry, server, cache, monkeypatch):
    monkeypatch.setattr("hear_openl3_yamnet.weights.download.MAX_WEIGHTS_BYTES", 1 << 20)
    with pytest.raises(WeightsDownloadError, match="these are not weights"):
        finding.fetch("yamnet", patience=HASTE)
    assert visible(cache) == []


def test_the_mirror_may_be_in_the_environment(registry, server, cache, monkeypatch):
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_MIRROR", f"{server.address}/missing/")
    with pytest.raises(WeightsDownloadError, match=r"/missing/yamnet\.h5"):
        finding.fetch("yamnet", patience=HASTE)


def test_locate_tells_the_places_and_the_command(registry, server, cache, monkeypatch):
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_MIRROR", f"{server.address}/missing")
    with pytest.raises(WeightsNotFoundError) as caught:
        finding.locate("yamnet")
    for part in (
        str(cache / "yamnet.h5"),
        f"{server.address}/missing/yamnet.h5",
        "404",
        "hear-openl3-yamnet weights fetch yamnet",
    ):
        assert part in str(caught.value)


def test_offline_never_touches_the_network(registry, server, cache, monkeypatch):
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_OFFLINE", "1")
    server.requests.clear()
    with pytest.raises(WeightsDownloadError, match="OFFLINE forbids the network"):
        finding.fetch("yamnet")
    with pytest.raises(WeightsNotFoundError, match="OFFLINE forbids the network"):
        finding.locate("yamnet")
    assert not server.requests
    assert visible(cache) == []


def test_offline_uses_what_is_there(registry, server, cache, monkeypatch):
    path = finding.fetch("yamnet")
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_OFFLINE", "1")
    assert finding.fetch("yamnet") == finding.locate("yamnet") == path


def test_an_unknown_name_lists_what_there_is(registry):
    with pytest.raises(OptionError, match="openl3-mel128-env, openl3-mel256-music, yamnet"):
        finding.fetch("openl3")


@pytest.mark.parametrize("name", ["yamnet", OPENL3])
def test_a_file_damaged_in_the_cache_is_fetched_again(name, registry, server, cache):
    path = finding.fetch(name)
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert finding.find(name) is None
    assert finding.fetch(name).read_bytes() == good


def test_a_file_from_digests_no_longer_listed_is_fetched_again(registry, server, cache):
    finding.fetch(OPENL3)
    files = json.loads(registry.read_text())
    files["files"][OPENL3]["digests"] = ["git:" + "0" * 40]
    registry.write_text(json.dumps(files))
    assert finding.find(OPENL3) is None
    with pytest.raises(WeightsIntegrityError):
        finding.fetch(OPENL3)


@pytest.mark.parametrize(
    ("processes", "name", "served"), [(2, "yamnet", "yamnet.h5"), (8, OPENL3, PACKED)]
)
def test_processes_at_once_end_with_one_good_file(
    processes, name, served, registry, server, cache, published
):
    server.requests.clear()
    running = [start_fetch(name, f"{server.address}/slow") for _ in range(processes)]
    outputs = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0] * processes, outputs
    assert {out.strip() for out, _ in outputs} == {str(cache / served.removesuffix(".gz"))}
    assert server.requests["slow"] == 1
    assert_whole(cache, published, served)


def test_killed_in_the_middle_of_a_download(registry, server, cache, published):
    server.started_body.clear()
    process = start_fetch("yamnet", f"{server.address}/stall")
    assert server.started_body.wait(30)
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert finding.find("yamnet") is None
    assert [name for name in visible(cache) if not name.startswith(".")] == []
    finding.fetch("yamnet")
    assert_whole(cache, published, "yamnet.h5")


KILLED_WHILE_UNPACKING = """
import os, signal, sys
from hear_openl3_yamnet.weights import placing
chunks_of = placing.content_blocks
def die_after_three(path):
    for number, chunk in enumerate(chunks_of(path)):
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        yield chunk
placing.content_blocks = die_after_three
from hear_openl3_yamnet.weights.finding import fetch
fetch(sys.argv[1])
"""


def test_killed_in_the_middle_of_unpacking(registry, server, cache, published):
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_UNPACKING, OPENL3])
    assert done.returncode == -signal.SIGKILL
    left = visible(cache)
    assert any(is_partial(cache / name) for name in left)
    assert [name for name in left if not name.startswith(".")] == []
    assert finding.find(OPENL3) is None
    finding.fetch(OPENL3)
    assert_whole(cache, published, PACKED)


def full_disk_limit() -> None:
    """Limit the files that this process writes to one megabyte."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


@pytest.mark.parametrize("name", ["yamnet", OPENL3])
def test_a_file_that_cannot_grow(name, registry, server, cache):
    process = start_fetch(name, f"{server.address}/good", preexec_fn=full_disk_limit)
    _, errors = process.communicate(timeout=60)
    assert "WeightsCacheError" in errors
    assert f"{cache} is full" in errors
    assert "HEAR_OPENL3_YAMNET_CACHE" in errors
    assert visible(cache) == []


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB, if this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting needs root; test_a_file_that_cannot_grow has the other kind")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", ["yamnet", OPENL3])
def test_a_full_disk(name, registry, server, small_disk, monkeypatch):
    cache = small_disk / "cache"
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(cache))
    with pytest.raises(WeightsCacheError, match="is full"):
        finding.fetch(name, patience=HASTE)
    assert visible(cache) == []


def test_a_disk_full_while_unpacking(registry, server, small_disk, published, monkeypatch):
    cache = small_disk / "cache"
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(cache))
    # room for the download, but not for all of its content
    size = 2 * (published / PACKED).stat().st_size - (1 << 20)
    subprocess.run(["mount", "-o", f"remount,size={size}", str(small_disk)], check=True)
    with pytest.raises(WeightsCacheError, match="is full"):
        finding.fetch(OPENL3, patience=HASTE)
    assert visible(cache) == []


def become_nobody() -> None:
    """Give up the rights of root, who may write everywhere."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


@pytest.fixture
def read_only_folder(monkeypatch):
    """A folder that other users can read. They cannot read the folders of pytest."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o555)
        yield path
        path.chmod(0o755)


@pytest.mark.parametrize("below", [False, True])
def test_a_read_only_cache(below, registry, server, read_only_folder, monkeypatch):
    cache = read_only_folder / "cache" if below else read_only_folder
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(cache))
    answer = fetch_as_nobody(registry)
    assert answer.startswith("WeightsCacheError")
    assert "is read-only" in answer
    assert "HEAR_OPENL3_YAMNET_CACHE" in answer
    assert visible(read_only_folder) == []


def test_a_read_only_cache_that_has_the_file(
    registry, server, read_only_folder, published, monkeypatch
):
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(read_only_folder))
    read_only_folder.chmod(0o755)
    path = finding.fetch("yamnet")
    path.chmod(0o444)
    read_only_folder.chmod(0o555)
    assert fetch_as_nobody(registry) == str(path)


def fetch_as_nobody(registry: Path) -> str:
    """Fetch YAMNet in a process without the rights of root."""
    # modules are loaded first, because others may not be able to read the interpreter's folder
    program = (
        "import os, sys, json, requests, pooch, tqdm, filelock, idna, encodings.idna\n"
        "import hear_openl3_yamnet.weights.finding as finding\n"
        "from hear_openl3_yamnet.errors import HearError\n"
        "from hear_openl3_yamnet.weights import registry\n"
        "listed = registry.load_registry()\n"
        "registry.load_registry = lambda: listed\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from tests.weights.test_fetching import become_nobody\n"
        "become_nobody()\n"
        "try:\n"
        "    print(finding.fetch('yamnet'))\n"
        "except HearError as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(Path(__file__).parents[2])],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_cache_folder_that_is_a_file(registry, server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("I am a file")
    for cache in (tmp_path / "file", tmp_path / "file" / "cache"):
        monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(cache))
        with pytest.raises(WeightsCacheError, match="is not a folder"):
            finding.fetch("yamnet")
    assert (tmp_path / "file").read_text() == "I am a file"


def test_every_behaviour_ends_whole_or_empty(registry, server, cache, published):
    """One cache for all behaviours, one after another: no failure affects the next download."""
    for behaviour in ("truncated", "wrong", "missing", "stall", "cut", "short"):
        with pytest.raises(HearError):
            finding.fetch(OPENL3, mirror=f"{server.address}/{behaviour}", patience=HASTE)
        assert visible(cache) == []
    finding.fetch(OPENL3)
    assert_whole(cache, published, PACKED)
    for behaviour in ("wrong", "missing"):  # without a request: the file is there
        finding.fetch(OPENL3, mirror=f"{server.address}/{behaviour}")
    assert_whole(cache, published, PACKED)


def test_waiting_for_another_process_ends(registry, server, cache, monkeypatch):
    from filelock import FileLock

    monkeypatch.setattr("hear_openl3_yamnet.weights.placing.LOCK_SECONDS", 0.2)
    cache.mkdir()
    with (
        FileLock(cache / ".yamnet.h5.lock"),
        pytest.raises(WeightsCacheError, match="another process has been writing"),
    ):
        finding.fetch("yamnet")
