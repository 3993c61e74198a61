"""The authors' published weights: Keras 2 HDF5 files in topological order.

Layer names in such a file are counters that depend on what else the authors' session had built;
only their order and the shapes of their arrays carry meaning. Our networks create their layers so
that Keras sorts them in the same order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.models.bundle import Bundle, ModelCard, require_free, save_bundle
from napari_amseg.models.registry import build
from napari_amseg.preprocess import Chain, Normalise
from napari_amseg.provenance import sha256

_MOST_IN_A_LAYER = 2**28  # thirty times the largest of the five networks
Arrays = list[tuple[str, list[NDArray[np.float32]]]]

# The published networks were fed with 8 bit grey values, not scaled.
PUBLISHED_INPUT = Chain((Normalise(out_low=0.0, out_high=255.0, keep_uint8=True),))


def import_weights(path: str | Path, *, architecture: str, folder: str | Path) -> Bundle:
    """Turn a published Keras 2 weights file into a model bundle.

    Parameters
    ----------
    path : the HDF5 file. architecture : registry name of the network it holds.
    folder : where the bundle goes.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no HDF5 file, is truncated, is of another kind, or holds another network; says
        what was expected and what was found. Nothing is written then.
    """
    path = Path(path)
    require_free(Path(folder))
    stored = read_keras2_weights(path)
    model = build(architecture, n_classes=_n_classes(stored))
    _assign(path, model, architecture, stored)
    card = ModelCard(
        architecture=architecture,
        chain=PUBLISHED_INPUT,
        training={"imported_from": path.name, "imported_sha256": sha256(path)},
    )
    if len(card.scheme.classes) != model.output_shape[-1]:
        raise ValueError(
            f"{path}: network has {model.output_shape[-1]} classes, the published scheme has "
            f"{len(card.scheme.classes)} ({', '.join(card.scheme.names)})."
        )
    return save_bundle(folder, model, card)


def read_keras2_weights(path: Path) -> Arrays:
    """Layer name and arrays of every layer that has any, in the file's order.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`import_weights`.
    """
    import h5py

    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file.")
    if not h5py.is_hdf5(path):
        raise ValueError(f"{path}: expected an HDF5 file, found something else.")
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)
            if "layer_names" not in root.attrs:
                raise ValueError(
                    f"{path}: expected a Keras 2 weights file (attribute 'layer_names'), found "
                    f"an HDF5 file with {', '.join(list(root)[:5]) or 'nothing in it'}."
                )
            layers = []
            for name in map(_text, root.attrs["layer_names"]):
                weights = [_text(w) for w in root[name].attrs["weight_names"]]
                if weights:
                    arrays = [_array(path, root[name][w]) for w in weights]
                    layers.append((name, arrays))
            if not layers:
                raise ValueError(f"{path}: no layer of it has weights. Is it the right file?")
            return layers
    except (OSError, KeyError, RuntimeError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: HDF5 file is truncated or damaged ({error}). Download it again."
        ) from error


def _array(path: Path, stored: Any) -> NDArray[np.float32]:
    """An array of the file, unless it is no array or claims what no network has."""
    if stored.size > _MOST_IN_A_LAYER or stored.ndim < 1:
        raise ValueError(
            f"{path}: {stored.name} is an array of the shape {stored.shape}, which no network has. "
            "Is it the right file?"
        )
    return np.asarray(stored, np.float32)


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _n_classes(stored: Arrays) -> int:
    """Channels of the last array of the file."""
    return int(stored[-1][1][-1].shape[-1]) if stored else 5


def _assign(path: Path, model: Any, architecture: str, stored: Arrays) -> None:
    """Copy the arrays into the model's layers, in order, checking every shape first."""
    layers = [layer for layer in model.layers if layer.weights]
    what = f"network {architecture!r}"
    if len(layers) != len(stored):
        raise ValueError(
            f"{path}: expected {what} with {len(layers)} layers that have weights, "
            f"found {len(stored)}. Is it another network (see --arch)?"
        )
    for layer, (name, arrays) in zip(layers, stored, strict=True):
        expected = [tuple(w.shape) for w in layer.weights]
        found = [a.shape for a in arrays]
        if expected != found:
            raise ValueError(
                f"{path}: expected {what}, whose layer {layer.name} has arrays {expected}, "
                f"found {name} with {found}. Is it another network (see --arch)?"
            )
        if not all(np.isfinite(a).all() for a in arrays):
            raise ValueError(f"{path}: layer {name} holds NaN or infinite weights.")
    for layer, (_, arrays) in zip(layers, stored, strict=True):
        layer.set_weights(arrays)
