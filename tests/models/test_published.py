"""The authors' Keras 2 weights: the golden case, and what is refused."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from napari_amseg import load_bundle, read_stack
from napari_amseg.models import build
from napari_amseg.models.backend import keras
from napari_amseg.models.published import import_weights, read_keras2_weights


@pytest.fixture(scope="module")
def imported(golden, tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported") / "bundle"
    import_weights(golden / "amsegnet_keras2.hdf5", architecture="amsegnet", folder=folder)
    return load_bundle(folder)


def test_golden_case(golden, imported):
    expected = np.load(golden / "amsegnet_keras2_softmax.npy")
    frame = imported.card.chain.apply(read_stack(golden / "input.png"))[0]
    softmax = imported.model.predict(frame[None, ..., None], verbose=0)
    assert abs(softmax - expected.astype(np.float32)).max() < 2e-3
    # The expected softmax is float16: its ties are ties of that precision.
    agree = softmax.astype(np.float16).argmax(-1) == expected.argmax(-1)
    assert agree.mean() > 0.9999


@pytest.mark.parametrize("kept", [1000, 0.5, 0.999])
def test_truncated_weights_are_refused(golden, tmp_path, kept):
    data = (golden / "amsegnet_keras2.hdf5").read_bytes()
    path = tmp_path / "cut.hdf5"
    path.write_bytes(data[: int(kept if kept > 1 else kept * len(data))])
    with pytest.raises(ValueError, match="truncated or damaged"):
        import_weights(path, architecture="amsegnet", folder=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def write_keras2(path, layers, *, under=""):
    """The legacy layout: names of layers in topological order, each a group with its arrays."""
    with h5py.File(path, "w") as file:
        root = file.require_group(under) if under else file
        root.attrs["layer_names"] = [name.encode() for name, _ in layers]
        for name, arrays in layers:
            group = root.create_group(name)
            names = [f"{name}/w{i}:0" for i in range(len(arrays))]
            group.attrs["weight_names"] = np.array([n.encode() for n in names], dtype="S")
            for n, array in zip(names, arrays, strict=True):
                group[n] = array


def zeros(*shapes):
    return [np.zeros(shape, np.float32) for shape in shapes]


def keras2_unet(model):
    """The layers of a U-Net as Keras 2 sorts and names them, with the arrays of `model`.

    Keras 2 counts names within a session (the authors' first layer need not be ``conv2d``), and
    lists layers without arrays too.
    """
    layers = [("input_3", [])]

    def convolution(place, *, then="activation"):
        n = len(layers)
        layers.append((f"conv2d_{n + 40}", model.get_layer(f"{place}_conv").get_weights()))
        layers.append((f"batch_normalization_{n}", model.get_layer(f"{place}_norm").get_weights()))
        layers.append((f"{then}_{n}", []))

    down = [f"encoder_{step}" for step in (1, 2, 3, 4)] + ["bottleneck"]
    up = [f"decoder_{step}" for step in (4, 3, 2, 1)]
    for place in down + up:
        if place in up:
            layers += [(f"up_sampling2d_{place[-1]}", []), (f"concatenate_{place[-1]}", [])]
        convolution(f"{place}_first")
        convolution(f"{place}_second")
        if place.startswith("encoder"):
            layers.append((f"max_pooling2d_{place[-1]}", []))
    convolution("head")
    return layers


def with_statistics(model, rng):
    """Batch normalisations away from their start, so that a mix-up of arrays shows."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            n = layer.gamma.shape[0]
            layer.set_weights(
                [rng.uniform(low, high, n) for low, high in ((0.5, 2), (-1, 1), (-1, 1), (0.5, 2))]
            )
    return model


def test_the_unet_makes_the_round_trip(tmp_path, rng):
    """At the paper's width, as the authors' file."""
    keras.utils.set_random_seed(11)
    original = with_statistics(build("unet", n_classes=5), rng)
    layers = keras2_unet(original)
    assert sum(bool(arrays) for _, arrays in layers) == 38
    write_keras2(tmp_path / "unet.hdf5", layers)
    import_weights(tmp_path / "unet.hdf5", architecture="unet", folder=tmp_path / "bundle")

    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.card.architecture == "unet"
    assert bundle.card.arguments["filters"] == 64
    frame = rng.integers(0, 256, (1, 32, 48, 1)).astype(np.float32)
    expected = np.asarray(original(frame))
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(bundle.model(frame), expected, atol=1e-6)


def test_whole_models_are_read_as_weights_are(tmp_path):
    """``model.save`` of Keras 2 puts the same layout into a group."""
    layers = [("input_1", []), ("conv2d", [np.ones((1, 1, 1, 2), np.float32), np.zeros(2)])]
    write_keras2(tmp_path / "model.h5", layers, under="model_weights")
    ((name, arrays),) = read_keras2_weights(tmp_path / "model.h5")
    assert name == "conv2d"
    for found, expected in zip(arrays, layers[1][1], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_weights_of_another_network_are_refused(tmp_path):
    """The first layer of a U-Net is a 3x3 convolution to 64 channels; 38 of them have weights."""
    unet = [(f"c{i}", zeros((3, 3, 1 if i == 0 else 64, 64), (64,))) for i in range(38)]
    write_keras2(tmp_path / "unet.hdf5", unet)
    with pytest.raises(ValueError, match=r"expected network 'amsegnet' with 55 .* found 38"):
        import_weights(tmp_path / "unet.hdf5", architecture="amsegnet", folder=tmp_path / "out")
    with pytest.raises(ValueError, match=r"encoder_1_first_norm has arrays .* found c1 with"):
        import_weights(tmp_path / "unet.hdf5", architecture="unet", folder=tmp_path / "out")
    write_keras2(tmp_path / "other.hdf5", [(f"c{i}", unet[0][1]) for i in range(55)])
    with pytest.raises(ValueError, match=r"encoder_1_reduce_conv has arrays .* found c0 with"):
        import_weights(tmp_path / "other.hdf5", architecture="amsegnet", folder=tmp_path / "out")
    with pytest.raises(ValueError, match="no network named 'vnet'"):
        import_weights(tmp_path / "other.hdf5", architecture="vnet", folder=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.hdf5").write_text("no weights")
    with pytest.raises(ValueError, match="expected an HDF5 file"):
        import_weights(tmp_path / "a.hdf5", architecture="amsegnet", folder=tmp_path / "out")
    with h5py.File(tmp_path / "b.hdf5", "w") as file:
        file["entry"] = [1, 2]
    with pytest.raises(ValueError, match=r"layer_names.*found an HDF5 file with entry"):
        import_weights(tmp_path / "b.hdf5", architecture="amsegnet", folder=tmp_path / "out")
    with pytest.raises(FileNotFoundError):
        import_weights(tmp_path / "c.hdf5", architecture="amsegnet", folder=tmp_path / "out")
