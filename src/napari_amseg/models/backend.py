"""Keras with its backend chosen: TensorFlow unless ``KERAS_BACKEND`` says otherwise.

Only modules that are imported lazily may import this one: it loads the backend.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

os.environ.setdefault("KERAS_BACKEND", "tensorflow")


@contextmanager
def _native_messages_hidden() -> Iterator[None]:
    """TensorFlow greets on the error stream before its own log level is read.

    Whoever sets ``TF_CPP_MIN_LOG_LEVEL`` wants to read it. Python errors pass through.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        yield
        return
    try:
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # a windowed program on Windows has no error stream
        yield
        return
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _gpus() -> list[str]:
    """GPUs the backend in use sees; Keras itself cannot list them under PyTorch."""
    if keras.backend.backend() == "torch":
        torch = import_module("torch")
        found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        return [name for name, there in found.items() if there]
    devices = keras.distribution.list_devices()
    return [name for name in devices if name.lower().startswith(("gpu", "cuda"))]


with _native_messages_hidden():
    import keras

    _GPUS = _gpus()

__all__ = ["device", "has_gpu", "keras"]


def has_gpu() -> bool:
    """Whether the backend in use sees a GPU."""
    return bool(_GPUS)


def device() -> str:
    """The backend and the device it computes on, for people: ``tensorflow on cpu``."""
    return f"{keras.backend.backend()} on {_GPUS[0] if _GPUS else 'cpu'}"
