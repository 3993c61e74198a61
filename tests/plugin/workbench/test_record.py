"""The workspace file: everything comes back, a moved folder works, nothing hostile gets in."""

from __future__ import annotations

import json

import pytest

from napari_amseg.measure import MeasureSettings
from napari_amseg.plugin.form_records.model import ModelRecord
from napari_amseg.plugin.form_records.records import Forms, LoadForm, MeasureForm, PreprocessForm
from napari_amseg.plugin.workbench.record import (
    FORMAT_VERSION,
    ImageRecord,
    LabelsRecord,
    LayerRecord,
    Workspace,
    format_version_of,
    read_workspace,
    workspace_text,
)
from napari_amseg.preprocess import Background, Chain, Crop, FlatField
from napari_amseg.types import Experiment

KNOWN = Experiment(experiment="run12", pixel_size_um=4.31, frame_rate_hz=40_000.0)


def workspace(base, elsewhere="/somewhere/else") -> Workspace:
    """One of everything, files below `base` and elsewhere."""
    flat = FlatField(flat=str(base / "flats" / "flat.tif"), sha256=("ab", "cd"))
    chain = Chain((flat, Crop(y1=20), Background()))
    image = ImageRecord(
        (f"{base}/raw/scan.nxs::entry/data", f"{elsewhere}/b.tif"), (3, 32, 48), "uint16",
        {0: "aa", 2: "bb"}, (1.5, 900.0), "gray", KNOWN, chain,
    )  # fmt: skip
    run = {"files": [str(base / "raw" / "a.tif")], "settings": {"segment": {"batch_size": 8}}}
    labels = LabelsRecord(str(base / "w" / "a_labels.tif"), "ff", (3, 32, 48), 3, KNOWN, run=run)
    place = {"scale": (1.0, 4.31, 4.31), "translate": (0.0, 43.1, 0.0), "unit": "micrometer"}
    forms = Forms(
        LoadForm(str(base / "raw" / "*.tif"), KNOWN),
        PreprocessForm("run12", chain),
        measure=MeasureForm(settings=MeasureSettings(min_pore_area_px=4), within=(3, 9)),
        incomplete={"Train": "no"},
    )
    return Workspace(
        (
            LayerRecord("run12", **place, image=image),
            LayerRecord("l", **place, visible=False, labels=labels),
        ),
        ModelRecord("mine", "0123", str(base / "models" / "mine")),
        forms,
        7,
        ("Load", "Measure"),
    )


def written(path, kept) -> dict:
    record = workspace_text(kept, path.parent)
    path.write_text(json.dumps(record), encoding="utf-8")
    return record


def test_everything_comes_back(tmp_path):
    kept, path = workspace(tmp_path), tmp_path / "run12.amseg.json"
    written(path, kept)
    read = read_workspace(path)
    assert read.made_by.startswith("napari-amseg")
    assert (read.layers, read.model, read.forms) == (kept.layers, kept.model, kept.forms)
    assert (read.frame, read.docks) == (kept.frame, kept.docks)
    assert format_version_of(path) == FORMAT_VERSION


def test_a_moved_folder_is_found_below_the_workspace(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir(), new.mkdir()
    record = written(new / "run12.amseg.json", workspace(old))
    assert str(old) in json.dumps(record)  # written elsewhere, so complete
    record = workspace_text(workspace(old), old)
    assert str(old) not in json.dumps(record)
    (new / "run12.amseg.json").write_text(json.dumps(record), encoding="utf-8")
    read = read_workspace(new / "run12.amseg.json")
    assert read.layers == workspace(new).layers
    assert read.layers[0].image.address == (
        f"{new}/raw/scan.nxs::entry/data",
        "/somewhere/else/b.tif",
    )
    assert read.layers[0].image.chain.steps[0].flat == str(new / "flats" / "flat.tif")
    assert read.layers[1].labels.run["files"] == [str(new / "raw" / "a.tif")]


def changed(record, where, value):
    """The record with another value at a path of keys."""
    inner = record
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    return record


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("format",), "something", "does not say"),
        (("format_version",), FORMAT_VERSION + 1, "update napari-amseg"),
        (("format_version",), "1", "format version"),
        (("format_version",), True, "format version"),
        (("layers",), {"a": 1}, "expected a list"),
        (("layers", 0), None, "expected a record"),
        (("layers", 0, "name"), 5, "name is 5"),
        (("layers", 0, "scale"), [1, 0, 1], "its scale is"),
        (("layers", 0, "scale"), [1, 1], "3 are expected"),
        (("layers", 0, "scale"), [1, 10**400, 1], "too large"),
        (("layers", 0, "opacity"), 5, "0 to 1"),
        (("layers", 0, "image"), None, "either an image or labels"),
        (("layers", 0, "image", "hashes"), {"x": "a"}, "whole numbers"),
        (("layers", 0, "image", "address"), "a.tif", "expected a list"),
        (("layers", 0, "image", "experiment", "pixel_size_um"), -1, "pixel_size_um"),
        (("layers", 0, "image", "chain", "steps", 0, "flat"), 5, "flat"),
        (("layers", 0, "image", "chain", "steps", 1, "y1"), "x", "y1"),
        (("layers", 0, "image", "chain", "steps", 1, "step"), "rm", "unknown"),
        (("layers", 1, "labels", "file"), "a\0b", "zero character"),
        (("layers", 1, "labels", "scheme"), [{"code": 1}], "label scheme"),
        (("forms", "measure", "settings", "min_pore_area_px"), -1, "min_pore_area_px"),
        (("forms", "measure", "settings", "min_pore_area_px"), [], "expected float"),
        (("forms", "measure", "within"), [9, 3], "range"),
        (("forms", "evil"), 1, "unknown"),
        (("frame",), 1.5, "expected int"),
        (("frame",), True, "expected int"),
        (("docks",), [1], "docks 1"),
    ],
)  # fmt: skip
def test_what_it_must_not_hold_is_refused_in_one_line(tmp_path, where, value, said):
    path = tmp_path / "run12.amseg.json"
    record = changed(written(path, workspace(tmp_path)), where, value)
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ValueError, match=said) as refused:
        read_workspace(path)
    assert str(refused.value).startswith("run12.amseg.json: not a readable workspace")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[1]", b"null", b"{", b'"xxx', b"[" * 100_000, b'{"format": NaN}'],
)
def test_what_is_no_record_is_refused(tmp_path, content):
    path = tmp_path / "x.amseg.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a readable workspace"):
        read_workspace(path)
    assert format_version_of(path) is None


def test_a_record_nested_too_deeply_is_refused(tmp_path):
    path = tmp_path / "x.amseg.json"
    record = written(path, workspace(tmp_path))
    text = json.dumps(changed(record, ("layers", 1, "labels", "run"), {"a": "DEEP"}))
    path.write_text(text.replace('"DEEP"', '{"a":' * 900 + "1" + "}" * 900), encoding="utf-8")
    with pytest.raises(ValueError, match="nested too deeply"):
        read_workspace(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "x.amseg.json"
    with path.open("wb") as file:
        file.truncate(2**27)  # sparse
    with pytest.raises(ValueError, match="134 MB"):
        read_workspace(path)
