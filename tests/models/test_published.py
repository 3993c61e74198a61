"""The authors' Keras 2 weights: the golden case, and what is refused."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from napari_amseg import load_bundle, read_stack
from napari_amseg.models.published import import_weights


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


def write_keras2(path, layers):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name, _ in layers]
        for name, shapes in layers:
            group = file.create_group(name)
            names = [f"{name}/w{i}:0" for i in range(len(shapes))]
            group.attrs["weight_names"] = [n.encode() for n in names]
            for n, shape in zip(names, shapes, strict=True):
                group[n] = np.zeros(shape, np.float32)


def test_weights_of_a_unet_are_refused(tmp_path):
    """The first layer of a U-Net is a 3x3 convolution to 64 channels; there are 47 with weights."""
    layers = [(f"conv2d_{i}", [(3, 3, 1 if i == 0 else 64, 64), (64,)]) for i in range(47)]
    write_keras2(tmp_path / "unet.hdf5", layers)
    with pytest.raises(ValueError, match=r"expected network 'amsegnet' with 55 .* found 47"):
        import_weights(tmp_path / "unet.hdf5", architecture="amsegnet", folder=tmp_path / "out")
    write_keras2(tmp_path / "other.hdf5", [(f"c{i}", [(3, 3, 1, 64), (64,)]) for i in range(55)])
    with pytest.raises(ValueError, match=r"encoder_1_reduce_conv has arrays .* found c0 with"):
        import_weights(tmp_path / "other.hdf5", architecture="amsegnet", folder=tmp_path / "out")
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
