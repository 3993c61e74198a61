"""Label images for other programs: equal to the pixel when read again, all files or none."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_amseg.io.label_export import export_labels
from napari_amseg.io.label_images import found_values, open_label_images, read_label_images
from napari_amseg.io.label_mapping import suggested_mapping
from napari_amseg.labels import DEFAULT_SCHEME, LabelClass, LabelScheme
from napari_amseg.types import Experiment, stack_from_array


@pytest.fixture
def stack(labels):
    labels[3, 3] = 0
    known = Experiment(pixel_size_um=2.0)
    return stack_from_array(
        np.stack([np.roll(labels, t, axis=1) for t in range(12)]), experiment=known
    )


@pytest.mark.parametrize("file_format", ["png", "tiff"])
def test_the_way_out_and_in_again_keeps_every_pixel(tmp_path, stack, file_format):
    export_labels(stack, DEFAULT_SCHEME, tmp_path / "out", stem="run3", file_format=file_format)
    source = tmp_path / "out" / "run3.tif" if file_format == "tiff" else tmp_path / "out"
    found = found_values(open_label_images(source))
    guess = suggested_mapping(found, DEFAULT_SCHEME)
    with read_label_images(source, guess) as again:
        assert len(again) == 12
        for before, after in zip(stack, again, strict=True):
            np.testing.assert_array_equal(before, after)


def test_pillow_sees_indices_and_the_colours_of_the_classes(tmp_path, stack):
    path, *_ = export_labels(stack, DEFAULT_SCHEME, tmp_path, stem="run3")
    assert path.name == "run3_0000.png"
    image = Image.open(path)
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image), stack[0])
    seen = image.convert("RGBA")
    assert seen.getpixel((3, 3)) == (0, 0, 0, 0)  # unlabelled
    assert seen.getpixel((20, 12)) == (0x54, 0x13, 0x52, 255)  # keyhole


def test_the_legend_names_every_code(tmp_path, stack):
    *_, table, record = export_labels(stack, DEFAULT_SCHEME, tmp_path, stem="run3")
    rows = list(csv.DictReader(table.open()))
    assert rows[0]["name"] == "unlabelled"
    assert rows[1] == {"code": "1", "name": "keyhole", "role": "keyhole", "color": "#541352"}
    classes = json.loads(record.read_text())["classes"]
    assert LabelScheme.from_json(classes[1:]) == DEFAULT_SCHEME


def test_a_tiff_keeps_the_pixel_size(tmp_path, stack):
    path, *_ = export_labels(stack, DEFAULT_SCHEME, tmp_path, stem="a", file_format="tiff")
    with tifffile.TiffFile(path) as tif:
        assert tif.imagej_metadata["unit"] == "um"


def test_nothing_is_replaced_unasked(tmp_path, stack):
    export_labels(stack, DEFAULT_SCHEME, tmp_path, stem="a")
    with pytest.raises(FileExistsError, match="--overwrite"):
        export_labels(stack, DEFAULT_SCHEME, tmp_path, stem="a")
    with pytest.raises(FileExistsError, match="legend"):
        export_labels(stack, DEFAULT_SCHEME, tmp_path, stem="b")
    export_labels(stack, DEFAULT_SCHEME, tmp_path, stem="a", overwrite=True)


def test_an_error_half_way_leaves_nothing(tmp_path, stack):
    broken = stack.derived(lambda t: stack.read(t) + np.uint8(60 if t == 7 else 0))
    for file_format in ("png", "tiff"):
        with pytest.raises(ValueError, match=r"frame 7: holds code 60"):
            export_labels(
                broken, DEFAULT_SCHEME, tmp_path / "out", stem="a", file_format=file_format
            )
    assert not (tmp_path / "out").exists()


def test_other_types_formats_and_codes(tmp_path, stack):
    wide = stack.derived(lambda t: stack.read(t).astype(np.uint16), dtype=np.uint16)
    path, *_ = export_labels(wide, DEFAULT_SCHEME, tmp_path, stem="wide")
    np.testing.assert_array_equal(np.asarray(Image.open(path)), stack[0])
    far = stack.derived(lambda t: stack.read(t).astype(np.uint16) + 256, dtype=np.uint16)
    with pytest.raises(ValueError, match="holds code 256"):
        export_labels(far, DEFAULT_SCHEME, tmp_path, stem="far", overwrite=True)
    floats = stack.derived(lambda t: stack.read(t) / 2, dtype=np.float64)
    with pytest.raises(ValueError, match="float64"):
        export_labels(floats, DEFAULT_SCHEME, tmp_path, stem="f", overwrite=True)
    with pytest.raises(ValueError, match="png or tiff"):
        export_labels(stack, DEFAULT_SCHEME, tmp_path, stem="a", file_format="gif")


def test_colours_in_any_form_pillow_knows(tmp_path, stack):
    classes = [LabelClass(c.code, c.name, c.color, c.role) for c in DEFAULT_SCHEME.classes]
    classes[0] = LabelClass(1, "keyhole", "#f00", "keyhole")
    path, *_ = export_labels(stack, LabelScheme(tuple(classes)), tmp_path, stem="a")
    assert Image.open(path).convert("RGB").getpixel((20, 12)) == (255, 0, 0)
