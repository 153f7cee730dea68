"""TFLite files give the weights that they were converted from; every fault is named."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from hear_openl3_yamnet import load_model
from hear_openl3_yamnet.backbones import folding, get_backbone, yamnet
from hear_openl3_yamnet.errors import WeightsFormatError
from hear_openl3_yamnet.export import export_model
from hear_openl3_yamnet.tagging import class_names, tag
from hear_openl3_yamnet.weights.convert import convert
from hear_openl3_yamnet.weights.formats.tflite import read_tflite
from hear_openl3_yamnet.weights.formats.tflite_graph import Tensor
from hear_openl3_yamnet.weights.reading import read_source, read_weights
from tests import seeded_audio
from tests.comparing import numpy

from .tflite_files import KINDS, dequantised_layers, write_tflite

EPSILON = 1e-3
N_CLASSES = 5
CHANNELS = (8, 32, 64)  # a converter leaves kernels of less than 1024 values as floats


def small_network(relu: float | None = None, outputs: str = "scores"):
    """Build YAMNet in three layers, batch norms apart.

    Parameters
    ----------
    relu : float, optional
        The largest value that a ReLU lets through.
    outputs : str
        ``scores``; ``embedding``; ``convolutions``: the scores and the result of each convolution
        without its norm, which keeps a converter from folding the norm into the convolution; or
        ``parallel``: the scores of a network whose third layer takes the first, and the second's
        result.
    """
    from keras import Input, Model, layers

    bare = []

    def finish(x, name):
        bare.append(x)
        norm = layers.BatchNormalization(scale=False, epsilon=EPSILON, name=f"{name}_norm")
        return layers.ReLU(relu)(norm(x))

    x = inputs = Input((24, 16, 1))
    for number, channels in enumerate(CHANNELS, start=1):
        conv = {"padding": "same", "use_bias": False}
        if number == 1:
            x = finish(layers.Conv2D(channels, 3, 2, name="layer1_conv", **conv)(x), "layer1_conv")
            first = x
            continue
        source = x
        if outputs == "parallel" and number == 3:
            source = layers.Concatenate()([first] * (CHANNELS[1] // CHANNELS[0]))
            bare = [x]
        name = f"layer{number}_depthwise"
        x = finish(layers.DepthwiseConv2D(3, name=name, **conv)(source), name)
        name = f"layer{number}_pointwise"
        x = finish(layers.Conv2D(channels, 1, name=name, **conv)(x), name)
    mean = layers.GlobalAveragePooling2D()(x)
    scores = layers.Dense(N_CLASSES, activation="sigmoid", name="predictions")(mean)
    also = {"convolutions": bare, "parallel": bare[:1]}.get(outputs, [])
    return Model(inputs, mean if outputs == "embedding" else [scores, *also])


def small_shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    before = 1
    for number, channels in enumerate(CHANNELS, start=1):
        kernels = {f"layer{number}_conv": (3, 3, 1, channels)}
        if number > 1:
            kernels = {
                f"layer{number}_depthwise": (3, 3, before, 1),
                f"layer{number}_pointwise": (1, 1, before, channels),
            }
        for name, kernel in kernels.items():
            size = kernel[2] if name.endswith("depthwise") else kernel[3]
            shapes[f"{name}/kernel"] = kernel
            for kind in ("beta", "moving_mean", "moving_variance"):
                shapes[f"{name}_norm/{kind}"] = (size,)
        before = channels
    shapes["predictions/kernel"] = (before, N_CLASSES)
    shapes["predictions/bias"] = (N_CLASSES,)
    return shapes


SHAPES = small_shapes()
LAYERS = [name.removesuffix("/kernel") for name in SHAPES if name.endswith("/kernel")]


def seeded(model):
    """Give a small network seeded weights, its norms included."""
    weights = folding.random_weights(SHAPES, 7)
    random = np.random.default_rng(1)
    for name, value in weights.items():
        if "norm" in name or name.endswith("bias"):
            weights[name] = np.exp(random.normal(0, 0.3, value.shape)).astype(np.float32)
    folding.set_keras_weights(model, weights)
    return model, weights


@pytest.fixture(scope="module")
def small_files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("small")
    model, _ = seeded(small_network())
    patches = np.random.default_rng(1).normal(-3, 2, (4, 24, 16, 1))
    return {kind: write_tflite(folder / f"{kind}.tflite", model, kind, patches) for kind in KINDS}


def read_small(path: Path) -> tuple[dict[str, np.ndarray], bool]:
    return read_tflite(path.read_bytes(), path, SHAPES, "the small network", EPSILON)


def folded(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Fold norms into kernels, as the backbones do."""
    found = {name: weights[name] for name in weights if name.startswith("predictions")}
    for name in LAYERS[:-1]:
        scale, offset = folding.batch_norm_affine(weights, f"{name}_norm", EPSILON)
        scale = scale[:, None] if name.endswith("depthwise") else scale
        found[f"{name}/kernel"], found[f"{name}/bias"] = weights[f"{name}/kernel"] * scale, offset
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_are_those_of_the_file_dequantised_in_numpy(kind, small_files):
    weights, quantised = read_small(small_files[kind])
    assert quantised == (kind in ("dynamic", "int8"))
    assert_dequantised(folded(weights), LAYERS, small_files[kind])


def assert_dequantised(weights, names: list[str], path: Path) -> None:
    layers = dequantised_layers(path)
    assert len(layers) == len(names)
    for name, (operator, kernel, bias) in zip(names, layers, strict=True):
        axes = (1, 0) if operator == "FULLY_CONNECTED" else (1, 2, 3, 0)
        kernel = kernel.transpose(axes)
        np.testing.assert_allclose(weights[f"{name}/kernel"], kernel, rtol=1e-6)
        np.testing.assert_allclose(weights[f"{name}/bias"], bias, rtol=1e-6, atol=1e-7)


STEPS = {"float32": 1e-6, "float16": 2.0**-11, "dynamic": 2.0**-7, "int8": 2.0**-7}
"""Half a step of a type, or of 1/127, relative to a kernel's largest value."""


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_are_those_that_were_converted(kind, small_files):
    expected = folded(seeded(small_network())[1])
    assert_equal_up_to(STEPS[kind], folded(read_small(small_files[kind])[0]), expected)


def assert_equal_up_to(step: float, found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for name, value in found.items():
        error = np.abs(value - expected[name]).max()
        assert error <= step * np.abs(expected[name]).max(), name


def test_batch_norms_that_are_not_folded(tmp_path):
    model, expected = seeded(small_network(outputs="convolutions"))
    path = write_tflite(tmp_path / "bare.tflite", model, "float32")
    kernel = dict(zip(LAYERS, dequantised_layers(path), strict=True))["layer3_pointwise"][1]
    published = expected["layer3_pointwise/kernel"].transpose(3, 0, 1, 2)
    np.testing.assert_array_equal(kernel, published)  # the converter left it as it was
    assert_equal_up_to(1e-6, folded(read_small(path)[0]), folded(expected))


def test_a_file_without_class_scores_has_zeros(tmp_path):
    model, expected = seeded(small_network(outputs="embedding"))
    weights, _ = read_small(write_tflite(tmp_path / "embedding.tflite", model, "float32"))
    scores = {name: np.zeros_like(w) for name, w in expected.items() if "predictions" in name}
    assert_equal_up_to(1e-6, folded(weights), folded({**expected, **scores}))


def refused(path: Path) -> str:
    with pytest.raises(WeightsFormatError) as caught:
        read_small(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_relu6_is_refused_with_its_reason(tmp_path):
    model, _ = seeded(small_network(relu=6.0))
    message = refused(write_tflite(tmp_path / "relu6.tflite", model, "float32"))
    assert "ReLU6" in message
    assert "another training" in message


def test_layers_that_do_not_follow_each_other_are_refused(tmp_path):
    model, _ = seeded(small_network(outputs="parallel"))
    assert "not computed from the layer before it" in refused(
        write_tflite(tmp_path / "parallel.tflite", model, "float32")
    )


def test_another_networks_file(small_files):
    with pytest.raises(WeightsFormatError, match="6 layers with weights; yamnet has 28"):
        read_weights(small_files["float32"], "yamnet")


def test_another_shape(small_files):
    shapes = {**SHAPES, "layer2_pointwise/kernel": (1, 1, 8, 33)}
    path = small_files["float32"]
    with pytest.raises(WeightsFormatError, match=r"\(1, 1, 8, 32\).*\(1, 1, 8, 33\)"):
        read_tflite(path.read_bytes(), path, shapes, "it", EPSILON)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file(share, small_files, tmp_path):
    path = tmp_path / "small.tflite"
    content = small_files["int8"].read_bytes()
    path.write_bytes(content[: max(8, int(share * len(content)))])
    assert "damaged" in refused(path)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_unsigned_bytes_with_a_zero_point(axis):
    """TensorFlow 1's converter wrote them; TensorFlow 2's writes signed bytes."""
    stored = np.arange(6, dtype=np.uint8).reshape(2, 3) + 120
    n = 1 if axis is None else stored.shape[axis]
    scale, zero = np.arange(1, n + 1, dtype=np.float32) / 4, np.arange(n) + 121
    tensor = Tensor("kernel", (2, 3), 3, stored.reshape(-1), scale, zero, axis or 0)
    shape = {None: (1, 1), 0: (2, 1), 1: (1, 3)}[axis]
    expected = (stored.astype(float) - zero.reshape(shape)) * scale.reshape(shape)
    assert tensor.is_quantised
    np.testing.assert_allclose(tensor.values(Path("a.tflite")), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": np.zeros(0)}, "0 scales"),
        ({"scale": np.ones(2), "zero_point": np.zeros(2), "axis": 1}, "2 scales along axis 1"),
        ({"scale": np.ones(2), "zero_point": np.zeros(2), "axis": 7}, "2 scales along axis 7"),
        ({"zero_point": np.zeros(3)}, "3 zero points"),
        ({"data": np.zeros(5, "u1")}, "has 5 bytes"),
        ({"type_code": 17}, "type 17"),
    ],
)
def test_a_tensor_that_lies(change, message):
    good = {"scale": np.ones(1), "zero_point": np.zeros(1), "axis": 0, "type_code": 9}
    good["data"] = np.zeros(6, "u1")
    with pytest.raises(WeightsFormatError, match=message):
        Tensor("kernel", (2, 3), **{**good, **change}).values(Path("a.tflite"))


@pytest.mark.parametrize(
    "preset", [pytest.param("openl3-mel128-starter", marks=pytest.mark.slow), "openl3-lite"]
)
def test_what_this_package_exports(preset, tmp_path):
    model = load_model(preset)
    export_model(model, tmp_path / "exported.tflite", "tflite")
    network = model.ensemble.networks[0].options.backbone.NAME
    tensors = model.ensemble.networks[0].encoder.tensors
    weights = get_backbone(network).fold(read_weights(tmp_path / "exported.tflite", network))
    assert_equal_up_to(1e-6, weights, {name: numpy(tensors[name]) for name in weights})


def test_the_id_says_that_weights_were_quantised_also_after_a_conversion(yamnet_8bit, tmp_path):
    assert load_model(yamnet_8bit).weights_id.startswith(f"quantised:{yamnet_8bit.name}@")
    provenance = convert(yamnet_8bit, tmp_path / "yamnet.safetensors", "yamnet")
    assert provenance["quantised"] == "yes"
    weights, weights_id = read_source(tmp_path / "yamnet.safetensors", "yamnet")
    assert weights_id.startswith("quantised:yamnet.safetensors@")
    for name, value in read_weights(yamnet_8bit, "yamnet").items():
        np.testing.assert_array_equal(weights[name], value)


@pytest.mark.parametrize("pattern", [0x7F800001, 0x7FC00000, 0x7F800000])
def test_a_value_that_is_not_finite_is_refused_without_a_warning(pattern, yamnet_8bit, tmp_path):
    """NumPy warns of the first one, a signalling NaN, where it converts it."""
    bias = read_weights(yamnet_8bit, "yamnet")["layer7_pointwise_norm/beta"].tobytes()
    content = yamnet_8bit.read_bytes()
    assert content.count(bias) == 1
    path = tmp_path / "damaged.tflite"
    path.write_bytes(content.replace(bias, pattern.to_bytes(4, "little") + bias[4:]))
    with pytest.raises(WeightsFormatError, match="NaN or infinity"):
        read_weights(path, "yamnet")


def test_labels_in_the_metadata_name_the_classes(yamnet_8bit, tmp_path):
    assert class_names(yamnet_8bit) == class_names()
    path = with_labels(tmp_path, yamnet_8bit, [f"class {i}" for i in range(521)])
    tags = tag(load_model(path, model="yamnet"), seeded_audio.clip("notes", 16_000, 1.0))
    assert tags.names[520] == "class 520"


def test_labels_of_another_number_are_refused(yamnet_8bit, tmp_path):
    path = with_labels(tmp_path, yamnet_8bit, ["Speech", "Music"])
    with pytest.raises(WeightsFormatError, match=r"2 names\. Expected one of 521"):
        class_names(path)


def with_labels(folder: Path, file: Path, labels: list[str]) -> Path:
    path = folder / "labelled.tflite"
    path.write_bytes(file.read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", "\n".join(labels))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_yamnet(kind, seeded_yamnet, tmp_path):
    model, weights = seeded_yamnet
    patches = np.random.default_rng(1).normal(-3, 2, (4, *model.input_shape[1:]))
    path = write_tflite(tmp_path / "yamnet.tflite", model, kind, patches)
    found = yamnet.fold(read_weights(path, "yamnet"))
    names = [*yamnet.CONVOLUTIONS, "predictions"]
    assert_dequantised(found, names, path)
    assert_equal_up_to(STEPS[kind], found, yamnet.fold(weights))
