"""Stacks and masks as videos and film strips: right frames, right colours, or a clear error."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace

import matplotlib
import numpy as np
import pytest

from napari_amseg.labels import Label, LabelScheme
from napari_amseg.pipeline.video import (
    VideoRequest,
    _limits,
    chosen_frames,
    write_film_strip,
    write_video,
)
from napari_amseg.report.panels import rgb
from napari_amseg.report.video import VideoFrames, VideoSettings
from napari_amseg.types import Experiment, stack_from_array

KNOWN = Experiment(pixel_size_um=2.0, frame_rate_hz=1e4)


@pytest.fixture
def request_of(drawn_frames, tmp_path):
    """A request for the drawn frames, with changes."""
    images, labels = (stack_from_array(a, experiment=KNOWN) for a in drawn_frames)

    def make(name="out.mp4", **changes):
        return VideoRequest(
            **{"stack": images, "labels": labels, "truth": labels, "path": tmp_path / name}
            | changes
        )

    return make


def read_video(path):
    imageio = pytest.importorskip("imageio.v2")
    with imageio.get_reader(path) as reader:
        return np.stack(list(iter(reader))), reader.get_meta_data()


def test_frames_show_the_colours_of_the_classes_where_the_labels_are(request_of, drawn_frames):
    settings = VideoSettings(fps=5, opacity=1.0, crf=10)
    request = request_of(settings=settings, limits=(0, 255))
    assert list(write_video(request)) == list(range(8))
    video, known = read_video(request.path)
    assert known["fps"] == 5
    layout = VideoFrames(
        (32, 48), request.titles, request.scheme, dtype=np.uint8, limits=(0, 255),
        time=_time(request), pixel_size_um=2.0, settings=settings,
    ).layout  # fmt: skip
    assert video.shape == (8, *layout.shape, 3)
    (high, wide), zoom = layout.panel, layout.panel[0] // 32
    assert zoom > 2
    for t in (0, 5):
        codes = drawn_frames[1][t].repeat(zoom, 0).repeat(zoom, 1)
        for y, x in layout.corners[1:]:
            panel = video[t, y : y + high, x : x + wide].astype(float)
            for label in (Label.KEYHOLE, Label.PORE):
                color = next(c.color for c in request.scheme.classes if c.code == label)
                inside = panel[_core(codes == label)]
                np.testing.assert_allclose(np.median(inside, axis=0), rgb(color), atol=12)


def _core(mask):
    """The mask without its outermost 4 px, which compression mixes with the outline."""
    for _ in range(4):
        mask = mask & np.roll(mask, 1, 0) & np.roll(mask, -1, 0)
        mask = mask & np.roll(mask, 1, 1) & np.roll(mask, -1, 1)
    return mask


def _time(request):
    from napari_amseg.report.captions import TimeScale

    return TimeScale(len(request.stack), request.experiment.frame_rate_hz)


def test_chosen_frames_in_the_chosen_order(request_of):
    request = request_of(frames="1:7:3,0", truth=None, settings=VideoSettings(video_width=401))
    assert list(write_video(request)) == [1, 4, 0]
    video, _ = read_video(request.path)
    assert len(video) == 3
    assert video.shape[2] == 402
    assert request.titles == ("Raw", "Segmentation")


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("", list(range(10))), ("2:5", [2, 3, 4]), ("::4", [0, 4, 8]), ("-2:", [8, 9]),
        ("7, 3", [7, 3]), ("-1", [9]), ("0:2,9", [0, 1, 9]), ("5:99", [5, 6, 7, 8, 9]),
    ],
)  # fmt: skip
def test_frames_are_read_as_written(text, frames):
    assert chosen_frames(text, 10) == frames


def test_spread_frames_are_the_middle_of_equal_parts():
    assert chosen_frames("", 40, spread=5) == [4, 12, 20, 28, 36]
    assert chosen_frames(" ", 3, spread=5) == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10", "the last is 9"), ("a:b", "write A:B"), ("1:2:3:4", "write A:B"),
        ("5:5", "name none"), ("1,,2", "write A:B"), ("::0", "write A:B"), ("1.5", "write A:B"),
    ],
)  # fmt: skip
def test_frames_that_are_not_there_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        chosen_frames(text, 10)


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.pdf", b"%PDF"), ("a.svg", b"<?xml")]
)
def test_film_strips_are_written_by_suffix(request_of, name, start, tmp_path):
    request = request_of(name)
    assert write_film_strip(request) == [0, 2, 4, 5, 7]
    assert request.path.read_bytes().startswith(start)
    assert request.path.stat().st_size > 5000
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_view_shows_a_part_in_the_grey_values_of_the_whole(request_of, drawn_frames):
    whole, part = request_of("a.png"), request_of("b.png", view="4:20,8:40")
    assert part.view_shape == (16, 32)
    frame, (truth, labels) = part.read(3)
    np.testing.assert_array_equal(frame, drawn_frames[0][3, 4:20, 8:40])
    for codes in (truth, labels):
        np.testing.assert_array_equal(codes, drawn_frames[1][3, 4:20, 8:40])
    assert _limits(part) == _limits(whole)
    assert write_film_strip(part) == [0, 2, 4, 5, 7]


def test_the_legend_of_a_strip_names_the_classes_that_occur(request_of, drawn_frames):
    only = stack_from_array(np.where(drawn_frames[1] == Label.KEYHOLE, 1, 3).astype(np.uint8))
    request = request_of("a.svg", labels=only, truth=only)
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        write_film_strip(request)
    drawn = request.path.read_text()
    for name, there in (("keyhole", True), ("substrate", True), ("pore", False)):
        assert (f">{name}<" in drawn) == there, name


def test_titles_taller_than_their_rows_lie_level(request_of, drawn_frames):
    many = [stack_from_array(np.concatenate([a] * 2)) for a in drawn_frames]
    for frames, upright in (("0:2", True), ("0:12", False)):
        request = request_of("a.svg", stack=many[0], labels=many[1], truth=None, frames=frames,
                             view="0:12,:", overwrite=True)  # fmt: skip
        with matplotlib.rc_context({"svg.fonttype": "none"}):
            write_film_strip(request)
        line = next(x for x in request.path.read_text().splitlines() if ">Segmentation<" in x)
        assert ("rotate(-90)" in line or "rotate(-90 " in line) == upright


def test_a_strip_of_one_frame_and_one_of_too_many(request_of, drawn_frames):
    assert write_film_strip(request_of("one.png", frames="3", truth=None)) == [3]
    many = stack_from_array(np.concatenate([drawn_frames[0]] * 2))
    masks = stack_from_array(np.concatenate([drawn_frames[1]] * 2))
    request = request_of("many.png", frames=":", stack=many, labels=masks, truth=None)
    with pytest.raises(ValueError, match="are 16, too many"):
        write_film_strip(request)
    assert not request.path.exists()


@pytest.mark.parametrize(
    ("crop", "message"),
    [
        (np.s_[:, 1:], "are 31 x 48 px, the frames 32 x 48"),
        (np.s_[:5], "have 5 frames, the stack has 8"),
    ],
)
def test_labels_of_another_shape_are_refused_before_any_work(
    request_of, drawn_frames, crop, message
):
    other = stack_from_array(drawn_frames[1][crop])
    for which in ("labels", "truth"):
        with pytest.raises(ValueError, match=f"{which} {message}"):
            request_of(**{which: other})


def test_other_endings_existing_files_and_grey_labels_are_refused(
    request_of, drawn_frames, tmp_path
):
    with pytest.raises(ValueError, match=r"'\.avi'; write \.mp4"):
        request_of("a.avi")
    (tmp_path / "there.mp4").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="--overwrite"):
        request_of("there.mp4")
    request_of("there.mp4", overwrite=True)
    with pytest.raises(ValueError, match="labels hold float32"):
        request_of(labels=stack_from_array(drawn_frames[1].astype(np.float32)))
    assert (tmp_path / "there.mp4").read_bytes() == b"mine"


def test_unknown_codes_in_the_middle_leave_nothing_behind(request_of, drawn_frames, tmp_path):
    wrong = drawn_frames[1].astype(np.int32)
    wrong[5, 0, 0] = 300
    request = request_of("new/out.mp4", labels=stack_from_array(wrong))
    with pytest.raises(ValueError, match=r"labels: frame 5 holds label codes \[300\]"):
        list(write_video(request))
    with pytest.raises(ValueError, match=r"labels: frame 5 holds"):
        write_film_strip(replace(request, path=tmp_path / "new" / "a.png", frames="5"))
    assert not any(tmp_path.iterdir())


def test_a_closed_generator_leaves_nothing_behind(request_of, tmp_path):
    with closing(write_video(request_of())) as frames:
        assert next(frames) == 0
        assert next(frames) == 1
        assert any(tmp_path.iterdir())
    assert not any(tmp_path.iterdir())


def test_without_ffmpeg_the_remedy_is_told_and_strips_still_work(request_of, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=r"pip install 'napari-amseg\[video\]'"):
        next(write_video(request_of("new/out.mp4")))
    assert not any(tmp_path.iterdir())
    write_film_strip(request_of("strip.png"))


def test_pixel_size_and_rate_come_from_the_stack_then_from_the_labels(request_of, drawn_frames):
    plain = stack_from_array(drawn_frames[0])
    assert request_of(stack=plain).experiment == KNOWN
    assert request_of(stack=plain).notes == ()
    odd = stack_from_array(drawn_frames[0], experiment=Experiment(pixel_size_um=3.0))
    request = request_of(stack=odd)
    assert (request.experiment.pixel_size_um, request.experiment.frame_rate_hz) == (3.0, 1e4)
    assert request.notes == (
        "pixel size 3 um of the stack is used; the truth say 2 um",
        "pixel size 3 um of the stack is used; the labels say 2 um",
    )


def test_other_codes_and_boolean_masks(request_of, drawn_frames):
    scheme = LabelScheme.parse("keyhole=1")
    mask = stack_from_array(drawn_frames[1] == Label.KEYHOLE)
    request = request_of(labels=mask, truth=None, scheme=scheme, frames="0:2")
    assert list(write_video(request)) == [0, 1]


def test_blank_frames_make_a_video(request_of):
    blank = stack_from_array(np.full((2, 32, 48), 7, np.uint16))
    masks = stack_from_array(np.zeros((2, 32, 48), np.uint8))
    request = request_of(stack=blank, labels=masks, truth=None)
    assert list(write_video(request)) == [0, 1]
    video, _ = read_video(request.path)
    assert len(video) == 2
