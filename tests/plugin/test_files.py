"""Opening and saving through napari."""

from __future__ import annotations

from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_amseg.io import TiffStackWriter
from napari_amseg.plugin.files import get_reader, read_layers, stack_layer, write_labels
from napari_amseg.plugin.layers import KEY, ImageSource, LabelSource, labels_layer
from napari_amseg.types import Experiment, stack_from_array

KNOWN = Experiment(pixel_size_um=2.0, frame_rate_hz=40_000.0)


@pytest.fixture
def tagged_file(tmp_path, frames):
    path = tmp_path / "run.tif"
    with TiffStackWriter(path, frames.shape, frames.dtype, KNOWN) as writer:
        for frame in frames:
            writer.append(frame)
    return path


def test_a_stack_opens_as_a_lazy_layer_with_scale_units_and_limits(viewer, tagged_file, frames):
    (layer,) = viewer.open(str(tagged_file), plugin="napari-amseg")
    assert isinstance(layer.data, da.Array)
    assert layer.data.chunksize == (1, 32, 48)
    assert np.array_equal(np.asarray(layer.data), frames)
    assert tuple(layer.scale) == (1.0, 2.0, 2.0)
    assert [str(unit) for unit in layer.units] == ["pixel", "micrometer", "micrometer"]
    low, high = layer.contrast_limits
    assert frames.min() <= low < high <= frames.max()
    source = layer.metadata[KEY]
    assert isinstance(source, ImageSource)
    assert source.experiment == KNOWN
    assert source.stack.files == (str(tagged_file),)


def test_a_folder_opens_in_numeric_order_and_claims_no_pixel_size(tmp_path, frames):
    for t, frame in enumerate(frames):
        tifffile.imwrite(tmp_path / f"frame ({t + 8}).tif", frame)
    reader = get_reader(str(tmp_path))
    ((data, options, kind),) = reader(str(tmp_path))
    assert kind == "image"
    assert np.array_equal(np.asarray(data), frames)
    assert options["scale"] == (1.0, 1.0, 1.0)
    assert options["metadata"][KEY].experiment.pixel_size_um is None


def test_other_files_are_left_to_other_readers(tmp_path):
    assert get_reader(str(tmp_path / "notes.txt")) is None
    assert get_reader([str(tmp_path / "a.tif"), str(tmp_path / "b.txt")]) is None


def test_a_text_file_called_tif_is_refused_in_one_line(tmp_path):
    path = tmp_path / "fake.tif"
    path.write_text("this is not an image")
    with pytest.raises(ValueError, match="not a readable TIFF") as refusal:
        read_layers(str(path))
    assert "\n" not in str(refusal.value)


def test_labels_survive_saving_and_opening(viewer, tmp_path, labels):
    from napari.layers import Labels

    stack = np.stack([labels, np.roll(labels, 3, axis=1)])
    data, options, _ = labels_layer(stack, "run labels", LabelSource(KNOWN))
    layer = viewer.add_layer(Labels(data, **options))
    path = tmp_path / "run_labels.tif"
    assert layer.save(str(path), plugin="napari-amseg") == [str(path)]
    assert [p.name for p in tmp_path.iterdir()] == ["run_labels.tif"]
    (again,) = viewer.open(str(path), plugin="napari-amseg")
    assert isinstance(again, Labels)
    assert np.array_equal(again.data, stack)
    assert again.data.dtype == np.uint8
    assert again.metadata[KEY].experiment == KNOWN
    assert np.allclose(again.scale, layer.scale)
    with tifffile.TiffFile(path) as tif:
        assert tif.is_imagej


def test_a_class_tells_its_name_on_hover(viewer, labels):
    from napari.layers import Labels

    data, options, _ = labels_layer(labels[np.newaxis], "l", LabelSource())
    layer = viewer.add_layer(Labels(data, **options))
    status = layer.get_status((0, 15, 22), view_direction=None, dims_displayed=[1, 2], world=True)
    assert "keyhole" in str(status)
    assert np.allclose(layer.get_color(1)[:3], np.array([0x54, 0x13, 0x52]) / 255, atol=1e-3)


def test_codes_beyond_uint8_are_refused_and_the_old_file_stays(tmp_path, labels):
    path = tmp_path / "old.tif"
    path.write_bytes(b"precious")
    with pytest.raises(ValueError, match="300"):
        write_labels(str(path), np.full((2, 8, 8), 300), {})
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_layers_of_two_cameras_in_one_file_have_two_names(frames):
    stack, file = stack_from_array(frames), "/d/scan.h5"
    addresses = (file, f"{file}::cam1/data", f"{file}::cam2/data", f"{file}::cam2/data::flats")
    names = [stack_layer(stack, Path(address))[1]["name"] for address in addresses]
    assert names == ["scan", "scan cam1/data", "scan cam2/data", "scan cam2/data flats"]
