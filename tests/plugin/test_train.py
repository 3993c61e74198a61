"""The *Train* widget: a real training in the compute process, cancelled, resumed, finished."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import Qt

from napari_amseg.dataset import Benchmark, add_frames, load_split, open_benchmark
from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.models import load_bundle
from napari_amseg.plugin.forms import SettingsForm
from napari_amseg.plugin.layers import KEY, LabelSource
from napari_amseg.plugin.theme import Palette, rgb
from napari_amseg.plugin.train.form_network import small_filters
from napari_amseg.plugin.train.form_settings import PRESETS
from napari_amseg.plugin.train.job import Began, Epoch, painted
from napari_amseg.plugin.train.run import TrainProgress
from napari_amseg.plugin.train.source import LayerPair, layer_pair, write_benchmark
from napari_amseg.train import EpochDone, StepDone, TrainSettings, TrainStarted
from napari_amseg.types import Experiment, stack_from_array

PATIENCE_MS = 120_000
GREY = {Label.KEYHOLE: 3000, Label.SUBSTRATE: 1200, Label.BACKGROUND: 2200}


def drawn(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames uint16 (n, 32, 64) of a keyhole that moves through a substrate, and their labels."""
    labels = np.full((n, 32, 64), Label.BACKGROUND, np.uint8)
    labels[:, 12:] = Label.SUBSTRATE
    for t in range(n):
        labels[t, 12:24, 4 * t + 4 : 4 * t + 10] = Label.KEYHOLE
    grey = np.zeros(256, np.uint16)
    grey[list(GREY)] = list(GREY.values())
    noise = np.random.default_rng(5).integers(0, 300, labels.shape, dtype=np.uint16)
    return grey[labels] + noise, labels


def benchmark_in(folder: Path, n: int = 6) -> Path:
    images, labels = (stack_from_array(array) for array in drawn(n))
    add_frames(Benchmark(folder, DEFAULT_SCHEME, {}, ()), images, labels, Experiment("drawn"))
    return folder


@pytest.fixture
def train(viewer, add_widget):
    """The widget, its viewer holding twelve annotated frames."""
    images, labels = drawn(12)
    viewer.add_image(images, name="run 3")
    viewer.add_labels(labels, name="drawn")
    return add_widget("Train")


def quick(train, qtbot, folder: Path, epochs: int) -> None:
    """Settings for whole tiny frames, and the folder for the model."""
    settings = TrainSettings(epochs=epochs, batch_size=4, learning_rate=2e-3)
    train.training.main.set_value(settings)
    train.output.path.set_path(folder)
    qtbot.waitUntil(train.start_button.isEnabled)


def press(qtbot, button) -> None:
    assert button.isEnabled(), button.toolTip()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def cancel(train, qtbot) -> float:
    """Press Cancel; the seconds until the training has ended."""
    start = time.monotonic()
    press(qtbot, train.cancel_button)
    qtbot.waitUntil(lambda: not train.is_running, timeout=PATIENCE_MS)
    return time.monotonic() - start


def test_layers_are_trained_on_curves_move_and_a_cancelled_training_goes_on(train, qtbot, tmp_path):
    folder = tmp_path / "model"
    quick(train, qtbot, folder, epochs=500)
    press(qtbot, train.start_button)
    plots = train.page.plots
    qtbot.waitUntil(lambda: len(plots.curve("loss")[0]) >= 2, timeout=PATIENCE_MS)
    before = len(plots.curve("loss")[0])
    qtbot.waitUntil(lambda: len(plots.curve("loss")[0]) >= before + 2, timeout=PATIENCE_MS)
    for column in ("validation_loss", "validation_iou_keyhole", "validation_mean_iou"):
        epochs, values = plots.curve(column)
        assert epochs.tolist() == list(range(1, len(epochs) + 1))
        assert np.isfinite(values).all()
    assert "keyhole" in plots.iou_legend.text()
    assert "amsegnet (filters=4)" in train.page.about.text()
    assert "on cpu" in train.page.about.text()
    assert "left out: pore, powder" in train.page.about.text()
    assert "left" in train.progress.format()
    assert [image.image.shape for image in train.page.preview.images] == [(32, 64, 3)] * 2

    assert cancel(train, qtbot) < 6  # 2 s on a machine that is not busy with other tests
    qtbot.waitUntil(lambda: "Cancelled" in train.status.text())
    bundle = load_bundle(folder)
    assert bundle.card.scheme.names == ("keyhole", "substrate", "background")
    assert bundle.card.training["data"] == "run_3: 10 training and 2 validation images"
    assert f"that of epoch {bundle.card.training['epoch']}" in train.status.text()
    assert (folder / "checkpoint.npz").is_file()
    done = len(train.run.progress.history)

    qtbot.waitUntil(lambda: not train.output.resume.isHidden())
    assert "holds a model already" in train.start_button.toolTip()
    train.output.resume.setChecked(True)
    assert train.start_button.text() == "Go on"
    press(qtbot, train.start_button)
    qtbot.waitUntil(lambda: len(train.run.progress.history) > done, timeout=PATIENCE_MS)
    assert train.run.progress.began.started.epochs_done == done
    qtbot.waitUntil(lambda: len(plots.curve("loss")[0]) > done)
    cancel(train, qtbot)


def test_a_model_trained_to_the_end_is_chosen_in_segment_open_or_opened_later(
    train, add_widget, qtbot, tmp_path, bundle_folder
):
    segment, folder = add_widget("Segment"), tmp_path / "further"
    train.source.use_benchmark(benchmark_in(tmp_path / "benchmark"))
    qtbot.waitUntil(lambda: "6 labelled images" in train.source.found.text())
    train.network.start_box.setCurrentIndex(1)
    train.network.model.choose(bundle_folder)
    train.network.freeze.setChecked(True)
    quick(train, qtbot, folder, epochs=2)
    press(qtbot, train.start_button)
    qtbot.waitUntil(lambda: not train.is_running, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "2 epochs in" in train.status.text())
    assert "Encoder frozen" in train.page.about.text()
    assert len(train.page.plots.curve("validation_mean_iou")[0]) == 2
    for widget in (segment, add_widget("Segment")):
        assert widget.model.bundle().folder == folder
        assert "trained on benchmark: 4 training" in widget.about.text()
    assert open_benchmark(tmp_path / "benchmark").scheme == load_bundle(folder).card.scheme


def test_a_training_that_cannot_begin_says_why_and_leaves_nothing(
    train, qtbot, tmp_path, notifications
):
    labels = train.source.labels.layer()
    truth = labels.data.copy()
    quick(train, qtbot, tmp_path / "model", epochs=2)
    for wrong, message in (
        (np.zeros_like(truth), "labels of 'run 3' are empty"),
        (np.where(truth == Label.KEYHOLE, truth, 0), "hold keyhole only"),
        (np.where(truth == Label.KEYHOLE, 77, truth), "code 77"),
    ):
        labels.data = wrong
        press(qtbot, train.start_button)
        qtbot.waitUntil(lambda: not train.is_running, timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda m=message: m in train.status.text())
        assert any(message in m for m in notifications())
    assert not (tmp_path / "model").exists()


def test_closing_the_panel_ends_the_training(train, qtbot, tmp_path, notifications):
    quick(train, qtbot, tmp_path / "model", epochs=500)
    press(qtbot, train.start_button)
    run = train.run
    train.parent().destroyOnClose()
    qtbot.waitUntil(lambda: run.ended, timeout=PATIENCE_MS)
    assert run.outcome.startswith("Cancelled")
    assert any("its panel was closed" in m for m in notifications())


def test_a_benchmark_that_went_away_is_reported(train, qtbot, tmp_path, notifications):
    folder = benchmark_in(tmp_path / "benchmark")
    train.source.use_benchmark(folder)
    qtbot.waitUntil(lambda: "6 labelled images" in train.source.found.text())
    quick(train, qtbot, tmp_path / "model", epochs=2)
    (folder / "benchmark.json").unlink()
    press(qtbot, train.start_button)
    qtbot.waitUntil(lambda: not train.is_running, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "no benchmark here" in train.status.text())
    assert any("no benchmark here" in m for m in notifications())


def test_the_button_says_what_is_missing(viewer, add_widget, qtbot, tmp_path):
    train = add_widget("Train")
    assert "Open an image stack first" in train.start_button.toolTip()
    images, labels = drawn(4)
    viewer.add_image(images, name="raw")
    assert "Add a Labels layer" in train.start_button.toolTip()
    viewer.add_labels(labels[:3], name="short")
    assert "4 × 32 × 64" in train.start_button.toolTip()
    viewer.add_labels(labels, name="whole")
    assert train.start_button.toolTip() == "Choose a folder for the model."
    (tmp_path / "thesis.docx").write_text("mine")
    train.output.path.set_path(tmp_path)
    qtbot.waitUntil(lambda: "holds other files" in train.start_button.toolTip())
    train.source.use_benchmark(tmp_path)
    qtbot.waitUntil(lambda: "no benchmark here" in train.start_button.toolTip())


def test_presets_fill_the_form_in_and_settings_keep_their_digits(viewer, add_widget, qtbot):
    train = add_widget("Train")
    assert train.training.settings() == PRESETS[0].settings
    assert train.network.value() == {"architecture": "amsegnet", "arguments": {"filters": 4}}
    train.training.preset_box.setCurrentIndex(1)
    train.training.preset_box.activated.emit(1)
    assert train.training.settings() == TrainSettings()
    assert train.network.value()["arguments"] == {"filters": 12}
    train.training.main.field("epochs").setValue(7)
    assert train.training.preset_box.currentIndex() == -1
    assert [small_filters(n) for n in (12, 64, 32)] == [4, 16, 8]
    form = SettingsForm(TrainSettings)
    qtbot.addWidget(form)
    odd = TrainSettings(learning_rate=0.0003, norm_momentum=0.985)
    form.set_value(odd)
    assert form.value() == odd
    assert form.field("learning_rate").text() == "0.0003"
    assert train.training.augment.value() == AugmentSettings()


def test_plots_follow_the_theme(viewer, add_widget):
    train = add_widget("Train")
    for theme in ("light", "dark"):
        viewer.theme = theme
        background = train.page.preview.backgroundBrush().color()
        assert (background.lightness() > 128) == (theme == "light")


@pytest.mark.parametrize(("background", "text"), [("#23242b", "#f0f1f2"), ("#ebe7e6", "#1e1e21")])
def test_class_colours_show_on_any_background(background, text):
    palette = Palette(background, text, "#808080")
    for c in DEFAULT_SCHEME.classes:
        shown = palette.legible(c.color)
        assert palette.legible(shown) == shown
        assert np.abs(rgb(shown) - rgb(background)).max() > 60


def test_few_frames_all_train_and_classes_are_those_painted_or_the_models(tmp_path):
    images, labels = (stack_from_array(array) for array in drawn(2))
    pair = LayerPair(images, labels, DEFAULT_SCHEME, "raw")

    def silent(items, total, what):
        return items

    name, notes = write_benchmark(pair, tmp_path / "few", silent)
    benchmark = open_benchmark(tmp_path / "few")
    assert len(load_split(benchmark, name).of("train")) == 2
    assert benchmark.scheme.names == ("keyhole", "substrate", "background")
    assert any("none validates" in note for note in notes)
    write_benchmark(pair, tmp_path / "model", silent, DEFAULT_SCHEME)
    assert open_benchmark(tmp_path / "model").scheme == DEFAULT_SCHEME
    narrow = DEFAULT_SCHEME.subset(("pore", "background"))
    write_benchmark(pair, tmp_path / "other", silent, narrow)
    assert open_benchmark(tmp_path / "other").scheme == benchmark.scheme


def test_of_an_annotation_only_what_is_confirmed_trains(tmp_path):
    images, labels = drawn(6)
    confirmed = labels.copy()
    confirmed[4:] = 0
    confirmed[3, :, 32:] = 0
    source = LabelSource(confirmed=stack_from_array(confirmed))
    layer = Labels(labels, metadata={KEY: source})
    pair = layer_pair(Image(images), layer)
    _, notes = write_benchmark(pair, tmp_path / "b", lambda items, total, what: items)
    benchmark = open_benchmark(tmp_path / "b")
    assert len(benchmark.frames) == 4
    np.testing.assert_array_equal(benchmark.labels(benchmark.frames[3]), confirmed[3])
    assert any(note.startswith("4 of 6 frames count") for note in notes)
    source = LabelSource(confirmed=stack_from_array(np.zeros_like(labels)))
    layer.metadata[KEY] = source
    with pytest.raises(ValueError, match="mark those that are right as complete"):
        write_benchmark(
            layer_pair(Image(images), layer), tmp_path / "c", lambda items, total, what: items
        )


def test_labels_colour_the_picture_where_there_are_any():
    labels = np.array([[0, Label.PORE, Label.PORE]], np.uint8)
    picture = painted(np.full((1, 3), 100, np.uint8), labels, DEFAULT_SCHEME)
    assert picture[0, 0].tolist() == [100, 100, 100]
    red, green, blue = picture[0, 1].tolist()
    assert red > 100 > max(green, blue)


def test_time_left_comes_from_whole_epochs_but_the_first():
    progress = TrainProgress()
    started = TrainStarted("cpu", "float32", "amsegnet", 1, 8, 2, 4, 10, (32, 64), ("pore",))
    progress.take(Began(started, DEFAULT_SCHEME, None, ()), 0.0)
    progress.take(StepDone(1, 2, 4, 0.5, 300.0), 1.0)
    assert progress.steps_done == (2, 40)
    assert progress.seconds_left(1.0) == 300.0
    for epoch, seconds in ((1, 30.0), (2, 32.0), (3, 34.0)):
        row = {"epoch": epoch, "seconds": seconds, "validation_mean_iou": 0.1 * epoch}
        progress.take(Epoch(EpochDone(row, is_best=epoch == 2), None), seconds)
    assert progress.steps_done == (12, 40)
    assert progress.best_epoch == 2
    assert progress.seconds_left(35.0) == pytest.approx(2.0 * 7 - 1.0)
    assert progress.text(35.0) == "epoch 4 of 10, 13 s left"
    again = TrainProgress()
    history = tuple(progress.history)
    again.take(Began(replace(started, epochs_done=3, history=history), DEFAULT_SCHEME, None, ()), 0)
    assert again.best_epoch == 3
    assert again.text(0.0) == "first step…"
