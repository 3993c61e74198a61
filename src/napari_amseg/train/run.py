"""From a benchmark to a model bundle."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.dataset.batches import TrainingBatches, WholeFrames, training_shape
from napari_amseg.dataset.inputs import InputFrames
from napari_amseg.io import OutputFiles, TableWriter
from napari_amseg.labels import LabelScheme
from napari_amseg.models.backend import device, keras
from napari_amseg.models.bundle import (
    TRAINING_TABLE,
    WEIGHTS,
    ModelCard,
    count_trainable,
    load_bundle,
    require_free,
    save_bundle,
)
from napari_amseg.models.registry import architecture
from napari_amseg.provenance import sha256, versions
from napari_amseg.train.checkpoint import (
    State,
    load_checkpoint,
    read_state,
    remove_checkpoint,
    remove_leftovers,
    save_checkpoint,
)
from napari_amseg.train.data import TrainingData
from napari_amseg.train.events import EpochDone, TrainEvent, TrainFinished, TrainStarted
from napari_amseg.train.loop import Cancelled, Loop, compile_model, steps_to_settle
from napari_amseg.train.network import NetworkChoice, resolved_precision
from napari_amseg.train.request import TrainRequest


def train_bundle(
    request: TrainRequest, *, cancelled: Callable[[], bool] = lambda: False
) -> Generator[TrainEvent]:
    """Train a network; the bundle holds the best epoch so far at any time.

    Yields
    ------
    TrainStarted, then StepDone and EpochDone in turn, last TrainFinished.

    Raises
    ------
    FileExistsError
        If the folder holds something already and `resume` is off.
    ValueError, FileNotFoundError
        If benchmark, split, network or checkpoint do not fit together; before any training.
    OSError
        If the disk is full; the last complete checkpoint and the best bundle stay.
    """
    state = None
    if request.resume:
        state = read_state(request.folder)
        request = request.resumed(state.plan)
    else:
        require_free(request.folder)
    yield from _Training(request, state, cancelled).run()


class _Training:
    """One run: everything needed, built once."""

    def __init__(
        self, request: TrainRequest, state: State | None, cancelled: Callable[[], bool]
    ) -> None:
        settings = request.settings
        self.data = data = TrainingData.read(
            request.benchmark, request.split, settings.class_weighting
        )
        scheme = data.benchmark.scheme
        network = NetworkChoice(
            request.architecture,
            request.arguments,
            load_bundle(request.init) if request.init else None,
            request.freeze_encoder,
        )
        card = network.card(scheme)
        built = architecture(card.architecture)
        inputs = InputFrames(data.benchmark, card.chain, data.split.subset_of)
        inputs.prepare([*data.train, *data.validation])
        self.settings = settings = replace(
            settings, precision=resolved_precision(settings.precision)
        )
        self.request = request = replace(
            request,
            split=data.split.name,
            architecture=card.architecture,
            arguments={**built.arguments, **card.arguments},
            init=str(network.init.folder.resolve()) if network.init else None,
            settings=settings,
        )
        plan = {
            **request.plan(),
            "data_sha256": data.sha256,
            "input": inputs.fitted,
            "init_sha256": network.init and network.init.weights_sha256,
        }
        self.resumed, self.state = state is not None, state or State(plan)
        self._require_same_data(plan)
        batches = TrainingBatches(
            inputs,
            data.train,
            request.augment,
            settings.batch_size,
            training_shape(
                inputs, data.train, (settings.crop_rows, settings.crop_columns), built.multiple
            ),
            settings.draws,
            settings.seed,
        )
        keras.utils.set_random_seed(settings.seed)
        self.model, taken_over = network.model(scheme, settings.precision)
        self.schedule = compile_model(self.model, scheme, data.weights, settings, batches.steps)
        whole = WholeFrames(inputs, data.validation, settings.batch_size, built.multiple)
        settle = steps_to_settle(settings.norm_momentum)
        self.loop = Loop(self.model, scheme, batches, whole, cancelled, settle)
        self.notes = (*data.notes, *taken_over)
        self.card = replace(
            card,
            training={
                **data.to_json(),
                "settings": settings.to_json(),
                "augmentation": request.augment.to_json(),
                "started_from": network.init
                and {"name": network.init.name, "sha256": network.init.weights_sha256},
                "device": f"{device()}, {os.cpu_count()} cores",
                "versions": versions(),
                "notes": list(self.notes),
            },
        )

    def _require_same_data(self, plan: dict[str, Any]) -> None:
        """Refuse to go on when what is learnt from is not what it was."""
        for name, what in (
            ("data_sha256", f"the images or labels of split {self.data.split.name!r} have"),
            ("input", f"the images of split {self.data.split.name!r} have"),
            ("init_sha256", "the model it started from has"),
        ):
            if self.state.plan.get(name) != plan[name]:
                raise ValueError(
                    f"{what} changed since the training in {self.request.folder} began: start a "
                    f"new one from it with --init {self.request.folder}."
                )

    def run(self) -> Generator[TrainEvent]:
        """Epoch after epoch until the last, an early stop or a cancel."""
        folder = self.request.folder
        if self.resumed:
            remove_leftovers(folder)
            load_checkpoint(folder, self.model)
            self._forget_broken_best()
        else:  # shows now whether the folder can be written to, and can be resumed from here on
            save_checkpoint(folder, self.model, self.state)
        try:
            yield from self._epochs()
        finally:
            if not self.state.epochs_done and not self.resumed:
                remove_checkpoint(folder)

    def _epochs(self) -> Generator[TrainEvent]:
        yield self._started()
        before, start = self.state.seconds, time.monotonic()
        epochs, stopped = self.settings.epochs, self._early_stop()
        while self.state.epochs_done < epochs and not stopped:
            try:
                scores = yield from self.loop.epoch(self.state.epochs_done, epochs)
            except Cancelled:
                stopped = "cancelled"
                break
            yield self._keep(scores, before + time.monotonic() - start)
            stopped = self._early_stop()
        yield TrainFinished(
            self.state.epochs_done,
            self.state.best_epoch,
            before + time.monotonic() - start,
            stopped,
        )

    def _forget_broken_best(self) -> None:
        """A kill between the two files of a bundle spoils it: let the next epoch replace it."""
        try:
            bundle = load_bundle(self.request.folder)
            whole = sha256(bundle.folder / WEIGHTS) == bundle.weights_sha256
        except (OSError, ValueError):
            whole = False
        if not whole:
            self.state = replace(self.state, best_epoch=None, best_score=None)

    def _started(self) -> TrainStarted:
        arguments = ", ".join(f"{k}={v}" for k, v in self.card.arguments.items())
        return TrainStarted(
            device=device(),
            precision=self.settings.precision,
            network=self.card.architecture + (f" ({arguments})" if arguments else ""),
            n_parameters=count_trainable(self.model),
            n_train=len(self.data.train),
            n_validation=len(self.data.validation),
            steps=self.loop.training.steps,
            epochs=self.settings.epochs,
            shape=self.loop.training.shape,
            classes=self.card.scheme.names,
            epochs_done=self.state.epochs_done,
            history=self.state.history,
            notes=self.notes,
            preview_frame=self.data.preview_frame,
        )

    def _keep(self, scores: dict[str, Any], seconds: float) -> EpochDone:
        """Write the best bundle, the checkpoint, the table and the preview, in this order.

        A kill in between is harmless: the epoch is done again and gives the same.
        """
        state, folder = self.state, self.request.folder
        row = {
            "epoch": state.epochs_done + 1,
            "seconds": round(seconds, 3),
            "learning_rate": float(self.schedule(state.epochs_done * self.loop.training.steps)),
            **scores,
        }
        score = scores.get("validation_mean_iou")
        best = score is None or state.best_score is None or score > state.best_score
        if best:
            save_bundle(folder, self.model, self._scored_card(row), overwrite=True)
        self.state = replace(
            state,
            history=(*state.history, row),
            best_epoch=row["epoch"] if best else state.best_epoch,
            best_score=score if best else state.best_score,
            seconds=seconds,
        )
        save_checkpoint(folder, self.model, self.state)
        _write_table(folder, self.state.history)
        self._write_preview()
        return EpochDone(row, best)

    def _scored_card(self, row: dict[str, Any]) -> ModelCard:
        record = {**self.card.training, "epoch": row["epoch"], "seconds": row["seconds"]}
        return replace(self.card, training=record, scores=_scores(row, self.card.scheme))

    def _early_stop(self) -> str:
        patience, best = self.settings.early_stopping, self.state.best_epoch or 0
        late = patience and self.state.epochs_done - best >= patience
        return "early stopping" if late else ""

    def _write_preview(self) -> None:
        path, frame = self.request.preview, self.data.preview_frame
        if path is None or frame is None:
            return
        image, _ = self.loop.validation.sample(frame)
        scores = self.model.predict_on_batch(image[np.newaxis, ..., np.newaxis])[0]
        codes = np.array(self.card.scheme.codes, np.uint8)
        rows, columns = self.loop.validation.inputs.shape(frame)
        with OutputFiles(path.parent) as files, open(files.path(path.name), "wb") as file:
            np.save(file, codes[np.asarray(scores).argmax(-1)][:rows, :columns])


def _scores(row: dict[str, Any], scheme: LabelScheme) -> dict[str, Any]:
    """The validation scores of a row, as a bundle holds them."""
    if "validation_mean_iou" not in row:
        return {}
    scores: dict[str, Any] = {name: row[f"validation_{name}"] for name in ("mean_iou", "mean_f1")}
    for measure in ("iou", "f1"):
        values = {name: row[f"validation_{measure}_{name}"] for name in scheme.names}
        scores[measure] = {name: value for name, value in values.items() if value is not None}
    return {"validation": scores}


def _write_table(folder: Path, history: tuple[dict[str, Any], ...]) -> None:
    with (
        OutputFiles(folder) as files,
        TableWriter(files.path(TRAINING_TABLE), list(history[0])) as table,
    ):
        for row in history:
            table.append(row)
