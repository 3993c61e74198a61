"""What is chosen in napari's preferences is what the widgets begin with."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
from napari import settings as napari_settings

from napari_amseg.models import bundled_models, load_bundle
from napari_amseg.plugin.preferences import Preferences, preferences
from napari_amseg.plugin.remembered import remembered_file
from napari_amseg.segment import SegmentSettings
from napari_amseg.segment.engine import ENGINES, PRECISIONS

if not hasattr(napari_settings, "get_plugin_settings"):
    pytest.skip("this napari shows no preferences of plugins", allow_module_level=True)


@pytest.fixture
def chosen(viewer):
    """The page of our plugin; as it was, in memory and on disk, after the test."""
    napari_settings._clear_plugin_settings_cache()  # built before our plugin was found, maybe
    settings = napari_settings.get_plugin_settings("napari-amseg")
    defaults = type(settings.defaults)()
    settings.defaults.update(defaults.model_dump())
    yield settings.defaults
    settings.defaults.update(defaults.model_dump())
    napari_settings._clear_plugin_settings_cache()


@pytest.fixture
def model_folder(tmp_path):
    """A model of one's own, not the one that is offered first."""
    return shutil.copytree(bundled_models()["fast"], tmp_path / "my model")


def test_nothing_is_chosen_at_first(chosen):
    assert preferences() == Preferences()


def test_the_page_offers_the_engines_and_precisions_there_are(chosen):
    page = type(chosen).model_json_schema()["properties"]
    assert tuple(page["engine"]["enum"]) == ("last used", *ENGINES)
    assert tuple(page["precision"]["enum"]) == ("last used", *PRECISIONS)
    assert set(page) == set(Preferences.__dataclass_fields__)


@pytest.mark.parametrize("name", ["Segment", "Grad-CAM", "Watch folder"])
def test_the_model_is_the_preferred_one(chosen, add_widget, model_folder, name):
    chosen.model = str(model_folder)
    widget = add_widget(name)
    model = widget.form.model if name == "Watch folder" else widget.model
    assert model.bundle().folder == model_folder


def test_the_preferred_model_comes_before_the_last_used(
    chosen, viewer, add_widget, model_folder, tmp_path
):
    last = shutil.copytree(model_folder, tmp_path / "last")
    sha = load_bundle(last).weights_sha256
    record = {"name": "last", "weights_sha256": sha, "folder": str(last)}
    remembered_file().write_text(json.dumps({"model": record}))
    first = add_widget("Segment")
    assert first.model.bundle().folder == last
    viewer.window.remove_dock_widget(first.parentWidget())
    chosen.model = str(model_folder)
    assert add_widget("Segment").model.bundle().folder == model_folder


def test_a_preferred_model_that_is_gone_is_said_and_another_offered(
    chosen, add_widget, notifications
):
    before = add_widget("Grad-CAM").model.bundle().folder
    chosen.model = "/nowhere/x"
    assert add_widget("Segment").model.bundle().folder == before
    assert any("/nowhere/x" in text and "Preferences" in text for text in notifications())


def test_engine_and_precision_are_the_preferred_ones(chosen, add_widget):
    chosen.engine, chosen.precision = "keras", "f32"
    segment = add_widget("Segment").settings.value()
    assert (segment.engine, segment.precision) == ("keras", "f32")
    assert add_widget("Watch folder").form.segment.value().engine == "keras"
    chosen.engine = "last used"
    assert preferences().applied(SegmentSettings(engine="openvino")).engine == "openvino"


def test_the_annotator_is_the_preferred_one_unless_named(chosen, add_widget):
    chosen.annotator = "Ann"
    form = add_widget("Annotate").form
    assert form.person() == "Ann"
    form.annotator.setText("Ben")
    assert form.person() == "Ben"


def test_dialogs_begin_in_the_results_folder(chosen, viewer, add_widget, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "napari_amseg.plugin.correlate.widget.QFileDialog.getExistingDirectory",
        lambda parent, title, folder="": asked.append(folder) or "",
    )
    widget = add_widget("Correlate")
    chosen.results_folder = str(tmp_path)
    widget._on_export()
    chosen.results_folder = str(tmp_path / "gone")
    widget._on_export()
    assert asked == [str(tmp_path), ""]
    assert Preferences(results_folder=str(tmp_path)).start("a.png") == str(tmp_path / "a.png")


def test_they_outlast_the_session(chosen):
    chosen.annotator = "Ann"
    napari_settings.get_plugin_settings("napari-amseg").save()
    napari_settings._clear_plugin_settings_cache()
    assert preferences().annotator == "Ann"


def test_what_a_hand_wrote_into_the_file_does_no_harm(chosen):
    settings = napari_settings.get_plugin_settings("napari-amseg")
    settings.save()
    file = settings.config_path
    before = file.read_text()
    try:
        for text in ("defaults: 5\n", "defaults: {engine: abacus}\n", "{{{"):
            file.write_text(text)
            napari_settings._clear_plugin_settings_cache()
            assert preferences().engine == ""
    finally:
        file.write_text(before)


def test_a_napari_without_preferences_of_plugins_has_none(chosen, monkeypatch):
    chosen.annotator = "Ann"
    monkeypatch.setitem(sys.modules, "napari.settings", None)
    assert preferences() == Preferences()
