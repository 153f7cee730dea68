"""What is crossed: presets and heads, by name or by options."""

import pytest

from hear_openl3_yamnet.errors import OptionError
from hear_openl3_yamnet.study.variants import (
    DEFAULT_HEADS,
    FLOOR,
    available_presets,
    default_preset,
    head_options,
    split_words,
    variants,
)

STARTERS = ["openl3-mel128-starter", "yamnet-starter"]


def names(models, heads=DEFAULT_HEADS, **options):
    return [variant.name for variant in variants(models, heads, **options)]


def test_by_default_it_crosses_the_presets_whose_weights_are_on_this_machine():
    assert [name for name in available_presets() if name in STARTERS] == STARTERS
    assert not {"openl3-mel256-music", "yamnet", "hear2021-yamnet"} & set(available_presets())
    assert default_preset() == "holistic"


def test_each_model_has_all_heads():
    assert names(STARTERS) == [
        FLOOR,
        "openl3-mel128-starter: published",
        "openl3-mel128-starter: mean",
        "openl3-mel128-starter: mean+std",
        "openl3-mel128-starter: fusion",
        "openl3-mel128-starter: published+logmel",
        "yamnet-starter: published",
        "yamnet-starter: max",
        "yamnet-starter: mean+std",
        "yamnet-starter: fusion",
        "yamnet-starter: published+logmel",
    ]


def test_equal_heads_are_one():
    """OpenL3's published head is the maximum, YAMNet's the mean."""
    assert names(STARTERS, ["published", "max", "pooling=max"]) == [
        FLOOR,
        "openl3-mel128-starter: published",
        "yamnet-starter: published",
        "yamnet-starter: max",
    ]


def test_heads_are_options_of_load_model():
    assert head_options("published") == {}
    assert head_options("fusion") == {"pooling": "fusion"}
    assert head_options("layer12") == {"layers": ["layer12"]}
    assert head_options('layers=["layer7", "layer12"],pooling=max,grid=["all",1]') == {
        "layers": ["layer7", "layer12"],
        "pooling": "max",
        "grid": ["all", 1],
    }
    assert head_options("layers=layer12,scene_hop_size=250") == {
        "layers": "layer12",
        "scene_hop_size": 250,
    }


def test_sizes_and_hops_are_load_models():
    found = {v.name: v for v in variants(STARTERS, [*DEFAULT_HEADS, "scene_pooling=percentiles"])}
    sizes = {name: variant.size(of_events=False) for name, variant in found.items()}
    assert sizes[FLOOR] == 256
    assert sizes["openl3-mel128-starter: published"] == 512
    assert sizes["yamnet-starter: mean+std"] == 2048
    assert sizes["yamnet-starter: published+logmel"] == 1024 + 2 * 64
    assert sizes["yamnet-starter: scene_pooling=percentiles"] == 3072
    assert found["yamnet-starter: max"].keywords == {
        "model": "yamnet-starter",
        "pooling": "max",
    }
    timed = variants(["yamnet-starter"], of_events=True)
    assert timed[1].keywords["hop_size"] == pytest.approx(80.667, abs=0.001)
    assert [variant.size(of_events=True) for variant in timed[:2]] == [128, 1024]


def test_ensembles_are_models_too():
    pair = "+".join(STARTERS)
    published, beside = variants([pair], ["published", "published+logmel"])[1:]
    assert [network.model for network in published.networks] == STARTERS
    assert published.size(of_events=False) == 512 + 1024
    assert beside.size(of_events=False) == 512 + 2 * 128 + 1024 + 2 * 64


def test_a_head_that_suits_one_network_alone_is_left_out_for_the_other():
    assert names(STARTERS, ["layer12"]) == [FLOOR, "yamnet-starter: layer12"]


@pytest.mark.parametrize(
    ("models", "heads", "match"),
    [
        (["yamnit"], ["max"], "no preset of that name"),
        (["yamnet-starter"], ["block3"], "layers must be one of"),
        (["yamnet-starter"], ["best"], "A head is one of published, .*Received: 'best'"),
        (["yamnet-starter"], ["pool=max"], "keys of load_model.*Received: 'pool=max'"),
        (["yamnet-starter"], ["pooling=best"], "pooling must be one of"),
    ],
)
def test_what_does_not_exist_is_refused(models, heads, match):
    with pytest.raises(OptionError, match=match):
        variants(models, heads)


def test_lists_are_split_at_spaces_outside_brackets_and_quotes():
    assert split_words('max  layers=["layer7", "layer12"],pooling=max "a b" ') == [
        "max",
        'layers=["layer7", "layer12"],pooling=max',
        '"a b"',
    ]


def test_weights_of_a_head_are_found_from_another_folder(tmp_path, monkeypatch):
    (tmp_path / "own.h5").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert head_options("weights=own.h5")["weights"] == str(tmp_path / "own.h5")
    assert head_options("weights=random:1")["weights"] == "random:1"
