"""MTEB itself runs the presets: its mock tasks, and ESC-50's task on files made on disk."""

import importlib.util
import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet import embed, list_presets
from hear_openl3_yamnet.config.presets import PRESETS
from tests import seeded_audio
from tests.code_blocks import DOCS, script_of
from tests.comparing import assert_close

mteb = pytest.importorskip("mteb", reason="MTEB is not installed; scripts/test_clients.sh has it")

from hear_openl3_yamnet.integrations.mteb import ORGANISATION, model_meta, register  # noqa: E402

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def encoder():
    return model_meta("yamnet-starter").load_model(device="cpu")


@pytest.mark.parametrize("preset", ["openl3-lite", "yamnet-starter"])
def test_the_mock_run_of_the_command_line_passes(preset, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "hear_openl3_yamnet.integrations.mteb",
            "mock-run",
            "-m",
            f"{ORGANISATION}/{preset}",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "passed all expected checks" in done.stdout
    report = (tmp_path / "mteb_mock_run_results.md").read_text("utf-8")
    assert report.count("| audio | ✓ |") >= 4, report
    assert "✗" not in report
    assert "skipped |" not in report.split("## Summary")[0]


def test_every_preset_has_valid_facts():
    register()
    for preset in list_presets():
        meta = mteb.get_model_meta(f"{ORGANISATION}/{preset}")
        assert meta == model_meta(preset)
        assert meta.modalities == ["audio"]
        starter = PRESETS[preset].weights_name == PRESETS[preset].starter_name
        assert meta.training_datasets == (set() if starter else {"AudioSetMini"})


def test_a_batch_may_have_any_lengths_and_rates(encoder):
    clips = [(0.3, 16000), (2.0, 44100), (0.05, 8000)]
    sounds = [seeded_audio.clip("notes", rate, seconds) for seconds, rate in clips]
    rows = [
        {"array": sound, "sampling_rate": rate}
        for sound, (_, rate) in zip(sounds, clips, strict=True)
    ]
    batches = [{"audio": rows[:2]}, {"audio": rows[2:]}]
    got = encoder.encode(batches, show_progress_bar=False)
    alone = np.stack([embed(row, encoder.model) for row in rows])
    assert_close(got, alone, 1e-5)
    assert got.shape == (3, encoder.mteb_model_meta.embed_dim)


def test_the_script_of_the_page_runs_a_task_on_files(tmp_path):
    """ESC-50's task of MTEB, with forty files in place of its own: tones and noises."""
    folder = tmp_path / "recordings" / "train"
    folder.mkdir(parents=True)
    lines = ["file_name,target"]
    rng = np.random.default_rng(1)
    for number in range(40):
        label, rate = number % 2, (16000, 22050)[number % 3 == 0]
        t = np.arange(rate // (1 + number % 3)) / rate
        tone = np.sin(2 * np.pi * rng.uniform(300, 3000) * t)
        soundfile.write(
            folder / f"{number}.wav", 0.3 * (tone if label else rng.uniform(-1, 1, len(t))), rate
        )
        lines.append(f"{number}.wav,{label}")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    script = script_of("integrations/mteb.md", "own.py")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = re.search(r"^ESC50: accuracy ([\d.]+)$", done.stdout, re.MULTILINE)
    assert printed, done.stdout
    assert float(printed[1]) > 0.9


def test_the_file_to_submit_agrees_with_the_package():
    path = DOCS / "integrations" / "openl3_models.py"
    spec = importlib.util.spec_from_file_location("openl3_models", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    metas = [one for one in vars(module).values() if isinstance(one, mteb.models.ModelMeta)]
    published = {name for name in list_presets() if name.startswith("openl3-")}
    published -= {"openl3-mel128-starter", "openl3-lite"}
    assert {meta.name.removeprefix("marl/") for meta in metas} == published
    for meta in metas:
        own = model_meta(meta.name.removeprefix("marl/")).model_dump(exclude={"loader"})
        own |= {"name": meta.name, "extra_requirements_groups": ["openl3"]}
        assert meta.model_dump(exclude={"loader"}) == own
