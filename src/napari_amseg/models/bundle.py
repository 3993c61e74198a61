"""A model bundle: a folder with ``model.json`` and ``model.weights.h5``, nothing executable.

The network is built from our registry by name and the weights are plain arrays: nothing is
unpickled and no code comes from the file.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.io import flush, write_json
from napari_amseg.io.atomic import part_path
from napari_amseg.io.records import read_json
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.models.registry import architecture, build
from napari_amseg.preprocess import Chain
from napari_amseg.provenance import sha256

FORMAT_VERSION = 1
CARD, WEIGHTS = "model.json", "model.weights.h5"
# What a training leaves beside the two; a bundle is complete without them.
TRAINING_TABLE, TRAINING_FIGURE, CHECKPOINT = "training.csv", "training.png", "checkpoint.npz"
_NEEDED = ("format_version", "architecture", "label_scheme", "preprocessing", "weights_sha256")
_KINDS = {
    "format_version": int, "architecture": str, "arguments": dict, "label_scheme": list,
    "preprocessing": dict, "training": dict, "scores": dict, "weights_sha256": str,
}  # fmt: skip
_BUNDLED = Path(__file__).parent / "bundled"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What ``model.json`` says beside the weights.

    Attributes
    ----------
    architecture, arguments : registry name and builder arguments (``{"filters": 4}``).
    scheme : the classes, in channel order.
    chain : preprocessing that brings a stack to the network's input range, applied last.
    training, scores : free records: data, seed, time, hardware; per-class numbers.
    """

    architecture: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    scheme: LabelScheme = DEFAULT_SCHEME
    chain: Chain = field(default_factory=Chain)
    training: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Bundle:
    """A model on disk: its card now, its weights when first used."""

    folder: Path
    card: ModelCard
    weights_sha256: str

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @cached_property
    def model(self) -> Any:
        """The Keras model, float32 (B, Y, X, 1) to softmax (B, Y, X, n_classes).

        Raises
        ------
        ValueError
            If the weights are not those the card was written for, or do not fit the network.
        """
        weights = self.folder / WEIGHTS
        found = sha256(weights)
        if found != self.weights_sha256:
            raise ValueError(
                f"{weights}: SHA-256 is {found[:12]}..., {CARD} says {self.weights_sha256[:12]}...:"
                " the file was changed or damaged; get the bundle again."
            )
        card = self.card
        model = build(card.architecture, n_classes=len(card.scheme.classes), **dict(card.arguments))
        try:
            with warnings.catch_warnings():  # Keras only warns of layers it leaves at random
                warnings.simplefilter("error", UserWarning)
                model.load_weights(weights)
        except (ValueError, OSError, KeyError, UserWarning) as error:
            raise ValueError(
                f"{weights}: weights do not fit {card.architecture!r} with {dict(card.arguments)} "
                f"({str(error).splitlines()[0]})."
            ) from error
        if not all(np.isfinite(array).all() for array in model.get_weights()):
            raise ValueError(
                f"{weights}: holds NaN or infinite weights; get the bundle again, or train anew."
            )
        return model


def bundled_models() -> dict[str, Path]:
    """The models shipped with the package, by name."""
    return {p.parent.name: p.parent for p in sorted(_BUNDLED.glob(f"*/{CARD}"))}


def load_bundle(path_or_name: str | Path) -> Bundle:
    """Open a model bundle by the name of a shipped model or by its folder; loads no Keras yet.

    Raises
    ------
    FileNotFoundError
        If there is no such model or the folder lacks a file.
    ValueError
        If ``model.json`` is not readable, of a newer format, or names an unknown network.
    """
    shipped = bundled_models()
    folder = shipped.get(str(path_or_name), Path(path_or_name).expanduser())
    remedy = (
        f"Give a bundle folder or a shipped model: {', '.join(shipped) or 'none are installed'}."
    )
    if not str(path_or_name).strip():  # as a path it is the folder one works in
        raise FileNotFoundError(f"the name of the model is empty. {remedy}")
    for name in (CARD, WEIGHTS):
        if not (folder / name).is_file():
            lacks = f"{name} is missing" if folder.exists() else "there is no such folder"
            close = get_close_matches(str(path_or_name), shipped, n=1)
            meant = f" Did you mean {close[0]}?" if close else ""
            raise FileNotFoundError(f"{path_or_name}: no model bundle ({lacks}).{meant} {remedy}")
    try:
        record = read_json(folder / CARD)
        return _bundle_from_json(folder, record)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / CARD}: not a readable model card ({error}).") from error


def _bundle_from_json(folder: Path, record: dict[str, Any]) -> Bundle:
    if not isinstance(record, dict):
        raise ValueError("it holds no record")
    for key, kind in _KINDS.items():
        if not isinstance(record.get(key, kind()), kind):
            raise ValueError(f"{key!r} is {record[key]!r:.40}")
    missing = [key for key in _NEEDED if key not in record]
    if missing:
        raise ValueError(f"{', '.join(missing)} missing")
    if record["format_version"] > FORMAT_VERSION:
        raise ValueError(
            f"format {record['format_version']}, this version reads up to {FORMAT_VERSION}: "
            "update napari-amseg"
        )
    architecture(record["architecture"])
    card = ModelCard(
        architecture=record["architecture"],
        arguments=record.get("arguments", {}),
        scheme=LabelScheme.from_json(record["label_scheme"]),
        chain=Chain.from_json(record["preprocessing"]),
        training=record.get("training", {}),
        scores=record.get("scores", {}),
    )
    return Bundle(folder, card, str(record["weights_sha256"]))


def save_bundle(
    folder: str | Path, model: Any, card: ModelCard, *, overwrite: bool = False
) -> Bundle:
    """Write a bundle, whole or not at all.

    overwrite : replace the two files of a bundle that is there already.

    Raises
    ------
    FileExistsError
        If `folder` holds a bundle and `overwrite` is off, or holds anything else.
    """
    folder = Path(folder)
    require_free(folder, overwrite=overwrite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = part_path(folder)
    part.mkdir()
    try:
        _without_optimizer(model).save_weights(part / WEIGHTS)
        digest = sha256(part / WEIGHTS)
        write_json(part / CARD, _card_record(card, model, digest))
        folder.mkdir(exist_ok=True)
        for name in (WEIGHTS, CARD):
            flush(part / name)
        for name in (WEIGHTS, CARD):  # in between, the old card refuses the new weights
            (part / name).replace(folder / name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Bundle(folder, card, digest)


def _without_optimizer(model: Any) -> Any:
    """The same layers, not compiled: else Keras writes the state of the optimizer too."""
    from napari_amseg.models.backend import keras

    return keras.Model(model.inputs, model.outputs)


def require_free(folder: Path, *, overwrite: bool = False) -> None:
    """Raise FileExistsError unless a bundle may be written to `folder`."""
    if overwrite or not folder.exists():
        return
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder}: is a file; choose a folder for the model.")
    there = {p.name for p in folder.iterdir()}
    if there - {CARD, WEIGHTS, TRAINING_TABLE, TRAINING_FIGURE, CHECKPOINT}:
        raise FileExistsError(f"{folder}: exists and holds other files; choose another folder.")
    if there:
        raise FileExistsError(f"{folder}: holds a model already; choose another folder.")


def _card_record(card: ModelCard, model: Any, digest: str) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "architecture": card.architecture,
        "arguments": {**architecture(card.architecture).arguments, **card.arguments},
        "trainable_parameters": count_trainable(model),
        "label_scheme": card.scheme.to_json(),
        "preprocessing": card.chain.to_json(),
        "training": dict(card.training),
        "scores": dict(card.scores),
        "weights_sha256": digest,
    }


def count_trainable(model: Any) -> int:
    """Number of trainable parameters."""
    total = 0
    for weight in model.trainable_weights:
        size = 1
        for n in weight.shape:
            size *= int(n)
        total += size
    return total
