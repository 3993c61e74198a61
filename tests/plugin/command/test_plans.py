"""What plans of commands are made of: chains with own names, stacks as commands open them."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

from napari_amseg.io import read_stack
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.models import load_bundle
from napari_amseg.plugin.command.button import CommandButton
from napari_amseg.plugin.command.dialog import CommandDialog
from napari_amseg.plugin.command.inputs import labels_input
from napari_amseg.plugin.command.plan import as_command_opens, chain_need
from napari_amseg.plugin.command.results import segment_plan
from napari_amseg.plugin.command.views import video_plan
from napari_amseg.plugin.layers import KEY, ImageSource, LabelSource, image_layer
from napari_amseg.plugin.preprocess.chain_form import ChainForm
from napari_amseg.preprocess import Chain, Crop, FlatField, Invert, read_chain
from napari_amseg.report.video import VideoSettings
from napari_amseg.segment import MapSettings, PostSettings, SegmentSettings
from napari_amseg.types import Experiment, stack_from_array

PATIENCE_MS = 120_000


def written(path: Path, array) -> Path:
    tifffile.imwrite(path, array, photometric="minisblack")
    return path


def image_of(path, chain=None):
    from napari.layers import Image

    data, options, _ = image_layer(ImageSource(read_stack(path), chain or Chain()), "stack")
    return Image(data, **options)


def test_the_chain_of_an_earlier_script_is_never_replaced(tmp_path):
    one, other = Chain((Crop(y0=2, y1=20),)), Chain((Invert(low=0.0, high=9.0),))
    for chain in (one, other, one):
        for name, write in chain_need("run0", chain).items():
            write(tmp_path / name)
    found = sorted(map(str, (read_chain(p) for p in tmp_path.iterdir())))
    assert found == sorted(map(str, (one, other)))

    ((name, write),) = chain_need("run0", one).items()
    (tmp_path / name).write_text((tmp_path / name).read_text().replace("20", "21"))
    with pytest.raises(FileExistsError, match="was edited"):
        write(tmp_path / name)


def test_other_images_of_the_same_size_are_noticed(tmp_path, rng):
    one, other = rng.integers(0, 255, (2, 5, 8, 9)).astype(np.uint8)
    stack = stack_from_array(one, files=(str(written(tmp_path / "a.tif", one)),))
    assert as_command_opens(stack).address == (str(tmp_path / "a.tif"),)
    written(tmp_path / "a.tif", other)
    with pytest.raises(ValueError, match="other images"):
        as_command_opens(stack)


def test_a_folder_is_opened_once_and_not_again_while_a_place_is_typed(
    tmp_path, frames, monkeypatch
):
    from napari_amseg.pipeline import command_parts

    for t, frame in enumerate(frames):
        written(tmp_path / f"f{t}.tif", frame)
    settings = (SegmentSettings(), MapSettings(), PostSettings())
    monkeypatch.chdir(tmp_path)  # the worst place to write to
    plan = segment_plan(image_of(tmp_path), load_bundle("fast"), *settings)()
    assert plan.place == tmp_path.parent / "stack_results"

    def opened(place):
        raise AssertionError(f"{place} is opened in the GUI thread")

    monkeypatch.setattr(command_parts, "read_stack", opened)
    assert plan.words(tmp_path / "out", tmp_path)[2] == str(tmp_path)


def test_flats_leave_the_form_with_their_folder(qtbot, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    form = ChainForm()
    qtbot.addWidget(form)
    form.groups[FlatField].setChecked(True)
    form.forms[FlatField].set_value(FlatField(flat="f.tif", dark="s.h5::darks"))
    (flat,) = form.value().steps
    assert (flat.flat, flat.dark) == (str(tmp_path / "f.tif"), f"{tmp_path}/s.h5::darks")
    assert flat.flat_after is None


def test_files_of_labels_are_closed(tmp_path, labels):
    from napari.layers import Labels

    psutil = pytest.importorskip("psutil")
    path = written(tmp_path / "m_labels.tif", labels)
    layer = Labels(labels, metadata={KEY: LabelSource(Experiment(), address=(str(path),))})
    kept = [labels_input(layer) for _ in range(3)]
    assert [k.stack.address for k in kept] == [(str(path),)] * 3
    assert str(path) not in [f.path for f in psutil.Process(os.getpid()).open_files()]


def test_a_video_of_own_colours_says_that_the_command_has_others(tmp_path, frames, labels):
    from napari.layers import Labels

    image = image_of(written(tmp_path / "s.tif", frames))
    first, *others = DEFAULT_SCHEME.classes
    own = LabelScheme((dataclasses.replace(first, color="#010203"), *others))
    said = []
    for scheme in (DEFAULT_SCHEME, own):
        layer = Labels(labels, name="m", metadata={KEY: LabelSource(Experiment(), scheme)})
        make = video_plan(image, layer, None, Experiment(), frames="", settings=VideoSettings())
        said.append("default ones" in " ".join(make().notes))
    assert said == [False, True]


def test_a_closed_dialog_is_gone(qtbot):
    button = CommandButton(lambda: (_ for _ in ()).throw(ValueError("no stack")))
    qtbot.addWidget(button)
    for _ in range(3):
        button.open()
    assert button.dialog is not None
    button.dialog.close()
    assert button.dialog is None
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not button.findChildren(CommandDialog)


def test_a_watch(viewer, add_widget, qtbot, tmp_path):
    watch = add_widget("Watch folder")
    watch.command.open()
    assert "Choose the folder to watch" in watch.command.dialog.notes.text()
    watch.form.folder.set_path(tmp_path)
    watch.form.out.set_path(tmp_path / "out")
    watch.form.chain.groups[Crop].setChecked(True)
    watch.command.dialog.close()
    watch.command.open()
    qtbot.waitUntil(lambda: watch.command.dialog is not None, timeout=PATIENCE_MS)
    plan = watch.command.dialog.plan
    words = watch.command.dialog.words()
    assert words[:4] == ("amseg", "watch", str(tmp_path), "--no-figures")
    assert words[-2:] == ("-o", str(tmp_path / "out"))
    (chain,) = plan.needs
    assert words[words.index("--chain") + 1] == str(tmp_path / "out" / chain)
