"""Files of the bad-input corpus in a real viewer: each ends in words, and the viewer goes on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from napari.utils.notifications import ErrorNotification, notification_manager
from qtpy.QtCore import Qt

sys.path.insert(0, str(Path(__file__).parents[1] / "robustness"))

import corpus_records
import corpus_stacks
from corpus import MAKERS

from napari_amseg.labels import Label

PATIENCE_MS = 300_000  # against hanging, on a loaded machine
# Each is refused when it is opened.
REFUSED = (
    "stacks/cut_pages_000008.tif", "stacks/empty.tif", "stacks/zeros.tif", "stacks/program.tif",
    "stacks/huge_both.tif", "stacks/huge_frames.tif", "stacks/huge_compressed.tif",
    "stacks/zero_width.tif", "stacks/loop_self.tif", "stacks/mixed_shapes.tif",
    "stacks/type_rgb.tif", "stacks/type_complex64.tif", "stacks/type_hyperstack.tif",
    "stacks/text.h5", "stacks/text.mraw", "stacks/not_there.tif", "folders/nothing",
    "folders/unnumbered", "folders/damaged", "folders/empty_member",
    "folders/dangling", "folders/other_shape", "hdf5/link_loop.h5",
    "hdf5/other_kind.h5", "hdf5/huge_frame.h5", "hdf5/words.h5", "photron/bomb.cihx",
    "photron/outside.cihx", "photron/frames_huge.cih", "photron/counts.cine",
)  # fmt: skip
# Opened, as every frame can be shown but the first.
LATER = ("stacks/flipped_zlib_data_00.tif", "stacks/flipped_predictor_data_01.tif")


@pytest.fixture(scope="session")
def bad(tmp_path_factory) -> Path:
    """The corpus of stacks, folders, recordings, chains and benchmarks."""
    folder = tmp_path_factory.mktemp("bad")
    for kind in ("stacks", "folders", "hdf5", "photron", "chains", "benchmarks"):
        (folder / kind).mkdir()
        list(MAKERS[kind](folder / kind))
    return folder


@pytest.fixture
def usable(viewer, bad):
    """Check that the viewer still opens a sound stack and shows its frames."""

    def check() -> None:
        before = len(viewer.layers)
        (layer,) = viewer.open(str(bad / "stacks" / "sound_pages.tif"), plugin="napari-amseg")
        for t in (3, 0):
            viewer.dims.set_current_step(0, t)
            np.testing.assert_array_equal(np.asarray(layer.data[t]), corpus_stacks.grey()[t])
        viewer.layers.remove(layer)
        assert len(viewer.layers) == before

    return check


def one_line(text: str) -> bool:
    """Whether a message is one a user can read."""
    return 20 < len(text) < 600 and "Traceback" not in text and "Errno" not in text


def test_opening_is_refused_in_words(viewer, bad, usable):
    for name in REFUSED:
        with pytest.raises((ValueError, OSError)) as caught:  # napari makes a notification of it
            viewer.open(str(bad / name), plugin="napari-amseg")
        assert one_line(str(caught.value)), (name, str(caught.value))
        assert not viewer.layers, name
    usable()


@pytest.mark.parametrize("name", LATER)
def test_a_frame_that_cannot_be_read_leaves_the_others(viewer, bad, usable, name):
    with pytest.raises(ValueError, match=r"frame 0 .*\. Copy it again\.") as caught:
        viewer.open(str(bad / name), plugin="napari-amseg")
    assert one_line(str(caught.value))
    usable()
    viewer.layers.clear()


@pytest.mark.parametrize(
    "names", [REFUSED[::3], pytest.param(REFUSED, marks=pytest.mark.slow)], ids=["some", "all"]
)
def test_the_load_widget_says_why_and_goes_on(add_widget, viewer, bad, qtbot, names):
    load = add_widget("Load stack")
    for name in names:
        load.path.set_path(bad / name)
        qtbot.waitUntil(lambda: load.found.text() not in ("", "looking…"), timeout=PATIENCE_MS)
        assert one_line(load.found.text()), load.found.text()
        assert not load.load_button.isEnabled()
    load.path.set_path(bad / "stacks" / "sound_pages.tif")
    qtbot.waitUntil(lambda: "4 frames" in load.found.text(), timeout=PATIENCE_MS)
    qtbot.mouseClick(load.load_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1, timeout=PATIENCE_MS)


def test_chains_that_cannot_be_loaded_are_told(
    add_widget, viewer, bad, qtbot, usable, notifications
):
    viewer.open(str(bad / "stacks" / "sound_pages.tif"), plugin="napari-amseg")
    preprocess = add_widget("Preprocess")
    names = [
        name for name, outcome, _ in corpus_records.chains(_fresh(bad)) if outcome == "refused"
    ]
    assert len(names) > 30
    silent = []
    for name in names:
        before = len(notifications())
        preprocess.load_chain(bad / "chains" / name)
        if len(notifications()) == before:  # what only the stack can tell is told with the preview
            silent.append(name)
            qtbot.waitUntil(lambda: bool(preprocess.status.text()), timeout=PATIENCE_MS)
            assert one_line(preprocess.status.text())
        else:
            assert one_line(notifications()[-1]), notifications()[-1]
    assert "outside.json" in silent
    assert len(silent) < 6, silent
    preprocess.load_chain(bad / "chains" / "sound.json")
    qtbot.waitUntil(lambda: preprocess.apply_button.isEnabled(), timeout=PATIENCE_MS)
    qtbot.mouseClick(preprocess.apply_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Added" in preprocess.status.text(), timeout=PATIENCE_MS)
    usable()


def _fresh(bad: Path) -> Path:
    folder = bad / "chains again"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", ["record_gone", "record_list", "record_deep", "record_binary",
                                  "table_columns", "table_utf16", "not_there"])  # fmt: skip
def test_a_broken_benchmark_is_told_before_training(add_widget, bad, qtbot, usable, name):
    train = add_widget("Train")
    train.source.use_benchmark(bad / "benchmarks" / name)
    train.output.path.set_path(bad / "model")
    found = train.source.found
    qtbot.waitUntil(lambda: found.text() not in ("", "looking…"), timeout=PATIENCE_MS)
    assert one_line(found.text()), found.text()
    assert not train.start_button.isEnabled()
    train.source.use_benchmark(bad / "benchmarks" / "sound")
    qtbot.waitUntil(train.start_button.isEnabled, timeout=PATIENCE_MS)
    usable()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["split_header", "split_subset", "label_text", "image_empty"])
def test_damage_inside_a_benchmark_ends_the_training_in_words(
    add_widget, bad, qtbot, usable, tmp_path, name
):
    train = add_widget("Train")
    train.source.use_benchmark(bad / "benchmarks" / name)
    train.output.path.set_path(tmp_path / "model")
    qtbot.waitUntil(train.start_button.isEnabled, timeout=PATIENCE_MS)
    qtbot.mouseClick(train.start_button, Qt.MouseButton.LeftButton)
    said = train.status.text
    qtbot.waitUntil(lambda: not train.is_running and one_line(said()), timeout=PATIENCE_MS)
    assert not (tmp_path / "model").exists()
    usable()


@pytest.mark.parametrize(
    ("dtype", "code", "told"),
    [("int64", -1, "codes [-1]"), ("uint32", 70_000, "codes [70000]"), ("uint8", 99, "codes [99]"),
     ("int16", 300, "codes [300]"), ("int64", 2, ""), ("bool", 1, "")],
)  # fmt: skip
def test_labels_of_any_type_are_measured_or_refused(
    add_widget, viewer, qtbot, notifications, dtype, code, told
):
    labels = np.full((3, 24, 40), Label.KEYHOLE, dtype)
    labels[1, 2:9, 3:9] = code
    viewer.add_labels(labels)
    measure = add_widget("Measure")
    qtbot.mouseClick(measure.page.measure_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not measure.is_running, timeout=PATIENCE_MS)
    if told:
        assert told in notifications()[-1]
        assert measure.results is None
    else:
        assert measure.results.complete
    assert measure.page.measure_button.isEnabled()


@pytest.fixture
def workspace(viewer, add_widget, bad, qtbot, tmp_path, monkeypatch):
    """The Workbench with a stack and labels, and the record it saved."""
    monkeypatch.setenv("AMSEG_ANNOTATION_FOLDER", str(tmp_path / "annotation"))
    viewer.open(str(bad / "stacks" / "sound_pages.tif"), plugin="napari-amseg")
    tifffile.imwrite(tmp_path / "a_labels.tif", corpus_stacks.label_frames(),
                     photometric="minisblack")  # fmt: skip
    viewer.open(str(tmp_path / "a_labels.tif"), plugin="napari-amseg")
    workbench = add_widget("Workbench")
    qtbot.waitUntil(lambda: bool(workbench.docks.widgets()), timeout=PATIENCE_MS)
    workbench.desk.save(tmp_path / "sound")
    qtbot.waitUntil(lambda: not workbench.desk.busy, timeout=PATIENCE_MS)
    path = tmp_path / "sound.amseg.json"
    return workbench, path, json.loads(path.read_text())


def _hostile(record):
    """Workspaces with one thing wrong, as text."""
    image, labels = record["layers"]
    changed = {
        "list": [], "version": record | {"format_version": 10**30},
        "unknown": record | {"run": "rm -rf /"},
        "frame": record | {"frame": 10**30}, "frame text": record | {"frame": "3"},
        "frame negative": record | {"frame": -(10**30)},
        "docks": record | {"docks": ["../../x", "Segment\0"]},
        "forms": record | {"forms": {"Preprocess": {"chain": 5}}},
        "model": record | {"model": {"name": "x", "weights_sha256": "y", "folder": "/dev"}},
    }  # fmt: skip
    for name, change in {
        "passwd": {"address": ["/etc/passwd"]}, "nul": {"address": ["a\0.tif"]},
        "web": {"address": ["http://localhost:9/x.tif"]}, "no address": {"address": []},
        "device": {"address": ["/dev/zero"]}, "shape": {"shape": [10**9] * 3},
        "dtype": {"dtype": "object"}, "limits": {"contrast_limits": [5, 5]},
        "limits back": {"contrast_limits": [9, 1]}, "colormap": {"colormap": "no such thing"},
        "hashes": {"hashes": {"99999999999": "x"}}, "chain": {"chain": {"steps": [{"step": "x"}]}},
        "pixel": {"experiment": {"pixel_size_um": -1}},
    }.items():  # fmt: skip
        layer = image | {"image": image["image"] | change}
        changed[f"image {name}"] = record | {"layers": [layer, labels]}
    for name, change in {
        "scale": {"scale": [0, 0, 0]}, "scale words": {"scale": ["a", 1, 1]},
        "unit": {"unit": "parsec of cheese"}, "opacity": {"opacity": 7}, "name": {"name": ["x"]},
        "far": {"translate": [1e308, 1e308, 1e308]}, "tiny": {"scale": [1, 1e-300, 1]},
    }.items():  # fmt: skip
        changed[f"layer {name}"] = record | {"layers": [image | change, labels]}
    for name, change in {
        "file": {"file": "../../../../etc/passwd"}, "axes": {"n_axes": 7},
        "hash": {"sha256": "0"}, "scheme": {"scheme": [5]}, "run": {"run": [1]},
    }.items():  # fmt: skip
        layer = labels | {"labels": labels["labels"] | change}
        changed[f"labels {name}"] = record | {"layers": [image, layer]}
    texts = {name: json.dumps(change).encode() for name, change in changed.items()}
    return texts | {
        "empty": b"", "deep": b"[" * 200_000, "binary": bytes(range(256)), "cut": b'{"format": "na',
        "nan": texts["frame text"].replace(b'"3"', b"NaN"),
        "digits": texts["frame text"].replace(b'"3"', b"9" * 6000),
    }  # fmt: skip


# What cannot do harm is taken: frames are kept within the stack.
_TAKEN = {"frame", "frame negative"}


@pytest.mark.slow
def test_hostile_workspaces_are_refused_or_told(workspace, viewer, qtbot, notifications, usable):
    workbench, path, record = workspace
    hostile = _hostile(record)
    assert len(hostile) > 35
    silent = []
    for name, text in hostile.items():
        viewer.layers.clear()
        before = len(notifications())
        path.with_name("bad.amseg.json").write_bytes(text)
        workbench.desk.open(path.with_name("bad.amseg.json"))
        qtbot.waitUntil(lambda: not workbench.desk.busy, timeout=PATIENCE_MS)
        told = notifications()[before:]
        assert told, name
        assert not any(isinstance(n, ErrorNotification) for n in notification_manager.records), name
        assert all(len(line) < 600 for text in told for line in text.splitlines()), (name, told)
        if all(text.startswith("Opened") for text in told):
            silent.append(name)
    assert set(silent) <= _TAKEN, silent
    viewer.layers.clear()
    usable()
    workbench.desk.open(path)
    qtbot.waitUntil(lambda: not workbench.desk.busy, timeout=PATIENCE_MS)
    assert len(viewer.layers) == 2
