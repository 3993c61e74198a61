"""Videos are whole, play everywhere, and say why they could not be written."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from napari_amseg.io.video_writer import VideoWriter, ffmpeg_path


def test_frames_come_back_with_their_colours(tmp_path):
    imageio = pytest.importorskip("imageio.v2")
    colors = [(200, 30, 40), (20, 160, 60), (50, 60, 220), (128, 128, 128)]
    path = tmp_path / ".half.mp4.part"
    with VideoWriter(path, (48, 64), fps=12.5, crf=18) as video:
        for color in colors:
            video.append(np.full((48, 64, 3), color, np.uint8))
    final = path.rename(tmp_path / "whole.mp4")
    with imageio.get_reader(final) as reader:
        known = reader.get_meta_data()
        frames = list(iter(reader))
    assert (known["codec"], known["fps"], known["size"]) == ("h264", 12.5, (64, 48))
    assert known["pix_fmt"].startswith("yuv420p")
    assert len(frames) == len(colors)
    for frame, color in zip(frames, colors, strict=True):
        np.testing.assert_allclose(frame.reshape(-1, 3).mean(axis=0), color, atol=4)
    assert final.read_bytes().index(b"moov") < final.read_bytes().index(b"mdat")  # streams


def test_odd_sizes_and_other_frames_are_refused(tmp_path):
    with pytest.raises(ValueError, match="even numbers"):
        VideoWriter(tmp_path / "a.mp4", (33, 64), fps=10, crf=18)
    with (
        pytest.raises(ValueError, match=r"frame is \(48, 64\) uint8"),
        VideoWriter(tmp_path / "b.mp4", (48, 64), fps=10, crf=18) as video,
    ):
        video.append(np.zeros((48, 64), np.uint8))


def test_an_encoder_that_fails_says_why(tmp_path):
    def write(path):
        with VideoWriter(path, (480, 640), fps=10, crf=18) as video:
            for _ in range(30):
                video.append(np.zeros((480, 640, 3), np.uint8))

    with pytest.raises(OSError, match=r"ffmpeg could not write the video: .*No such file"):
        write(tmp_path / "missing" / "a.mp4")


def test_nothing_runs_on_after_an_error(tmp_path):
    with (
        pytest.raises(KeyboardInterrupt),
        VideoWriter(tmp_path / "a.mp4", (48, 64), fps=10, crf=18) as video,
    ):
        video.append(np.zeros((48, 64, 3), np.uint8))
        raise KeyboardInterrupt
    assert video._ffmpeg.poll() is not None


def test_without_the_extra_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=r"pip install 'napari-amseg\[video\]'"):
        ffmpeg_path()
