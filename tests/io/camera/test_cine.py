"""Phantom cines, written here from the published structures: no camera's file was at hand."""

from __future__ import annotations

import ctypes
from ctypes import (
    Structure,
    c_char,
    c_double,
    c_float,
    c_int16,
    c_int32,
    c_uint8,
    c_uint16,
    c_uint32,
)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_amseg.io import read_stack


class FileHeader(Structure):
    _pack_ = 1
    _fields_ = [
        ("Type", c_char * 2), ("Headersize", c_uint16), ("Compression", c_uint16),
        ("Version", c_uint16), ("FirstMovieImage", c_int32), ("TotalImageCount", c_uint32),
        ("FirstImageNo", c_int32), ("ImageCount", c_uint32), ("OffImageHeader", c_uint32),
        ("OffSetup", c_uint32), ("OffImageOffsets", c_uint32), ("TriggerTime", c_uint32 * 2),
    ]  # fmt: skip


class BitmapHeader(Structure):
    _pack_ = 1
    _fields_ = [
        ("biSize", c_uint32), ("biWidth", c_int32), ("biHeight", c_int32), ("biPlanes", c_uint16),
        ("biBitCount", c_uint16), ("biCompression", c_uint32), ("biSizeImage", c_uint32),
        ("biXPelsPerMeter", c_int32), ("biYPelsPerMeter", c_int32), ("biClrUsed", c_uint32),
        ("biClrImportant", c_uint32),
    ]  # fmt: skip


class Setup(Structure):
    """Field by field, so that every place follows from the lengths before it."""

    _pack_ = 1
    _fields_ = [
        ("FrameRate16", c_uint16), ("Shutter16", c_uint16), ("PostTrigger16", c_uint16),
        ("FrameDelay16", c_uint16), ("AspectRatio", c_uint16), ("Res7", c_uint16),
        ("Res8", c_uint16), ("Res9", c_uint8), ("Res10", c_uint8), ("Res11", c_uint8),
        ("TrigFrame", c_uint8), ("Res12", c_uint8), ("DescriptionOld", c_char * 121),
        ("Mark", c_char * 2), ("Length", c_uint16), ("Res13", c_uint16), ("SigOption", c_uint16),
        ("BinChannels", c_int16), ("SamplesPerImage", c_uint8), ("BinName", c_char * 88),
        ("AnaOption", c_uint16), ("AnaChannels", c_int16), ("Res6", c_uint8),
        ("AnaBoard", c_uint8), ("ChOption", c_int16 * 8), ("AnaGain", c_float * 8),
        ("AnaUnit", c_char * 48), ("AnaName", c_char * 88), ("lFirstImage", c_int32),
        ("dwImageCount", c_uint32), ("nQFactor", c_int16), ("wCineFileType", c_uint16),
        ("szCinePath", c_char * 260), ("Res14", c_uint16), ("Res15", c_uint8),
        ("Res16", c_uint8), ("Res17", c_uint16), ("Res18", c_double), ("Res19", c_double),
        ("Res20", c_uint16), ("Res1", c_int32), ("Res2", c_int32), ("Res3", c_int32),
        ("ImWidth", c_uint16), ("ImHeight", c_uint16), ("EDRShutter16", c_uint16),
        ("Serial", c_uint32), ("Saturation", c_int32), ("Res5", c_uint8),
        ("AutoExposure", c_uint32), ("bFlipH", c_uint32), ("bFlipV", c_uint32),
        ("Grid", c_uint32), ("FrameRate", c_uint32), ("Shutter", c_uint32),
        ("EDRShutter", c_uint32), ("PostTrigger", c_uint32), ("FrameDelay", c_uint32),
        ("bEnableColor", c_uint32), ("CameraVersion", c_uint32), ("FirmwareVersion", c_uint32),
        ("SoftwareVersion", c_uint32), ("RecordingTimeZone", c_int32), ("CFA", c_uint32),
        ("Bright", c_int32), ("Contrast", c_int32), ("Gamma", c_int32), ("Res21", c_uint32),
        ("AutoExpLevel", c_uint32), ("AutoExpSpeed", c_uint32), ("AutoExpRect", c_int32 * 4),
        ("WBGain", c_float * 8), ("Rotate", c_int32), ("WBView", c_float * 2),
        ("RealBPP", c_uint32), ("BetweenBppAndShutter", c_uint8 * 668), ("ShutterNs", c_uint32),
        ("Rest", c_uint8 * 6000),
    ]  # fmt: skip


def write(path, counts, **said):
    """A cine of grey frames (T, Y, X), the notes before each frame of another length.

    said : fields of the structures that shall be otherwise, and `times_s`.
    """
    n, height, width = counts.shape
    times_s = said.pop("times_s", None)
    setup = Setup(Mark=b"ST", Length=ctypes.sizeof(Setup), FrameRate=50_000, ShutterNs=2500)
    setup.RealBPP = 8 if counts.dtype == np.uint8 else 12
    bitmap = BitmapHeader(40, width, height, 1, 8 * counts.itemsize, 0, counts[0].nbytes)
    header = FileHeader(b"CI", 44, 0, 1, -100, 900, -20, n, 44, 84)
    blocks = block(1500, b"a kind that is not read")
    if times_s is not None:
        ticks = np.round(np.asarray(times_s) * 2**32).astype(np.int64) + (1_700_000_000 << 32)
        blocks += block(1002, ticks.astype("<u8").tobytes())
    header.OffImageOffsets = 84 + ctypes.sizeof(Setup) + len(blocks)
    for name, value in said.items():
        owner = next(s for s in (setup, bitmap, header) if hasattr(s, name))
        setattr(owner, name, value)
    frames, offsets = b"", []
    for t, frame in enumerate(counts):
        offsets.append(84 + ctypes.sizeof(Setup) + len(blocks) + 8 * n + len(frames))
        pixels = frame[::-1].tobytes()  # a bitmap begins with its lowest row
        sizes = np.array([8 + 4 * t, len(pixels)], "<u4")
        frames += sizes[:1].tobytes() + b"n" * (4 * t) + sizes[1:].tobytes() + pixels
    table = np.array(offsets, "<i8").tobytes()
    path.write_bytes(bytes(header) + bytes(bitmap) + bytes(setup) + blocks + table + frames)
    return path


def block(kind, content):
    size = np.array([8 + len(content)], "<u4").tobytes()
    return size + np.array([kind, 0], "<u2").tobytes() + content


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_frames_come_upright_as_they_were_counted(tmp_path, frames, dtype):
    counts = (frames >> 4).astype(dtype) if dtype == np.uint8 else frames
    with read_stack(write(tmp_path / "a.cine", counts)) as stack:
        assert stack.shape == counts.shape
        assert stack.dtype == dtype
        for t in (5, 0, 3):
            np.testing.assert_array_equal(stack[t], counts[t])
            assert stack[t].flags.c_contiguous
        assert stack.experiment.frame_rate_hz == 50_000
        assert stack.experiment.pixel_size_um is None
        bits = 8 if dtype == np.uint8 else 12
        assert stack.notes == (
            f"Phantom camera, {bits} bit, shutter 2.5 us, "
            "first frame is number -20 of the recording, 0 at the trigger",
        )


def test_time_stamps_confirm_the_rate_that_was_set(tmp_path, frames):
    times_s = np.arange(6) / 50_000
    with read_stack(write(tmp_path / "a.cine", frames, times_s=times_s)) as stack:
        assert stack.experiment.frame_rate_hz == 50_000
        assert len(stack.notes) == 1


def test_time_stamps_win_over_the_rate_that_was_set(tmp_path, frames):
    """Every tenth frame was saved, or the camera ran by an external clock."""
    times_s = np.arange(6) / 5_000
    with read_stack(write(tmp_path / "a.cine", frames, times_s=times_s)) as stack:
        assert stack.experiment.frame_rate_hz == pytest.approx(5_000, rel=1e-4)
        assert "5000 Hz by the time stamps, the camera was set to 50000 Hz" in stack.notes[-1]


def test_missing_frames_show_in_the_time_stamps(tmp_path, frames):
    times_s = np.array([0, 1, 2, 4, 5, 6]) / 50_000
    with read_stack(write(tmp_path / "a.cine", frames, times_s=times_s)) as stack:
        assert stack.experiment.frame_rate_hz == 50_000
        assert "time stamps are not even after frame 2" in stack.notes[-1]


def test_time_stamps_that_run_backward_are_not_used(tmp_path, frames):
    times_s = -np.arange(6) / 5_000
    with read_stack(write(tmp_path / "a.cine", frames, times_s=times_s)) as stack:
        assert stack.experiment.frame_rate_hz == 50_000
        assert "not used" in stack.notes[-1]


def test_a_flip_of_the_display_is_told_not_applied(tmp_path, frames):
    with read_stack(write(tmp_path / "a.cine", frames, bFlipV=1)) as stack:
        np.testing.assert_array_equal(stack[2], frames[2])
        assert any("flipped" in note for note in stack.notes)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"Compression": 1}, "compressed or in colour"),
        ({"Compression": 2}, "compressed or in colour"),
        ({"CFA": 3}, "compressed or in colour"),
        ({"biBitCount": 24}, "compressed or in colour"),
        ({"biCompression": 256}, "packed 10 bit"),
        ({"biCompression": 1024}, "packed 12 bit"),
        ({"biCompression": 4}, "of kind 4, 16 bit"),
        ({"Version": 0}, "not a Phantom cine"),
        ({"Type": b"BM"}, "not a Phantom cine"),
        ({"Mark": b"XX"}, "camera settings are not found"),
        ({"OffSetup": 2**32 - 1}, "a.cine"),
        ({"OffImageOffsets": 2**32 - 1}, "promises 6 frames, it holds 0"),
        ({"ImageCount": 2**32 - 1}, "promises 4294967295 frames"),
        ({"ImageCount": 0}, "states 0 frames"),
        ({"biHeight": -32}, "of 48 x -32"),
        ({"biWidth": 47}, "frame 0 has 3,072 bytes, expected 3,008"),
    ],
)
def test_what_cannot_be_read_rightly_is_refused_in_one_line(tmp_path, frames, said, words):
    path = write(tmp_path / "a.cine", frames, **said)
    with pytest.raises(ValueError, match=words) as refusal:
        read_stack(path)
    assert "\n" not in str(refusal.value)


def test_a_truncated_cine_tells_how_many_frames_it_holds(tmp_path, frames):
    path = write(tmp_path / "a.cine", frames)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="promises 6 frames, it holds 5"):
        read_stack(path)


@given(st.data())
def test_no_cine_surprises_the_reader(tmp_path_factory, data):
    """Cut anywhere, any byte changed: it opens, or is refused by name."""
    path = tmp_path_factory.mktemp("fuzz") / "a.cine"
    times_s = np.arange(3) / 1000
    content = bytearray(write(path, np.zeros((3, 4, 4), np.uint16), times_s=times_s).read_bytes())
    places = st.one_of(st.integers(0, 1660), st.integers(0, len(content) - 1))
    for place in data.draw(st.lists(places, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        stack = read_stack(path)
        first = stack[0]
    except ValueError as error:
        refused = str(error)
    else:
        stack.close()
        assert first.shape == stack.frame_shape
        return
    assert "a.cine" in refused
