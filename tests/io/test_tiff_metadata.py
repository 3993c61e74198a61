"""Pixel size and frame rate where a TIFF truly states them, nothing where it does not."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_amseg.io import read_stack

FRAMES = np.zeros((5, 8, 8), np.uint8)


def experiment_of(path):
    with read_stack(path) as stack:
        return stack.experiment


def imagej(path, *lines, resolution=(0.5, 0.5)):
    """A file as ImageJ writes it, its description in bytes, line by line."""
    text = "\n".join(("ImageJ=1.54f", "images=5", "frames=5", *lines)) + "\n"
    with tifffile.TiffWriter(path) as tif:
        for frame in FRAMES:
            tif.write(
                frame, contiguous=False, metadata=None, description=text.encode("latin-1"),
                resolution=resolution, software=False,
            )  # fmt: skip
            text = ""
    return experiment_of(path)


@pytest.mark.parametrize(
    ("unit", "um"),
    [
        ("um", 1), ("\\u00B5m", 1), ("\\u00b5m", 1), ("µm", 1), ("micron", 1), ("microns", 1),
        (" Micrometer ", 1), ("nm", 1e-3), ("mm", 1e3),
    ],
)  # fmt: skip
def test_units_of_length_that_imagej_writes(tmp_path, unit, um):
    found = imagej(tmp_path / "a.tif", f"unit={unit}", resolution=(um / 2, um / 2))
    assert found.pixel_size_um == pytest.approx(2)


@pytest.mark.parametrize("unit", ["inch", "cm", "CM", "pixel", "pixels", "", "furlong", "s"])
def test_units_of_printers_and_others_are_no_pixel_size(tmp_path, unit):
    assert imagej(tmp_path / "a.tif", f"unit={unit}").pixel_size_um is None


def test_an_axis_in_another_unit_makes_pixels_oblong(tmp_path):
    assert imagej(tmp_path / "a.tif", "unit=um", "yunit=mm").pixel_size_um is None
    assert imagej(tmp_path / "a.tif", "unit=um", "yunit=um").pixel_size_um == 2


@pytest.mark.parametrize(
    ("lines", "hz"),
    [
        (("finterval=2.0E-5",), 50_000),
        (("finterval=20", "tunit=\\u00B5s"), 50_000),
        (("finterval=20", "tunit=us"), 50_000),
        (("finterval=0.02", "tunit=ms"), 50_000),
        (("finterval=0.02", "tunit=msec"), 50_000),
        (("finterval=1", "tunit=min"), 1 / 60),
        (("finterval=0",), None),
        (("finterval=-1",), None),
        (("finterval=nan",), None),
        (("finterval=x",), None),
        (("finterval=1", "tunit=fortnight"), None),
        (("fps=7",), None),  # the speed of ImageJ's viewer
        (("fps=50000.0",), None),
        (("fps=7", "finterval=2.0E-5"), 50_000),
    ],
)
def test_the_interval_of_frames_that_imagej_writes(tmp_path, lines, hz):
    found = imagej(tmp_path / "a.tif", *lines).frame_rate_hz
    assert found == (None if hz is None else pytest.approx(hz))


@pytest.mark.parametrize("unit", ["INCH", "CENTIMETER", "NONE"])
def test_bare_resolution_tags_are_not_believed(tmp_path, unit):
    tifffile.imwrite(
        tmp_path / "a.tif", FRAMES, resolution=(5000, 5000), resolutionunit=unit, metadata=None
    )
    assert experiment_of(tmp_path / "a.tif").pixel_size_um is None


@pytest.mark.parametrize(
    ("unit", "size"), [("µm", 2), ("nm", 2000), ("mm", 2e-3), ("cm", 2e-4), ("m", 2e-6)]
)
def test_ome_states_sizes_in_any_metric_unit(tmp_path, unit, size):
    sizes = {f"PhysicalSize{a}{u}": v for a in "XY" for u, v in (("", size), ("Unit", unit))}
    times = {"TimeIncrement": 0.02, "TimeIncrementUnit": "ms"}
    tifffile.imwrite(
        tmp_path / "a.ome.tif", FRAMES, ome=True, metadata={"axes": "TYX", **sizes, **times}
    )
    found = experiment_of(tmp_path / "a.ome.tif")
    assert found.pixel_size_um == pytest.approx(2)
    assert found.frame_rate_hz == pytest.approx(50_000)


def test_ome_in_pixels_states_no_size(tmp_path):
    sizes = {f"PhysicalSize{a}{u}": v for a in "XY" for u, v in (("", 2.0), ("Unit", "pixel"))}
    tifffile.imwrite(tmp_path / "a.ome.tif", FRAMES, ome=True, metadata={"axes": "TYX", **sizes})
    assert experiment_of(tmp_path / "a.ome.tif").pixel_size_um is None


def test_numbered_images_and_label_stacks_tell_what_their_files_state(tmp_path):
    for t in range(5):
        tifffile.imwrite(
            tmp_path / f"f{t}.tif", FRAMES[0], imagej=True, resolution=(0.5, 0.5),
            metadata={"unit": "\\u00B5m", "finterval": 2e-5},
        )  # fmt: skip
    found = experiment_of(tmp_path)
    assert (found.pixel_size_um, found.frame_rate_hz) == (2, pytest.approx(50_000))


@pytest.mark.parametrize("dpi", [72, 96, 150, 300, 600])
@pytest.mark.parametrize("kind", ["ome", "imagej"])
def test_print_resolutions_are_no_pixel_size(tmp_path, dpi, kind):
    um = round(25_400 / dpi, 4)
    path = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif")
    if kind == "ome":
        sizes = {"PhysicalSizeX": um, "PhysicalSizeY": um}
        tifffile.imwrite(path, FRAMES, ome=True, metadata={"axes": "TYX", **sizes})
    else:
        imagej(path, "unit=mm", "finterval=0.001", resolution=(1e3 / um, 1e3 / um))
    with read_stack(path) as stack:
        assert stack.experiment.pixel_size_um is None
        assert stack.experiment.frame_rate_hz == (None if kind == "ome" else 1000)
        assert f"{dpi} dpi" in stack.notes[0]


def test_numbered_images_tell_what_was_not_believed(tmp_path):
    for t in range(3):
        tifffile.imwrite(
            tmp_path / f"f{t}.tif", FRAMES[0], imagej=True, resolution=(72 / 25_400, 72 / 25_400),
            metadata={"unit": "um"},
        )  # fmt: skip
    with read_stack(tmp_path) as stack:
        assert stack.experiment.pixel_size_um is None
        assert sum("72 dpi" in note for note in stack.notes) == 1
