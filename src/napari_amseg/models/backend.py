"""Keras with its backend chosen: TensorFlow unless ``KERAS_BACKEND`` says otherwise.

Only modules that are imported lazily may import this one: it loads the backend.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

__all__ = ["device", "has_gpu", "keras"]


def has_gpu() -> bool:
    """Whether the backend in use sees a GPU."""
    return any(name.lower().startswith(("gpu", "cuda")) for name in _devices())


def device() -> str:
    """The backend and the device it computes on, for people: ``tensorflow on cpu``."""
    devices = _devices()
    gpus = [name for name in devices if name.lower().startswith(("gpu", "cuda"))]
    return f"{keras.backend.backend()} on {gpus[0] if gpus else 'cpu'}"


def _devices() -> list[str]:
    return list(keras.distribution.list_devices())
