"""The last state of a training, from which it goes on exactly: one file, replaced whole."""

from __future__ import annotations

import glob
import json
import shutil
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.io import OutputFiles
from napari_amseg.io.records import parse_json
from napari_amseg.models.backend import keras
from napari_amseg.models.bundle import CHECKPOINT


@dataclass(frozen=True, slots=True)
class State:
    """Where a training stands after an epoch.

    Attributes
    ----------
    plan : what is trained how on what; a training only goes on under the same plan.
    history : a row an epoch. best_epoch, best_score : of the epoch in the bundle.
    seconds : of training so far.

    Random numbers need no state: those of an epoch depend on the seed and its number alone.
    """

    plan: Mapping[str, Any]
    history: tuple[dict[str, Any], ...] = ()
    best_epoch: int | None = None
    best_score: float | None = None
    seconds: float = 0.0

    @property
    def epochs_done(self) -> int:
        """Epochs completed."""
        return len(self.history)


def save_checkpoint(folder: Path, model: Any, state: State) -> None:
    """Write weights, optimizer and state of `model` into ``folder/checkpoint.npz``.

    Raises
    ------
    OSError
        If it cannot be written; an earlier checkpoint is then still there.
    """
    arrays = {f"weight_{i}": w for i, w in enumerate(model.get_weights())}
    for i, variable in enumerate(model.optimizer.variables):
        arrays[f"optimizer_{i}"] = keras.ops.convert_to_numpy(variable)
    record = json.dumps(asdict(state))
    with OutputFiles(folder) as files, open(files.path(CHECKPOINT), "wb") as file:
        np.savez(file, state=np.array(record), **arrays)


def read_state(folder: Path) -> State:
    """The state in a folder's checkpoint.

    Raises
    ------
    FileNotFoundError
        If there is no checkpoint. ValueError if it cannot be read.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no checkpoint, so there is nothing to resume; train without --resume."
        )
    try:
        with np.load(path, allow_pickle=False) as stored:
            record = parse_json(str(stored["state"]))
        return State(**{**record, "history": tuple(record["history"])})
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path}: not a readable checkpoint ({error}). Train anew, or from the best epoch "
            f"with --init {folder}."
        ) from error


def remove_checkpoint(folder: Path) -> None:
    """Remove a checkpoint, and its folder if nothing else is in it."""
    (folder / CHECKPOINT).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed training left half-written in and beside its folder."""
    for part in folder.glob(".*.part"):
        part.unlink()
    for part in folder.parent.glob(f".{glob.escape(folder.name)}.{'[0-9a-f]' * 8}.part"):
        shutil.rmtree(part)


def load_checkpoint(folder: Path, model: Any) -> None:
    """Give a compiled model the weights and the optimizer state of a checkpoint."""
    with np.load(folder / CHECKPOINT, allow_pickle=False) as stored:
        model.set_weights([stored[f"weight_{i}"] for i in range(len(model.weights))])
        for i, variable in enumerate(model.optimizer.variables):
            variable.assign(stored[f"optimizer_{i}"])
