"""Layers without a window: recognised by metadata, placed in space, scratch files cleaned up."""

from __future__ import annotations

import gc
import time

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_amseg.measure import MeasureSettings, measure_frame
from napari_amseg.measure.quantities import QUANTITIES
from napari_amseg.pipeline.jobs import Doing, Finished, FrameDone, Started
from napari_amseg.plugin import scratch
from napari_amseg.plugin.layers import (
    KEY,
    ImageSource,
    LabelSource,
    Preview,
    crop_offset_px,
    current_frame,
    image_layer,
    image_source,
    is_image,
    is_labels,
    label_source,
    labels_layer,
    show_frame,
)
from napari_amseg.plugin.load.set_experiment import set_experiment
from napari_amseg.plugin.measure.results import Results
from napari_amseg.plugin.segment.job import Copied, Progress, batched, frame_order, in_words
from napari_amseg.preprocess import Chain, Crop
from napari_amseg.types import Experiment, stack_from_array

KNOWN = Experiment(pixel_size_um=4.0, frame_rate_hz=1000.0)


def test_layers_are_recognised_by_what_they_hold_not_by_their_name(frames):
    assert is_image(Image(frames, name="labels"))
    assert not is_image(Image(frames, name="preview", metadata={KEY: Preview()}))
    assert not is_image(Image(np.zeros((8, 8, 3)), rgb=True))
    assert not is_image(Labels(frames.astype(int)))
    assert is_labels(Labels(frames.astype(int), name="image"))
    assert not is_labels(Labels(np.zeros((2, 3, 4, 5), int)))


def test_a_foreign_layer_states_a_pixel_size_only_in_a_unit_of_length(frames):
    assert image_source(Image(frames, scale=(1, 3, 3))).experiment.pixel_size_um is None
    physical = Image(frames, scale=(1, 3e-3, 3e-3), units=("pixel", "mm", "mm"))
    assert image_source(physical).experiment.pixel_size_um == pytest.approx(3.0)
    oblong = Image(frames, scale=(1, 3, 2), units=("pixel", "um", "um"))
    assert image_source(oblong).experiment.pixel_size_um is None
    assert label_source(Labels(frames.astype(int))) == LabelSource()


def test_a_cropped_layer_lies_where_it_was_cut_out(frames):
    chain = Chain((Crop(y0=4, y1=20, x0=8, x1=40), Crop(y0=2, x0=1)))
    assert crop_offset_px(chain) == (6, 9)
    source = ImageSource(stack_from_array(frames, experiment=KNOWN), chain)
    data, options, _ = image_layer(source, "cut")
    assert data.shape == (6, 14, 31)
    assert options["translate"] == (0.0, 24.0, 36.0)
    assert np.array_equal(np.asarray(data[3]), frames[3, 6:20, 9:40])


def test_the_shown_frame_is_found_and_set_among_other_layers(frames):
    viewer = ViewerModel()
    layer = viewer.add_image(frames, scale=(1, 4, 4))
    viewer.add_image(np.zeros((2, 20, 8, 8)))
    viewer.dims.set_point(1, 4)
    assert current_frame(viewer, layer) == 4
    show_frame(viewer, layer, 2)
    assert viewer.dims.point[1] == 2
    viewer.dims.set_point(1, 19)
    assert current_frame(viewer, layer) == len(frames) - 1


def test_metadata_set_later_moves_scale_and_units_and_drops_old_rows(labels):
    data, options, _ = labels_layer(
        labels[np.newaxis], "l", LabelSource(results=Results(1, Experiment(), MeasureSettings()))
    )
    layer = Labels(data, **options)
    layer.translate = (0, 5, 7)
    set_experiment(layer, KNOWN)
    assert tuple(layer.scale) == (1, 4, 4)
    assert tuple(layer.translate) == (0, 20, 28)
    assert str(layer.units[1]) == "micrometer"
    assert layer.metadata[KEY].experiment == KNOWN
    assert layer.metadata[KEY].results is None
    set_experiment(layer, Experiment())
    assert tuple(layer.scale) == (1, 1, 1)
    assert tuple(layer.translate) == (0, 5, 7)


def test_a_scratch_file_goes_with_its_array_and_not_before():
    path, array = scratch.scratch_array((2, 3, 4), np.uint8, what="labels")
    view = array[1]
    del array
    gc.collect()
    assert path.exists()
    view[:] = 7
    del view
    gc.collect()
    assert not path.exists()


def test_too_little_room_is_said_before_work_starts():
    with pytest.raises(OSError, match="temporary space"):
        scratch.scratch_array((10**6, 10**6, 10**6), np.uint8, what="labels")


def test_the_shown_frame_goes_first():
    assert frame_order(5, 3) == (3, 4, 0, 1, 2)


def test_progress_tells_what_happens_and_how_long_it_takes():
    progress = Progress(100)
    assert progress.text(0.0) == "starting…"
    progress.count([Doing("loading the model")], 0.0)
    assert progress.text(0.0) == "loading the model…"
    progress.count([Copied(40)], 0.0)
    assert progress.text(0.0) == "copying frame 40 of 100"
    assert progress.step() == (40, 100)
    progress.count([Started("keras", "cpu"), FrameDone(0, {}, [])], 10.0)
    assert progress.text(10.0) == "1 of 100 frames"
    assert progress.rate_text(10.0) == ""
    progress.count([FrameDone(t, {}, []) for t in range(1, 51)], 20.0)
    assert progress.text(20.0) == "51 of 100 frames, 10 s left"
    assert progress.rate_text(20.0) == "5.0 frames/s"
    assert in_words(600) == "10 min"
    assert in_words(6000) == "1 h 40 min"


def test_records_come_in_lists_but_the_first_mask_does_not_wait():
    def slow():
        yield Started("keras", "cpu")
        for t in range(50):
            time.sleep(0.005)
            yield FrameDone(t, {}, [])
        yield Finished(cancelled=False)

    lists = list(batched(slow()))
    assert [type(r) for r in lists[0]] == [Started]
    assert [r.frame for r in lists[1]] == [0]
    assert len(lists) < 15
    assert sum(len(records) for records in lists) == 52


def test_results_leave_gaps_where_there_is_no_keyhole(labels):
    empty = np.full_like(labels, 4)
    results = Results(3, KNOWN, MeasureSettings())
    for t, frame in ((2, labels), (0, empty)):
        measures = measure_frame(frame, frame=t, experiment=KNOWN)
        results.add(t, measures.row, measures.pores)
    area, depth = (results.values(QUANTITIES[f"keyhole_{q}"]) for q in ("area", "depth"))
    assert area[0] == 0
    assert np.isnan(area[1])
    assert area[2] == 45 * 16
    assert np.isnan(depth[:2]).all()
    assert depth[2] == 9 * 4
    assert results.n_done == 2
    assert not results.complete
    assert results.summary()["keyhole_area_um2"]["mean"] == 720


def test_units_are_pixels_when_the_pixel_size_is_unknown():
    area, pores = QUANTITIES["keyhole_area"], QUANTITIES["pore_count"]
    assert area.label(in_um=False) == "keyhole area (px²)"
    assert area.label(in_um=True) == "keyhole area (µm²)"
    assert pores.label(in_um=True) == "pores"


def test_export_refuses_to_replace_a_label_stack(tmp_path, labels):
    results = Results(1, KNOWN, MeasureSettings())
    measures = measure_frame(labels, experiment=KNOWN)
    results.add(0, measures.row, measures.pores)
    stack = labels[np.newaxis]
    paths = results.write(tmp_path, "run", {}, stack)
    assert {p.name for p in paths} == {p.name for p in tmp_path.iterdir()}
    with pytest.raises(FileExistsError, match="another folder"):
        results.write(tmp_path, "run", {}, stack)
    results.write(tmp_path, "run", {})
