"""Which files the *Measure* widget writes, and which it leaves alone."""

from __future__ import annotations

import json

import pytest

from napari_amseg.plugin.layers import KEY, LabelSource
from napari_amseg.plugin.measure.earlier_export import check_earlier, maker_of_labels
from napari_amseg.plugin.measure.job import origin_of
from napari_amseg.plugin.save_name import save_name
from napari_amseg.provenance import sha256
from napari_amseg.types import Experiment

RAW = [{"name": "raw.tif", "sha256": "ab"}]


@pytest.mark.parametrize(
    ("chosen", "columns", "written"),
    [
        ("run.svg", False, "run.svg"),
        ("run.PNG", False, "run.PNG"),
        ("run_0.5", False, "run_0.5.png"),
        ("run", False, "run.png"),
        ("run", True, "run.csv"),
        ("run_0.5", True, "run_0.5.csv"),
        ("run_shown.png", True, "run_shown.csv"),
    ],
)
def test_a_name_gets_the_ending_that_it_lacks(tmp_path, chosen, columns, written):
    assert save_name(tmp_path / chosen, columns=columns) == tmp_path / written


@pytest.mark.parametrize(("chosen", "columns"), [("run", False), ("run.png", True)])
def test_a_file_nobody_was_asked_about_is_not_replaced(tmp_path, chosen, columns):
    final = save_name(tmp_path / chosen, columns=columns)
    final.write_text("precious")
    with pytest.raises(FileExistsError, match="by its full name"):
        save_name(tmp_path / chosen, columns=columns)
    assert save_name(final) == final  # the dialogue asked about this one


def test_a_kind_of_file_that_is_not_written_is_refused(tmp_path):
    with pytest.raises(ValueError, match="svg"):
        save_name(tmp_path / "run.tif")


@pytest.fixture
def segmented(tmp_path):
    """A folder as a segmentation leaves it, tables measured again since."""
    labels = tmp_path / "run_labels.tif"
    labels.write_bytes(b"labels")
    made = {
        "inputs": RAW,
        "source": "/raw.tif",
        "outputs": [{"name": labels.name, "sha256": sha256(labels)}],
    }
    again = {"inputs": made["outputs"], "labels_made_by": made}
    (tmp_path / "run_frames.csv").write_text("frame\n0\n")
    (tmp_path / "run_run.json").write_text(json.dumps(again))
    return tmp_path


@pytest.mark.parametrize("own", ["inputs", "source", "opened"])
def test_results_of_the_same_stack_are_replaced(segmented, own):
    inputs = RAW if own == "inputs" else []
    opened = str((segmented / "run_labels.tif").resolve())
    source = {"inputs": None, "source": "/raw.tif", "opened": opened}[own]
    check_earlier(segmented, "run", inputs, source)


@pytest.mark.parametrize("source", [None, "/other.tif"])
def test_results_of_another_stack_are_not(segmented, source):
    with pytest.raises(FileExistsError, match=r"of /raw\.tif; choose another folder"):
        check_earlier(segmented, "run", [{"name": "raw.tif", "sha256": "cd"}], source)
    check_earlier(segmented, "other", [], source)
    (segmented / "run_run.json").unlink()
    with pytest.raises(FileExistsError, match="of unknown labels"):
        check_earlier(segmented, "run", RAW, "/raw.tif")


def test_two_datasets_of_one_file_are_two_stacks(segmented):
    made = {"inputs": RAW, "source": "/scan.h5::cam1/data"}
    (segmented / "run_run.json").write_text(json.dumps(made))
    with pytest.raises(FileExistsError, match=r"of /scan\.h5::cam1/data"):
        check_earlier(segmented, "run", RAW, "/scan.h5::cam2/data")
    check_earlier(segmented, "run", RAW, "/moved/scan.h5::cam1/data")


def test_labels_come_from_the_dataset_that_is_open(labels):
    from napari.layers import Labels

    def layer(source):
        return Labels(labels, metadata={KEY: source})

    run = {"files": ["/scan.h5"], "source": "/scan.h5::cam2/data"}
    assert origin_of(layer(LabelSource(Experiment(), run=run))) == run["source"]
    opened = LabelSource(Experiment(), address=("/masks.h5::cam2/labels",))
    assert origin_of(layer(opened)) == "/masks.h5::cam2/labels"
    assert origin_of(layer(LabelSource(Experiment()))) is None


def test_what_made_the_labels_is_kept_and_whether_they_were_edited(segmented):
    maker = maker_of_labels(segmented, "run")
    assert (maker["source"], maker["edited_since"]) == ("/raw.tif", False)
    (segmented / "run_labels.tif").write_bytes(b"corrected")
    assert maker_of_labels(segmented, "run")["edited_since"]
    assert maker_of_labels(segmented, "other") is None
