"""Photron recordings: real counts in the right places, real spacing in time, clear refusals."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_amseg.io import read_stack
from napari_amseg.io.camera.frame_file import unpack_12bit

CIHX = """<?xml version="1.0" encoding="utf-8"?>
<cih>
  <imageFileInfo><fileFormat>{file_format}</fileFormat></imageFileInfo>
  <imageDataInfo>
    <resolution><width>{width}</width><height>{height}</height></resolution>
    <colorInfo><type>{colour}</type><bit>{bits}</bit></colorInfo>
    <effectiveBit><depth>{depth}</depth><side>{side}</side></effectiveBit>
  </imageDataInfo>
  <frameInfo>
    <recordedFrame>9000</recordedFrame><totalFrame>{frames}</totalFrame>
    <startFrame>{start}</startFrame><skipFrame>{step}</skipFrame>
  </frameInfo>
  <recordInfo>
    <recordRate>{rate}</recordRate><shutterSpeedNsec>{shutter}</shutterSpeedNsec>
  </recordInfo>
  <deviceInfo><deviceName>{camera}</deviceName></deviceInfo>
</cih>
"""
CIH = """#Camera Information Header
Date : 2024/3/11
Camera Type : {camera}
Record Rate(fps) : {rate}
Shutter Speed(s) : 1/200000
Original Total Frame : 9000
Total Frame : {frames}
Start Frame : {start}
Save Step : {step}
Image Width : {width}
Image Height : {height}
Color Type : {colour}
Color Bit : {bits}
File Format : {file_format}
EffectiveBit Depth : {depth}
EffectiveBit Side : {side}
Comment Text : Total Frame : 3
Shutter Type2(nsec) : {shutter}

#System Information:
OS : Windows
END

#Later block
Total Frame : 77
END
"""
SAID = {
    "file_format": "MRaw", "colour": "Mono", "side": "Lower", "start": -12, "step": 1,
    "rate": 50000, "shutter": 5000, "camera": "FASTCAM SA-Z type 2100K-M-64GB",
}  # fmt: skip


def pack(frames, bits):
    """Bytes of a .mraw, bit by bit: the highest bit of each pixel first in packed ones."""
    if bits == 12:
        shifts = np.arange(11, -1, -1)
        return np.packbits((frames[..., np.newaxis] >> shifts & 1).astype(np.uint8)).tobytes()
    return frames.astype("<u2" if bits == 16 else "u1").tobytes()


def write(path, counts, stored, *, data=None, **said):
    """A header at `path`, its .mraw beside it."""
    n, height, width = counts.shape
    own = {"depth": min(stored, 12), "bits": stored, "frames": n, "height": height, "width": width}
    text = (CIHX if path.suffix == ".cihx" else CIH).format(**{**own, **SAID, **said})
    begin = b"!!! This file can not be edited. !!!\0\0\x80\xf6<\xb5o\xa9CIHX\1\0\0\0"
    path.write_bytes((begin if path.suffix == ".cihx" else b"") + text.encode())
    path.with_suffix(".mraw").write_bytes(pack(counts, stored) if data is None else data)
    return path


@pytest.mark.parametrize("opened", [".cihx", ".cih", ".mraw"])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_every_depth_gives_its_counts_by_header_and_by_data(tmp_path, frames, bits, opened):
    frames = frames >> 4 if bits == 8 else frames
    header = write(tmp_path / ("run" + (".cihx" if opened == ".mraw" else opened)), frames, bits)
    with read_stack(tmp_path / f"run{opened}") as stack:
        assert stack.shape == frames.shape
        assert stack.dtype == (np.uint8 if bits == 8 else np.uint16)
        for t in (5, 0, 3):
            np.testing.assert_array_equal(stack[t], frames[t])
            assert stack[t].dtype == stack.dtype
            assert stack[t].flags.writeable
        assert stack.experiment.frame_rate_hz == 50_000
        assert stack.experiment.pixel_size_um is None
        assert stack.address == (str(header),)
        assert stack.files == (str(tmp_path / "run.mraw"), str(header))
        assert stack.notes == (
            "FASTCAM SA-Z type 2100K-M-64GB, shutter 5 us, "
            "first frame is number -12 of the recording",
        )
    with read_stack(stack.address) as again:
        np.testing.assert_array_equal(again[1], frames[1])


@pytest.mark.parametrize("side", ["Higher", "Upper"])
@pytest.mark.parametrize("bits", [12, 16])
def test_counts_moved_up_in_a_pixel_are_moved_down_again(tmp_path, frames, bits, side):
    counts = frames >> 2  # 10 bit
    path = write(tmp_path / "a.cih", counts << bits - 10, bits, depth=10, side=side)
    with read_stack(path) as stack:
        np.testing.assert_array_equal(np.stack(list(stack)), counts)


@pytest.mark.parametrize("suffix", [".cih", ".cihx"])
def test_frames_that_were_left_out_on_saving_count_in_the_frame_rate(tmp_path, frames, suffix):
    with read_stack(write(tmp_path / f"a{suffix}", frames, 16, step=36, rate=60000)) as stack:
        assert stack.experiment.frame_rate_hz == pytest.approx(60000 / 36)
        assert "saved was one frame in 36 of 60000 a second" in stack.notes


@given(arrays(np.uint16, st.tuples(st.integers(1, 60), st.just(2)), elements=st.integers(0, 4095)))
def test_unpacking_undoes_packing(pixels):
    packed = np.frombuffer(pack(pixels, 12), np.uint8)
    np.testing.assert_array_equal(unpack_12bit(packed), pixels.ravel())


@given(st.binary(max_size=300).map(lambda b: b[: len(b) // 3 * 3]))
def test_unpacking_takes_the_higher_bits_first(packed):
    bits = np.unpackbits(np.frombuffer(packed, np.uint8)).reshape(-1, 12)
    expected = bits.astype(int) @ (1 << np.arange(11, -1, -1))
    np.testing.assert_array_equal(unpack_12bit(np.frombuffer(packed, np.uint8)), expected)


def test_real_recordings_agree_with_a_bitwise_decoding(real_data):
    folder = real_data / "formats"
    sixteen = np.fromfile(folder / "beam.mraw", "<u2").reshape(4, 80, 1024)
    with read_stack(folder / "beam.cihx") as stack:
        np.testing.assert_array_equal(np.stack(list(stack)), sixteen)
        # A hammer leaves the field of view between two frames: 50 ms are likely, 20 us are not.
        assert stack.experiment.frame_rate_hz == 50_000 / 2500
        assert stack.dtype == np.uint16
        assert sixteen.max() == 4095
    bits = np.unpackbits(np.fromfile(folder / "ball_12bit.mraw", np.uint8)).reshape(-1, 12)
    twelve = (bits.astype(np.uint16) @ (1 << np.arange(11, -1, -1))).reshape(15, 384, 384)
    with read_stack(folder / "ball_12bit.mraw") as stack:
        ball = np.stack(list(stack))
        assert stack.experiment.frame_rate_hz == 30_000
    np.testing.assert_array_equal(ball, twelve)
    # It is a picture: a dark ball before a bright wall that falls, smooth but for its edges.
    assert np.median(np.abs(np.diff(ball.astype(int), axis=2))) < 40
    rows = [np.flatnonzero((frame[:300] < 1500).any(axis=1)).max() for frame in ball]
    assert all(np.diff(rows) >= 0)


def test_threads_may_read_any_frame(tmp_path, frames):
    many = np.concatenate([frames] * 20)
    path = write(tmp_path / "a.cihx", many, 12)
    order = np.random.default_rng(1).permutation(len(many)).tolist()
    with read_stack(path) as stack, ThreadPoolExecutor(8) as pool:
        for t, frame in zip(order, pool.map(stack.read, order), strict=True):
            np.testing.assert_array_equal(frame, many[t])


def test_memory_does_not_grow_with_the_recording(tmp_path):
    path = write(tmp_path / "a.cihx", np.zeros((1, 64, 64), np.uint16), 12, frames=2000)
    with (tmp_path / "a.mraw").open("wb") as file:
        file.truncate(2000 * 64 * 64 * 3 // 2)
    tracemalloc.start()
    with read_stack(path) as stack:
        for frame in stack:
            assert frame.shape == (64, 64)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20  # 16 MB in all


def test_a_missing_partner_is_named(tmp_path, frames):
    path = write(tmp_path / "a.cihx", frames, 16)
    (tmp_path / "a.mraw").rename(tmp_path / "b.mraw")
    with pytest.raises(FileNotFoundError, match=r"there is no a\.mraw beside it"):
        read_stack(path)
    with pytest.raises(FileNotFoundError, match=r"there is no b\.cihx or \.cih beside it"):
        read_stack(tmp_path / "b.mraw")


def test_upper_case_names_are_found(tmp_path, frames):
    path = write(tmp_path / "a.cihx", frames, 16)
    upper = path.rename(tmp_path / "a.CIHX")
    (tmp_path / "a.mraw").rename(tmp_path / "a.MRAW")
    for name in ("a.CIHX", "a.MRAW"):
        with read_stack(tmp_path / name) as stack:
            assert stack.address == (str(upper),)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_a_truncated_recording_tells_how_many_frames_it_holds(tmp_path, frames, bits):
    frames = frames >> 4 if bits == 8 else frames
    path = write(tmp_path / "a.cihx", frames, bits, data=pack(frames, bits)[:-1])
    with pytest.raises(ValueError, match=r"a\.mraw: is truncated.* promises 6 frames.* holds 5"):
        read_stack(path)


def test_data_of_another_length_are_not_of_this_header(tmp_path, frames):
    with pytest.raises(ValueError, match="holds 18,432 bytes, 8 such frames"):
        read_stack(write(tmp_path / "a.cihx", frames, 12, data=pack(frames, 16)))
    few = write(tmp_path / "b.cihx", frames, 12, data=pack(frames, 12) + b"\0" * 100)
    with read_stack(few) as stack:
        assert stack.notes[-1] == "100 bytes beyond the last frame are not read"
        np.testing.assert_array_equal(stack[5], frames[5])


def test_a_file_cut_while_it_is_open_is_told(tmp_path, frames):
    path = write(tmp_path / "a.cihx", frames, 16)
    with read_stack(path) as stack:
        with (tmp_path / "a.mraw").open("r+b") as file:
            file.truncate(100)
        with pytest.raises(ValueError, match="cut short while it was open"):
            stack.read(3)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"colour": "Color", "bits": 24}, "pixels are Color"),
        ({"colour": "Bayer"}, "expected grey"),
        ({"colour": "Raw", "camera": "FASTCAM Nova S16 type 1100K-C-64GB"}, "expected grey"),
        ({"bits": 10, "depth": 10}, "read are 8, 12 and 16 bit"),
        ({"bits": 12, "depth": 16}, "read are 8, 12 and 16 bit"),
        ({"side": "middle"}, "read are 8, 12 and 16 bit"),
        ({"file_format": "TIFF"}, "its frames are TIFF files"),
        ({"width": "none"}, "states the width 'none'"),
        ({"width": 0}, "states the width '0'"),
        ({"height": -3}, "states the height '-3'"),
        ({"frames": 0}, "states the frames '0'"),
        ({"frames": "9" * 5000}, "states the frames '9999"),
        ({"frames": 2_000_000_000, "width": 9_999_999_999}, "it holds 0"),
        ({"step": "x"}, "states the save step 'x'"),
        ({"bits": 12, "width": 3, "height": 3}, "an odd number of 12 bit pixels"),
        ({"depth": ""}, "does not state the effective bit depth"),
    ],
)
@pytest.mark.parametrize("suffix", [".cih", ".cihx"])
def test_what_cannot_be_read_rightly_is_refused_in_one_line(tmp_path, frames, suffix, said, words):
    path = write(tmp_path / f"a{suffix}", frames, 16, **said)
    with pytest.raises(ValueError, match=words) as refusal:
        read_stack(path)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400 + len(str(tmp_path))


def test_raw_pixels_of_a_camera_of_unknown_kind_are_taken_as_grey_and_said_so(tmp_path, frames):
    with read_stack(write(tmp_path / "a.cihx", frames, 12, colour="Raw", camera="X")) as stack:
        assert any("taken as grey" in note for note in stack.notes)


def test_no_rate_in_the_header_means_none_is_known(tmp_path, frames):
    with read_stack(write(tmp_path / "a.cihx", frames, 16, rate=0)) as stack:
        assert stack.experiment.frame_rate_hz is None
    with read_stack(write(tmp_path / "b.cih", frames, 16, rate="inf")) as stack:
        assert stack.experiment.frame_rate_hz is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a header",
        b"<cih>",
        b"</cih><cih>",
        b"<cih><a></cih>",
        b"<cih>\0</cih>",
        b"<cih><imageFileInfo/></cih>",
        b'<!DOCTYPE cih [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><cih>&b;</cih>',
        b"<cih>" + b"<a>" * 300_000 + b"</a>" * 300_000 + b"</cih>",
        b"<cih>" + b" " * 5_000_000 + b"</cih>",
    ],
)
def test_what_is_no_header_is_refused(tmp_path, content):
    (tmp_path / "a.cihx").write_bytes(content)
    (tmp_path / "a.mraw").write_bytes(b"\0" * 100)
    with pytest.raises(ValueError, match=r"a\.cihx: .*(header|entities)"):
        read_stack(tmp_path / "a.cihx")


@given(st.binary(max_size=400))
def test_no_bytes_in_a_header_surprise_the_reader(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "a.mraw").write_bytes(b"\0" * 100)
    for name in ("a.cih", "a.cihx"):
        (folder / name).write_bytes(content)
        with pytest.raises(ValueError, match=name):
            read_stack(folder / name)


@pytest.mark.parametrize("encoding", ["cp932", "latin-1", "utf-8-sig"])
def test_comments_in_any_encoding_do_no_harm(tmp_path, frames, encoding):
    path = write(tmp_path / "a.cih", frames, 16, camera="溶接" if encoding == "cp932" else "Köln")
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    with read_stack(path) as stack:
        assert len(stack) == 6


def test_a_folder_with_one_recording_is_that_recording(tmp_path, frames):
    path = write(tmp_path / "a.cihx", frames, 16)
    (tmp_path / "a.cih").write_text("an older header")
    (tmp_path / "notes.txt").write_text("")
    with read_stack(tmp_path) as stack:
        assert stack.address == (str(path),)
    with read_stack(str(tmp_path / "*.mraw")) as stack:
        assert stack.address == (str(path),)
    with read_stack([tmp_path / "a.mraw", path]) as stack:
        assert stack.address == (str(path),)
    write(tmp_path / "b.cihx", frames, 16)
    with pytest.raises(ValueError, match=r"2 stacks in it, a\.cihx, b\.cihx: name one"):
        read_stack(tmp_path)
    with pytest.raises(ValueError, match="stack of its own"):
        read_stack([tmp_path / "a.mraw", tmp_path / "b.mraw"])


def test_pictures_saved_with_a_header_are_a_sequence(tmp_path, frames):
    """A recording saved as TIFF has a header too, but no .mraw."""
    import tifffile

    write(tmp_path / "a.cihx", frames, 16, file_format="TIFF")
    (tmp_path / "a.mraw").unlink()
    for t, frame in enumerate(frames):
        tifffile.imwrite(tmp_path / f"a{t:06d}.tif", frame)
    with read_stack(tmp_path) as stack:
        assert stack.shape == frames.shape
        assert stack.notes == ("not part of the numbered sequence: a.cihx",)
