"""From a stack to files: the contract's columns, provenance, nothing half-written."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_amseg import read_stack, segment_stack
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.models import ModelCard, build, load_bundle, save_bundle
from napari_amseg.pipeline import RunRequest, quantify_to_files, segment_to_files
from napari_amseg.preprocess import Chain, Crop, Normalise
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.segment import MapSettings, PostSettings, SegmentSettings, postprocess

CONTRACT_FRAMES = [
    "frame", "time_s", "keyhole_area_px", "keyhole_area_um2", "keyhole_depth_px",
    "keyhole_depth_um", "pore_count", "pore_area_px", "pore_area_um2",
    "pore_max_equivalent_diameter_um",
]  # fmt: skip
CONTRACT_PORES = [
    "frame", "time_s", "track_id", "centroid_y_px", "centroid_x_px", "area_px", "area_um2",
    "equivalent_diameter_um", "depth_um", "circularity",
]  # fmt: skip
KERAS = SegmentSettings(engine="keras", batch_size=4)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    model = build("amsegnet", n_classes=5, filters=1)
    card = ModelCard("amsegnet", {"filters": 1}, chain=Chain((Normalise(),)))
    return save_bundle(tmp_path_factory.mktemp("models") / "tiny", model, card)


@pytest.fixture
def request_(tiff_file, tmp_path):
    stack = read_stack(tiff_file, pixel_size_um=2.0, frame_rate_hz=50_000)
    yield RunRequest(stack, tmp_path / "out", "run", segment=KERAS)
    stack.close()


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_file_of_the_contract(request_, bundle, tiff_file):
    segment_to_files(request_, bundle)
    folder = request_.folder
    kinds = ("labels.tif", "frames.csv", "pores.csv", "pore_tracks.csv", "summary.json", "run.json")
    assert {p.name for p in folder.iterdir()} == {f"run_{kind}" for kind in kinds}
    rows = table(folder / "run_frames.csv")
    assert list(rows[0])[: len(CONTRACT_FRAMES)] == CONTRACT_FRAMES
    assert [int(r["frame"]) for r in rows] == list(range(6))
    assert float(rows[5]["time_s"]) == pytest.approx(1e-4)
    header = (folder / "run_pores.csv").read_text().splitlines()[0].split(",")
    assert header[: len(CONTRACT_PORES)] == CONTRACT_PORES
    summary = json.loads((folder / "run_summary.json").read_text())
    assert summary["n_frames"] == 6
    assert {"keyhole_area_um2", "keyhole_depth_um", "scan_speed_m_s", "pore_count_total",
            "pore_fraction"} <= set(summary)  # fmt: skip
    assert set(summary["keyhole_area_um2"]) == {"mean", "delta_max", "delta_avg"}
    run = json.loads((folder / "run_run.json").read_text())
    digest = hashlib.sha256(tiff_file.read_bytes()).hexdigest()
    assert run["inputs"] == [{"name": "stack.tif", "sha256": digest}]
    assert (run["model"]["name"], run["model"]["sha256"]) == ("tiny", bundle.weights_sha256)
    assert run["model"]["input"]["steps"][0]["low"] is not None
    assert run["engine"]["name"] == "keras"
    assert {"frames", "load_model", "preprocess_fit", "tables"} == set(run["seconds"])


def test_labels_are_those_of_the_iterator(request_, bundle):
    segment_to_files(request_, bundle)
    labels = tifffile.imread(request_.folder / "run_labels.tif")
    for result in segment_stack(request_.stack, bundle, KERAS):
        np.testing.assert_array_equal(labels[result.frame], result.labels)


def test_confidence_is_written_beside_the_labels_if_asked_for(request_, bundle):
    segment_to_files(replace(request_, maps=MapSettings(confidence=True)), bundle)
    confidence = tifffile.imread(request_.folder / "run_confidence.tif")
    assert (confidence.shape, confidence.dtype) == ((6, 32, 48), np.uint8)
    run = json.loads((request_.folder / "run_run.json").read_text())
    assert run["settings"]["maps"] == {"confidence": True}
    assert "run_confidence.tif" in [f["name"] for f in run["outputs"]]
    for result in segment_stack(request_.stack, bundle, KERAS, confidence=True):
        np.testing.assert_array_equal(confidence[result.frame], result.confidence)
    assert next(segment_stack(request_.stack, bundle, KERAS)).confidence is None


def test_post_processing_changes_labels_and_measures_and_is_recorded(request_):
    fast = load_bundle("fast")
    scene = PhantomSettings(n_frames=3, laser_off_frames=0, powder_layer_um=0, oversampling=2)
    request_ = replace(request_, stack=simulate(scene).stack)
    plain = list(segment_stack(request_.stack, fast, KERAS))
    post = PostSettings(physical_layers=True, smallest_pore_px=900, smallest_keyhole_px=9000)
    segment_to_files(replace(request_, post=post), fast)
    labels = tifffile.imread(request_.folder / "run_labels.tif")
    rows = table(request_.folder / "run_frames.csv")
    for before, after in zip(plain, labels, strict=True):
        expected = postprocess(before.labels, DEFAULT_SCHEME, post)
        np.testing.assert_array_equal(after, expected)
        row = rows[before.frame]
        assert int(row["keyhole_area_px"]) == np.count_nonzero(expected == 1)
        assert float(row["uncertainty"]) == pytest.approx(before.row["uncertainty"])
    assert not np.array_equal(labels, [r.labels for r in plain])
    run = json.loads((request_.folder / "run_run.json").read_text())
    assert run["settings"]["post"] == post.to_json()


def test_the_same_run_gives_the_same_bytes(request_, bundle):
    segment_to_files(request_, bundle)
    names = ["run_labels.tif", "run_frames.csv", "run_pores.csv", "run_summary.json"]
    first = [(request_.folder / name).read_bytes() for name in names]
    segment_to_files(request_, bundle)
    assert first == [(request_.folder / name).read_bytes() for name in names]


def test_um_columns_are_empty_without_a_pixel_size(tiff_file, tmp_path, bundle):
    with read_stack(tiff_file) as stack:
        segment_to_files(RunRequest(stack, tmp_path / "out", "run", segment=KERAS), bundle)
    row = table(tmp_path / "out" / "run_frames.csv")[0]
    assert row["time_s"] == row["keyhole_area_um2"] == row["pore_area_um2"] == ""
    assert row["keyhole_area_px"] != ""


def test_a_crop_is_part_of_the_run(request_, bundle):
    record = segment_to_files(replace(request_, chain=Chain((Crop(0, 16, 0, 32),))), bundle)
    assert tifffile.imread(request_.folder / "run_labels.tif").shape == (6, 16, 32)
    assert [s["step"] for s in record["preprocessing"]["steps"]] == ["crop"]
    assert [s["step"] for s in record["model"]["input"]["steps"]] == ["normalise"]


def failing_track(frames, total, what):
    for i, frame in enumerate(frames):
        if i == 3:
            raise KeyboardInterrupt
        yield frame


def test_a_cancelled_run_leaves_nothing(request_, bundle):
    with pytest.raises(KeyboardInterrupt):
        segment_to_files(request_, bundle, track=failing_track)
    assert not request_.folder.exists()


def test_a_cancelled_run_keeps_earlier_results(request_, bundle):
    segment_to_files(request_, bundle)
    before = {p: p.read_bytes() for p in request_.folder.iterdir()}
    with pytest.raises(KeyboardInterrupt):
        segment_to_files(request_, bundle, track=failing_track)
    assert before == {p: p.read_bytes() for p in request_.folder.iterdir()}


def test_edited_labels_are_not_overwritten(request_, bundle):
    segment_to_files(request_, bundle)
    path = request_.folder / "run_labels.tif"
    edited = tifffile.imread(path)
    edited[0, :4] = 1
    tifffile.imwrite(path, edited)
    with pytest.raises(FileExistsError, match="edited since"):
        segment_to_files(request_, bundle)
    np.testing.assert_array_equal(tifffile.imread(path), edited)
    segment_to_files(replace(request_, overwrite=True), bundle)


def test_frames_too_small_for_the_network_are_noted(request_, bundle):
    """Its cells have 16 px: strips of more are enough, and squares of twice as much."""

    def note(rows, columns):
        crop = replace(request_, chain=Chain((Crop(0, rows, 0, columns),)), overwrite=True)
        notes = segment_to_files(crop, bundle)["notes"]
        return " ".join(n for n in notes if "too small for" in n)

    assert not note(32, 48)
    assert not note(17, 48)
    assert note(16, 48)
    assert note(20, 20)
    assert note(6, 48).startswith("frames of 6x48 px are too small for tiny: it sees little")


def test_another_stack_of_the_same_name_is_not_overwritten(request_, bundle, tmp_path, frames):
    segment_to_files(request_, bundle)
    (tmp_path / "b").mkdir()
    tifffile.imwrite(tmp_path / "b" / "stack.tif", frames)
    with (
        read_stack(tmp_path / "b" / "stack.tif") as other,
        pytest.raises(FileExistsError, match="another stack"),
    ):
        segment_to_files(replace(request_, stack=other), bundle)


def test_segment_again_after_quantify_and_edits_are_remembered(request_, bundle):
    segment_to_files(request_, bundle)
    path = request_.folder / "run_labels.tif"
    with read_stack(path) as labels:
        record = quantify_to_files(RunRequest(labels, request_.folder, "run"))
    assert record["labels_made_by"]["edited_since"] is False
    segment_to_files(request_, bundle)
    edited = tifffile.imread(path)
    edited[0, :4] = 1
    tifffile.imwrite(path, edited)
    with read_stack(path) as labels:
        record = quantify_to_files(RunRequest(labels, request_.folder, "run"))
    assert record["labels_made_by"]["edited_since"] is True


def test_quantify_agrees_with_segment_and_remembers_the_model(request_, bundle):
    segment_to_files(request_, bundle)
    folder = request_.folder
    rows = table(folder / "run_frames.csv")
    with read_stack(folder / "run_labels.tif") as labels:
        record = quantify_to_files(RunRequest(labels, folder, "run"))
    assert all(0 < float(row["uncertainty"]) <= 1 for row in rows)
    assert table(folder / "run_frames.csv") == rows
    assert record["labels_made_by"]["model"]["name"] == "tiny"


def test_the_uncertainty_of_labels_that_were_edited_is_not_kept(request_, bundle):
    segment_to_files(request_, bundle)
    folder = request_.folder
    edited = tifffile.imread(folder / "run_labels.tif")
    edited[0, :4] = 1
    tifffile.imwrite(folder / "run_labels.tif", edited)
    with read_stack(folder / "run_labels.tif") as labels:
        quantify_to_files(RunRequest(labels, folder, "run"))
    assert {row["uncertainty"] for row in table(folder / "run_frames.csv")} == {""}


def test_float_labels_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 8, 8), np.float32))
    with read_stack(tmp_path / "a.tif") as labels, pytest.raises(ValueError, match="float32"):
        quantify_to_files(RunRequest(labels, tmp_path / "out", "a"))
    assert not (tmp_path / "out").exists()
