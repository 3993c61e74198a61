"""A session begins on the images that its labels are of, whatever their names are."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_amseg import read_stack
from napari_amseg.dataset import add_frames, create_benchmark
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.plugin.annotate.start import begin, layer_of, source_of
from napari_amseg.plugin.layers import ImageSource, image_layer
from napari_amseg.types import Experiment, stack_from_array


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.setenv("AMSEG_ANNOTATION_FOLDER", str(tmp_path / "work"))


@pytest.fixture
def arrays(rng):
    """Two recordings of one size, uint8 (4, 24, 32)."""
    return rng.integers(0, 255, (2, 4, 24, 32)).astype(np.uint8)


def begun(source, place=None):
    return begin(source, DEFAULT_SCHEME, "Ann", place).working_copy.record


def shown(viewer, source):
    from napari.layers import Image

    data, options, _ = image_layer(source, "stack")
    return viewer.add_layer(Image(data, **options))


def test_work_on_a_stack_in_memory_is_not_laid_over_another(viewer, arrays):
    one, other = (ImageSource(stack_from_array(a)) for a in arrays)
    record = begun(one)
    shown(viewer, other)
    assert layer_of(viewer, record) is None
    layer = shown(viewer, one)
    assert layer_of(viewer, record) is layer


def test_a_file_that_was_replaced_is_refused(viewer, arrays, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, arrays[0], photometric="minisblack")
    record = begun(ImageSource(read_stack(str(path))))
    assert source_of(record).stack.shape == arrays[0].shape
    tifffile.imwrite(path, arrays[1], photometric="minisblack")
    with pytest.raises(ValueError, match=r"a\.tif now has other images .* then recover"):
        source_of(record)


def test_frames_keep_the_names_that_a_benchmark_has(arrays, tmp_path):
    stack = stack_from_array(arrays[0])
    labels = stack_from_array(np.ones_like(arrays[0]))
    bench = create_benchmark(tmp_path / "b", DEFAULT_SCHEME)
    names = [f"run_{t}" for t in range(1, 5)]
    add_frames(bench, stack, labels, Experiment(experiment="x"), names=names)
    assert begun(ImageSource(stack), (bench.folder, "x")).frame_names == tuple(names)


def test_a_stack_opened_by_a_relative_name_is_found_from_another_folder(
    viewer, arrays, tmp_path, monkeypatch
):
    tifffile.imwrite(tmp_path / "a.tif", arrays[0], photometric="minisblack")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    relative = ImageSource(read_stack("a.tif"))
    record = begun(relative)
    assert layer_of(viewer, record) is None
    layer = shown(viewer, relative)
    assert layer_of(viewer, record) is layer
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert source_of(record).stack.shape == arrays[0].shape
    again = begin(ImageSource(read_stack("../a.tif")), DEFAULT_SCHEME, "Bob", None)
    assert "also open in another window" in " ".join(again.opened.notes)
