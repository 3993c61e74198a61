"""What forms held at the last successful run, kept between sessions in a small file of the user.

Only what changes no number behind one's back: the model, which *Segment* names, and how one trains.
Never pixel size, preprocessing, engine, precision, tiles, post-processing or measuring.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_amseg.io import OutputFiles, write_json
from napari_amseg.plugin.form_records.forms import fill_form, forms_of
from napari_amseg.plugin.form_records.model import ModelRecord, bundle_of, model_of
from napari_amseg.plugin.form_records.records import Forms, SegmentForm, TrainForm
from napari_amseg.plugin.form_records.typed import from_plain, to_plain
from napari_amseg.plugin.preferences import preferences
from napari_amseg.segment import SegmentSettings

FOLDER_VARIABLE = "AMSEG_SETTINGS_FOLDER"
_MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Remembered:
    """Of each widget; None where nothing ran yet."""

    model: ModelRecord | None = None
    segment: SegmentForm | None = None
    train: TrainForm | None = None


def remembered_file() -> Path:
    """Where it is kept; the environment variable AMSEG_SETTINGS_FOLDER names another folder."""
    if told := os.environ.get(FOLDER_VARIABLE):
        return Path(told).expanduser() / "remembered.json"
    from platformdirs import user_config_path

    return user_config_path("napari-amseg", appauthor=False) / "remembered.json"


def remembered() -> Remembered:
    """What is remembered; nothing if the file is gone, or not what this version writes."""
    file = remembered_file()
    try:
        if file.stat().st_size > _MOST_BYTES:
            return Remembered()
        found: Remembered = from_plain(Remembered, json.loads(file.read_bytes()), file.name)
        return found
    except (OSError, ValueError, RecursionError):
        return Remembered()


def forget() -> None:
    """Begin the next session with the defaults."""
    remembered_file().unlink(missing_ok=True)


def remember(step: str, widget: Any) -> None:
    """Keep what the form of *Segment* or *Train* holds; call after it ran well."""
    forms, now = forms_of({step: widget}), remembered()
    if forms.segment is not None:
        batch = SegmentSettings(batch_size=forms.segment.settings.batch_size)
        form = SegmentForm(settings=batch, maps=forms.segment.maps)
        now = replace(now, segment=form, model=model_of(widget))
    if forms.train is not None:
        form_of_train = replace(forms.train, image=None, labels=None, folder="")
        now = replace(now, train=form_of_train)
    with suppress(OSError):  # a full disk is no reason to disturb
        file = remembered_file()
        with OutputFiles(file.parent) as files:
            write_json(files.path(file.name), to_plain(now))


def recall(step: str, widget: Any) -> None:
    """Fill in what is remembered; a model that is gone or another one now is left out.

    A model chosen in napari's preferences stays.
    """
    kept = remembered()
    train = kept.train
    if train is not None and train.init is not None and not Path(train.init).is_dir():
        train = None
    if train is not None and train.benchmark is not None and not Path(train.benchmark).is_dir():
        train = None
    with suppress(ValueError, OSError):
        fill_form(step, widget, Forms(train=train), {})
        if step == "Segment" and kept.segment is not None:
            batch_size = kept.segment.settings.batch_size
            widget.settings.set_value(replace(widget.settings.value(), batch_size=batch_size))
            widget.maps.set_value(kept.segment.maps)
        if step == "Segment" and kept.model is not None and not preferences().model:
            widget.model.choose(bundle_of(kept.model).folder)
