"""Files that are still being written: only whole frames are seen, and they are the right ones."""

from __future__ import annotations

import os
import struct
import threading
import time

import numpy as np
import pytest
import tifffile

from napari_amseg.io import TiffStackWriter, read_stack
from napari_amseg.io.growing import GrowingSequence, GrowingTiff, OverwrittenError, frames_and_files
from napari_amseg.types import Experiment

WRITERS = {
    "one page a frame": {"contiguous": False},
    "compressed": {"contiguous": False, "compression": "zlib"},
}


def written(path, frames, *, bigtiff=False, byteorder=None, **options):
    with tifffile.TiffWriter(path, bigtiff=bigtiff, byteorder=byteorder) as tif:
        for frame in frames:
            tif.write(frame, photometric="minisblack", metadata=None, **options)
    return path.read_bytes()


@pytest.mark.parametrize("options", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_of_a_file_cut_anywhere_every_frame_seen_is_whole(
    tmp_path, frames, options, bigtiff, byteorder
):
    data = written(tmp_path / "all.tif", frames, bigtiff=bigtiff, byteorder=byteorder, **options)
    part, counts = tmp_path / "part.tif", []
    growing = GrowingTiff(part)
    for n_bytes in range(0, len(data), 61):
        part.write_bytes(data[:n_bytes])
        counts.append(growing.grow())
        for t in range(counts[-1]):
            np.testing.assert_array_equal(growing.read(t), frames[t])
        growing.release()
    part.write_bytes(data)
    assert counts == sorted(counts)
    assert set(counts) >= {0, 1, 2, 3, 4}
    assert growing.grow() == 5  # the last may not have its bytes yet


def test_a_file_that_has_its_length_before_its_bytes_shows_no_frame_without_them(tmp_path, frames):
    data = written(tmp_path / "all.tif", frames, contiguous=False)
    part = tmp_path / "part.tif"
    growing = GrowingTiff(part)
    for n_bytes in range(0, len(data), 257):
        part.write_bytes(data[:n_bytes] + bytes(len(data) - n_bytes))
        for t in range(growing.grow()):
            np.testing.assert_array_equal(growing.read(t), frames[t])
        growing.release()


def test_a_live_writer_is_followed_and_its_stack_tells_what_the_file_says(tmp_path, frames):
    path = tmp_path / "live.tif"
    growing, seen = GrowingTiff(path), []
    with TiffStackWriter(path, frames.shape, "uint16", Experiment(pixel_size_um=2.0)) as tif:
        for frame in frames:
            tif.append(frame)
            seen.append(growing.grow())
    assert seen == sorted(seen)
    assert growing.grow() == 5
    stack = growing.stack()
    assert (stack.shape, stack.dtype) == ((5, 32, 48), np.uint16)
    assert stack.experiment == Experiment(pixel_size_um=2.0)
    np.testing.assert_array_equal(np.stack(list(stack)), frames[:5])


@pytest.mark.parametrize("options", [{}, {"metadata": None}, {"compression": "zlib"}])
def test_the_frames_seen_while_it_grows_are_those_of_the_finished_file(tmp_path, frames, options):
    """Also where the writer makes a series of its own of every page, as tifffile does by itself."""
    path = tmp_path / "run.tif"
    growing = GrowingTiff(path)
    with tifffile.TiffWriter(path) as tif:
        for frame in frames:
            tif.write(frame, contiguous=False, **options)
            tif.filehandle.flush()
            growing.grow()
    seen = growing.stack()
    with read_stack(path) as stack:
        assert (len(stack), stack.frame_shape, stack.dtype) == (6, seen.frame_shape, seen.dtype)
        assert len(seen) == 5  # all but the last
        for t in range(5):
            np.testing.assert_array_equal(seen[t], stack[t])
    assert frames_and_files(path) == (6, (str(path),))


def test_a_file_whose_directories_come_at_its_end_shows_nothing_before(tmp_path, frames):
    path = tmp_path / "contiguous.tif"
    growing = GrowingTiff(path)
    with tifffile.TiffWriter(path) as tif:
        for frame in frames:
            tif.write(frame, contiguous=True)
            assert growing.grow() == 0
        with pytest.raises(ValueError, match="no whole frame yet"):
            growing.stack()


def test_a_page_of_another_size_is_refused_by_name(tmp_path, frames):
    path = tmp_path / "odd.tif"
    with tifffile.TiffWriter(path) as tif:
        for frame in (frames[0], frames[1, :16], frames[2]):
            tif.write(frame, contiguous=False, metadata=None)
    growing = GrowingTiff(path)
    assert growing.grow() == 2
    with pytest.raises(ValueError, match="frame 1 is of another shape"):
        growing.read(1)


def test_pages_that_lead_back_to_an_earlier_one_are_damage_and_end(tmp_path, frames):
    path = tmp_path / "loop.tif"
    data = bytearray(written(path, frames, contiguous=False))
    with tifffile.TiffFile(path) as tif:
        first, last = tif.pages[0].offset, tif.pages[-1].offset
    (n_tags,) = struct.unpack_from("<H", data, last)
    struct.pack_into("<I", data, last + 2 + 12 * n_tags, first)
    path.write_bytes(data)
    growing, said = GrowingTiff(path), []

    def grow():
        with pytest.raises(ValueError, match="leads back to an earlier one") as raised:
            growing.grow()
        said.append(raised)

    thread = threading.Thread(target=grow, daemon=True)
    thread.start()
    thread.join(30)
    assert said
    assert frames_and_files(path) is None


@pytest.mark.parametrize("first", ["same layout", "another layout"])
def test_a_longer_stack_written_over_it_is_not_taken_for_its_next_frames(tmp_path, frames, first):
    path = tmp_path / "run.tif"
    written(path, frames[:3], contiguous=False)
    growing = GrowingTiff(path)
    assert growing.grow() == 2
    growing.release()
    shape = slice(None) if first == "same layout" else slice(20)
    other = np.concatenate([frames, frames])[::-1, shape]
    data = written(tmp_path / "other.tif", other, contiguous=False)
    path.write_bytes(data)  # the same file, in place
    with pytest.raises(OverwrittenError, match="written over it"):
        growing.grow()


def test_the_file_may_be_renamed_after_release(tmp_path, frames):
    path = tmp_path / "run.tif"
    written(path, frames, contiguous=False)
    growing = GrowingTiff(path)
    growing.grow()
    growing.release()
    if os.path.isdir("/proc/self/fd"):
        held = {os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")}
        assert str(path.resolve()) not in held
    path.rename(tmp_path / "done.tif")


def test_frames_are_read_by_several_threads_while_the_file_grows(tmp_path, frames):
    path = tmp_path / "run.tif"
    many = np.concatenate([frames] * 20)
    ended = threading.Event()

    def write():
        with tifffile.TiffWriter(path) as tif:
            for frame in many:
                tif.write(frame, contiguous=False, metadata=None, photometric="minisblack")
                time.sleep(0.002)
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    growing, done, wrong = GrowingTiff(path), 0, []

    def check(t):
        if not np.array_equal(growing.read(t), many[t]):
            wrong.append(t)

    while not ended.is_set() or growing.grow() > done:
        n_frames = growing.grow()
        readers = [threading.Thread(target=check, args=(t,)) for t in range(done, n_frames)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        done = n_frames
        growing.release()
    writer.join()
    assert done == len(many) - 1
    assert not wrong


def test_a_sequence_grows_at_its_end_only(tmp_path, frames):
    files = [tmp_path / f"f_{i}.tif" for i in range(6)]
    for path, frame in zip(files, frames, strict=True):
        tifffile.imwrite(path, frame, photometric="minisblack", metadata=None)
    growing = GrowingSequence(files[:2])
    assert growing.grow(files[:4])
    assert growing.stack().shape == (4, 32, 48)
    np.testing.assert_array_equal(growing.read(3), frames[3])
    assert not growing.grow([files[0], files[2], files[3], files[4]])  # 1 was taken before


def test_frames_are_counted_and_an_unfinished_file_has_none(tmp_path, frames):
    stack = tmp_path / "stack.tif"
    data = written(stack, frames, contiguous=False)
    image = tmp_path / "image.tif"
    one = written(image, frames[:1])
    assert frames_and_files(stack) == (6, (str(stack),))
    assert frames_and_files(image) == (1, (str(image),))
    image.write_bytes(one[:-1])
    assert frames_and_files(image) is None
    stack.write_bytes(data[:6])
    assert frames_and_files(stack) is None
    assert frames_and_files(tmp_path / "gone.tif") is None
