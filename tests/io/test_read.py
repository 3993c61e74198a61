"""Every reader gives the same frames; every broken file one clear message."""

from __future__ import annotations

import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile

from napari_amseg.io import read_stack


def write_imagej(path, frames):
    tifffile.imwrite(
        path,
        frames,
        imagej=True,
        metadata={"axes": "TYX", "unit": "um", "finterval": 2e-5},
        resolution=(0.5, 0.5),
    )


def write_ome(path, frames):
    metadata = {
        "axes": "TYX",
        "PhysicalSizeX": 2000.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 2000.0,
        "PhysicalSizeYUnit": "nm",
        "TimeIncrement": 20.0,
        "TimeIncrementUnit": "µs",
    }
    tifffile.imwrite(path, frames, ome=True, metadata=metadata)


def write_pages(path, frames):
    with tifffile.TiffWriter(path) as tif:
        for frame in frames:
            tif.write(frame, metadata=None, contiguous=False)


def write_series(path, frames):
    """What ``write`` does if nothing else is said: each page describes itself alone."""
    with tifffile.TiffWriter(path) as tif:
        for frame in frames:
            tif.write(frame, contiguous=False)


def write_big_endian(path, frames):
    tifffile.imwrite(path, frames, byteorder=">", metadata=None)


KINDS = {
    "pages": write_pages,
    "series": write_series,
    "one directory": lambda path, frames: tifffile.imwrite(path, frames),
    "big endian": write_big_endian,
    "bigtiff": lambda path, frames: tifffile.imwrite(path, frames, bigtiff=True),
    "zlib": lambda path, frames: tifffile.imwrite(path, frames, compression="zlib"),
    "lzw": lambda path, frames: tifffile.imwrite(path, frames, compression="lzw", predictor=True),
    "imagej": write_imagej,
    "ome": write_ome,
    "tiled": lambda path, frames: tifffile.imwrite(path, frames, tile=(16, 16)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_tiff_kind_gives_the_same_frames(tmp_path, frames, kind):
    path = tmp_path / ("stack.ome.tif" if kind == "ome" else "stack.tif")
    KINDS[kind](path, frames)
    with read_stack(path) as stack:
        assert stack.shape == frames.shape
        assert stack.dtype == np.uint16
        for t in (5, 0, 3):  # any order
            np.testing.assert_array_equal(stack[t], frames[t])
            assert stack[t].dtype.isnative


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "float32", "float64"])
def test_the_dtype_of_the_file_is_kept(tmp_path, frames, dtype):
    tifffile.imwrite(tmp_path / "a.tif", (frames % 200).astype(dtype))
    with read_stack(tmp_path / "a.tif") as stack:
        assert stack.dtype == dtype
        np.testing.assert_array_equal(stack[2], (frames[2] % 200).astype(dtype))


@pytest.mark.parametrize("write", [write_imagej, write_ome])
def test_pixel_size_and_frame_rate_come_from_the_metadata(tmp_path, frames, write):
    path = tmp_path / ("a.ome.tif" if write is write_ome else "a.tif")
    write(path, frames)
    with read_stack(path) as stack:
        assert stack.experiment.pixel_size_um == pytest.approx(2.0)
        assert stack.experiment.frame_rate_hz == pytest.approx(50_000)
    with read_stack(path, pixel_size_um=1.5) as stack:
        assert stack.experiment.pixel_size_um == 1.5
        assert stack.notes == ("pixel size 1.5 um replaces 2 um, which the file states",)
        assert stack.experiment.frame_rate_hz == pytest.approx(50_000)


def test_nothing_is_known_where_nobody_said(tmp_path, frames):
    tifffile.imwrite(tmp_path / "a.tif", frames, resolution=(72, 72), resolutionunit="INCH")
    with read_stack(tmp_path / "a.tif") as stack:
        assert stack.experiment.pixel_size_um is None
        assert stack.experiment.frame_rate_hz is None


@pytest.mark.parametrize("unit", ["inch", "cm", "pixel"])
def test_printing_resolutions_are_no_pixel_size(tmp_path, frames, unit):
    """Fiji writes unit=inch for every 72 dpi picture."""
    tifffile.imwrite(
        tmp_path / "a.tif", frames, imagej=True, metadata={"unit": unit}, resolution=(72, 72)
    )
    with read_stack(tmp_path / "a.tif") as stack:
        assert stack.experiment.pixel_size_um is None


def test_oblong_pixels_have_no_single_size(tmp_path, frames):
    tifffile.imwrite(
        tmp_path / "a.tif", frames, imagej=True, metadata={"unit": "um"}, resolution=(0.5, 0.25)
    )
    with read_stack(tmp_path / "a.tif") as stack:
        assert stack.experiment.pixel_size_um is None


def test_imagej_hyperstack_with_one_directory_for_all_frames(tmp_path, frames):
    """Beyond 4 GB ImageJ writes one directory and the frames after it."""
    path = tmp_path / "big.tif"
    write_imagej(path, frames)
    with tifffile.TiffFile(path) as tif:
        second = tif.pages[1].offset
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        count = len(tif.pages.first.tags)
        link = tif.pages.first.offset + 2 + 12 * count
    assert int.from_bytes(data[link : link + 4], "little" if data[:2] == b"II" else "big") == second
    data[link : link + 4] = bytes(4)  # the chain of directories ends after the first
    path.write_bytes(data)
    with read_stack(path) as stack:
        assert stack.shape == frames.shape
        np.testing.assert_array_equal(stack[5], frames[5])


@pytest.mark.parametrize("kind", ["pages", "series", "one directory", "zlib", "imagej", "ome"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_truncated_tiff_is_refused(tmp_path, frames, kind, kept):
    path = tmp_path / ("stack.ome.tif" if kind == "ome" else "stack.tif")
    KINDS[kind](path, frames)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(ValueError, match=r"truncated|damaged|decoded"), read_stack(path) as stack:
        for frame in stack:
            assert frame.shape == frames.shape[1:]


def test_a_text_file_named_tif_is_refused(tmp_path):
    (tmp_path / "a.tif").write_text("frame,area\n1,2\n")
    with pytest.raises(ValueError, match=r"a\.tif: not a readable TIFF"):
        read_stack(tmp_path / "a.tif")


def test_a_colour_photo_is_refused(tmp_path):
    import imageio.v3 as iio

    rgb = np.zeros((16, 24, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", rgb, photometric="rgb")
    iio.imwrite(tmp_path / "b.png", rgb)
    for name in ("a.tif", "b.png"):
        with pytest.raises(ValueError, match="grey"):
            read_stack(tmp_path / name)


def test_complex_pixels_are_refused(tmp_path, frames):
    tifffile.imwrite(tmp_path / "a.tif", frames.astype("complex64"))
    with pytest.raises(ValueError, match="complex64"):
        read_stack(tmp_path / "a.tif")


def test_pages_of_mixed_shape_name_the_first_odd_page(tmp_path, frames):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for frame in (frames[0], frames[1], frames[2][:-1]):
            tif.write(frame, metadata=None)
    with pytest.raises(ValueError, match="page 2 is 31x48"):
        read_stack(tmp_path / "a.tif")


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
def test_series_of_several_frames_are_no_one_stack(tmp_path, frames, options):
    """A flat and a stack of frames of its size, for example: which is meant is not for us."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(frames[0], contiguous=False, **options)
        tif.write(frames[1:], contiguous=False, **options)
    with pytest.raises(ValueError, match=r"2 image series.* Save the one .* file of its own"):
        read_stack(tmp_path / "a.tif")


@pytest.mark.parametrize("options", [{}, {"metadata": None}])
@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda frame: frame[:16], "16x48 uint16"),
        (lambda frame: frame.view("int16"), "32x48 int16"),
    ],
)
def test_one_odd_page_far_within_a_file_is_found(tmp_path, frames, options, change, kind):
    """tifffile asks a few pages only, and would decode this one as if it were like the first."""
    pages = [*frames, *frames]
    pages[5] = change(pages[5])
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for page in pages:
            tif.write(page, contiguous=False, photometric="minisblack", **options)
    with pytest.raises(ValueError, match=f"page 5 is {kind}, but page 0 is 32x48 uint16"):
        read_stack(tmp_path / "a.tif")


@pytest.mark.parametrize("options", [{}, {"metadata": None}])
def test_pages_may_be_packed_each_in_its_own_way(tmp_path, frames, options):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for t, frame in enumerate([*frames, *frames]):
            packed = {"compression": "zlib", "predictor": t == 8} if t in (5, 8) else {}
            tif.write(frame, contiguous=False, photometric="minisblack", **packed, **options)
    with read_stack(tmp_path / "a.tif") as stack:
        np.testing.assert_array_equal(np.stack(list(stack)), [*frames, *frames])


def test_series_of_another_kind_name_the_page_and_what_to_do(tmp_path, frames):
    write_series(tmp_path / "a.tif", [frames[0], frames[1], frames[2, :16]])
    with pytest.raises(ValueError, match=r"page 2 is 16x48 .* Save .* file of their own"):
        read_stack(tmp_path / "a.tif")
    write_series(tmp_path / "b.tif", [frames[0], frames[1].astype("float32")])
    with pytest.raises(ValueError, match="page 1 is 32x48 float32"):
        read_stack(tmp_path / "b.tif")


@pytest.mark.parametrize("key", ["Name", "name"])
@pytest.mark.parametrize("first", [{}, {"Name": "image"}])
def test_pages_with_names_of_their_own_are_no_stack(tmp_path, frames, first, key):
    """An image and its flat, for example."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(frames[0], contiguous=False, metadata=first)
        tif.write(frames[1], contiguous=False, metadata={key: "flat"})
    with pytest.raises(ValueError, match=r"2 image series.*'flat'.* Save the one .* of its own"):
        read_stack(tmp_path / "a.tif")


def test_that_series_are_taken_as_frames_is_said(tmp_path, frames):
    write_series(tmp_path / "a.tif", frames)
    write_pages(tmp_path / "b.tif", frames)
    with read_stack(tmp_path / "a.tif") as stack, read_stack(tmp_path / "b.tif") as pages:
        assert stack.notes == ("6 images, each a series of its own, are taken as frames",)
        assert not pages.notes


def test_of_many_series_tifffile_does_not_make_a_list(tmp_path, frames, monkeypatch):
    """It takes 8 s of 10 000 of them."""
    write_series(tmp_path / "a.tif", frames)
    monkeypatch.delattr(tifffile.TiffFile, "series")
    with read_stack(tmp_path / "a.tif") as stack:
        assert len(stack) == 6


def test_two_long_axes_are_refused(tmp_path, frames):
    tifffile.imwrite(
        tmp_path / "a.tif", frames.reshape(2, 3, 32, 48), imagej=True, metadata={"axes": "TZYX"}
    )
    with pytest.raises(ValueError, match="one axis"):
        read_stack(tmp_path / "a.tif")


def test_missing_and_unknown_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_stack(tmp_path / "nothing.tif")
    (tmp_path / "a.xyz").touch()
    with pytest.raises(ValueError, match=r"\.xyz"):
        read_stack(tmp_path / "a.xyz")
    with pytest.raises(FileNotFoundError, match="no file matches"):
        read_stack(tmp_path / "*.tif")


def test_an_index_beyond_the_stack_says_so(tiff_file):
    with read_stack(tiff_file) as stack, pytest.raises(IndexError, match="6 frames"):
        stack[6]


def test_dask_view_reads_one_frame_a_chunk(tiff_file, frames):
    with read_stack(tiff_file) as stack:
        array = stack.to_dask()
        assert array.chunksize == (1, 32, 48)
        np.testing.assert_array_equal(array[4].compute(), frames[4])


@pytest.mark.parametrize("kind", ["pages", "series", "imagej", "big endian", "zlib", "tiled"])
def test_frames_can_be_read_from_several_threads(tmp_path, frames, kind):
    KINDS[kind](tmp_path / "a.tif", frames)
    with read_stack(tmp_path / "a.tif") as stack, ThreadPoolExecutor(8) as pool:
        order = list(range(6)) * 30
        for t, frame in zip(order, pool.map(stack.read, order), strict=True):
            np.testing.assert_array_equal(frame, frames[t])


@pytest.mark.parametrize("kind", ["pages", "series", "imagej", "zlib"])
def test_reading_keeps_nothing(tmp_path, kind):
    """Not one byte a page: 20 000 frames take no more memory than 200."""
    KINDS[kind](tmp_path / "a.tif", np.ones((1000, 8, 8), np.uint16))
    with read_stack(tmp_path / "a.tif") as stack:
        stack.read(999)
        tracemalloc.start()
        try:
            for t in range(1000):
                stack.read(t)
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert held < 20_000


def test_a_file_cut_while_it_is_open_is_noticed(tmp_path, frames):
    path = tmp_path / "a.tif"
    write_imagej(path, np.tile(frames, (100, 1, 1)))
    with read_stack(path) as stack:
        os.truncate(path, path.stat().st_size // 2)
        with pytest.raises(ValueError, match="frame 599 is cut short"):
            stack.read(599)


def test_real_stack_is_read_in_time_order(real_data):
    with read_stack(real_data / "ti64_plate") as stack:
        assert stack.shape == (10, 400, 1024)
        assert stack.dtype == np.uint16
        assert "(2).tif" in stack.files[1]
        assert "(10).tif" in stack.files[9]
        assert "labels.tif" in stack.notes[0]


def test_an_address_of_one_place_opens_as_that_place(tmp_path, frames):
    for t, frame in enumerate(frames):
        tifffile.imwrite(tmp_path / f"f{t}.tif", frame)
    with read_stack((str(tmp_path),)) as one, read_stack(tmp_path) as same:
        assert one.files == same.files
        np.testing.assert_array_equal(one[-1], same[-1])
