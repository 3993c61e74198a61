"""Forms of a workspace: given to the layer they belong to, never to another one."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

from napari_amseg.measure import MeasureSettings
from napari_amseg.plugin.form_records.forms import fill_form, forms_of
from napari_amseg.plugin.form_records.records import (
    Forms,
    MeasureForm,
    PreprocessForm,
    SegmentForm,
)
from napari_amseg.plugin.layers import KEY, LabelSource
from napari_amseg.preprocess import Chain, Crop
from napari_amseg.segment import PostSettings
from napari_amseg.types import Experiment

OWN, OTHER = Experiment(pixel_size_um=4.0, frame_rate_hz=1e4), Experiment(pixel_size_um=1.0)
MEASURE_FORM = MeasureForm(
    "gone", None, OWN, MeasureSettings(min_pore_area_px=9), (2, 3), ("pore_count",), "pore_count"
)


@pytest.fixture
def measure(viewer, add_widget):
    """Measure with labels of 1 um."""
    labels = np.ones((8, 32, 48), np.uint8)
    viewer.add_labels(labels, name="other", metadata={KEY: LabelSource(OTHER)})
    return add_widget("Measure")


@pytest.mark.parametrize("name", ["gone", None])
def test_labels_of_another_stack_are_not_measured_with_a_foreign_pixel_size(measure, name):
    form = MeasureForm(
        name, None, OWN, MEASURE_FORM.settings, (2, 3), ("pore_count",), "pore_count"
    )
    before = forms_of({"Measure": measure})
    if name is None:
        fill_form("Measure", measure, Forms(measure=form), {})
    else:
        with pytest.raises(ValueError, match="'gone' is not there"):
            fill_form("Measure", measure, Forms(measure=form), {})
    assert forms_of({"Measure": measure}) == before
    assert measure.page.experiment.value().pixel_size_um == 1.0
    assert measure.chosen_range is None


def test_its_own_labels_get_the_form(viewer, measure):
    layers = {"gone": viewer.layers["other"]}  # whatever it is called now
    fill_form("Measure", measure, Forms(measure=MEASURE_FORM), layers)
    now = forms_of({"Measure": measure}).measure
    assert now.experiment.pixel_size_um == 4.0
    assert now.settings.min_pore_area_px == 9
    assert now.within == (2, 3)


@pytest.mark.parametrize("name", ["gone", None])
@pytest.mark.parametrize(
    ("step", "entry", "make"),
    [
        ("Segment", "segment", lambda n: SegmentForm(n, post=PostSettings(fill_holes_px=7))),
        ("Preprocess", "preprocess", lambda n: PreprocessForm(n, Chain((Crop(y1=9),)))),
    ],
)
def test_another_image_is_not_worked_on_with_the_form_of_one_that_is_gone(
    image, add_widget, step, entry, make, name
):
    widget = add_widget(step)
    before = forms_of({step: widget})
    refused = nullcontext() if name is None else pytest.raises(ValueError, match="'gone' is not")
    with refused:
        fill_form(step, widget, Forms(**{entry: make(name)}), {})
    assert forms_of({step: widget}) == before


def test_a_form_that_was_filled_in_before_any_image_comes_back(add_widget):
    widget = add_widget("Segment")
    form = SegmentForm(None, post=PostSettings(fill_holes_px=7))
    fill_form("Segment", widget, Forms(segment=form), {})
    assert widget.post.value().fill_holes_px == 7


def test_a_training_from_layers_replaces_one_from_a_benchmark(add_widget, tmp_path, bundle_folder):
    train = add_widget("Train")
    kept = forms_of({"Train": train})
    assert kept.train.benchmark is None
    assert kept.train.init is None
    train.source.use_benchmark(tmp_path)
    train.network.start_box.setCurrentIndex(1)
    train.network.model.choose(bundle_folder)
    fill_form("Train", train, kept, {})
    now = forms_of({"Train": train}).train
    assert (now.benchmark, now.init) == (None, None)
    assert train.source.is_layers
    assert train.network.is_new


def test_what_is_not_filled_in_is_said(viewer, workbench, image, tmp_path, wait_for, notifications):
    labels = np.ones((8, 32, 48), np.uint8)
    viewer.add_labels(labels, name="hand", metadata={KEY: LabelSource(OWN)})
    workbench.open_step("Measure")
    measure = workbench.docks.widgets()["Measure"]
    workbench.desk.save(tmp_path / "w")
    wait_for(workbench.desk)
    viewer.layers.clear()
    (file,) = (tmp_path / "w_workspace").iterdir()
    file.unlink()
    viewer.add_labels(labels, name="other", metadata={KEY: LabelSource(OTHER)})
    workbench.desk.open(tmp_path / "w.amseg.json")
    wait_for(workbench.desk)
    assert measure.page.labels.layer().name == "other"
    assert measure.page.experiment.value().pixel_size_um == 1.0
    assert "Measure: layer 'hand' is not there" in notifications()[-1]
