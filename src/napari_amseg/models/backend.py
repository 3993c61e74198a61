"""Keras with its backend chosen: TensorFlow unless ``KERAS_BACKEND`` says otherwise.

Only modules that are imported lazily may import this one: it loads the backend.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

__all__ = ["device", "gradient", "has_gpu", "keras"]


def has_gpu() -> bool:
    """Whether the backend in use sees a GPU."""
    return bool(_GPUS)


def device() -> str:
    """The backend and the device it computes on, for people: ``tensorflow on cpu``."""
    return f"{keras.backend.backend()} on {_GPUS[0] if _GPUS else 'cpu'}"


def gradient(function: Callable[[Any], Any], at: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gradient of a scalar function of one tensor, by the backend's own differentiation.

    Parameters
    ----------
    function : from a tensor of the backend to a scalar of it; made of ``keras.ops`` and of models
        in inference mode, without side effects.
    at : where; float32, any shape.

    Returns
    -------
    float32, the shape of `at`.

    Raises
    ------
    ValueError
        If the backend in use cannot differentiate.
    """
    backend = keras.backend.backend()
    if backend not in _GRADIENTS:
        raise ValueError(
            f"the Keras backend {backend!r} computes no gradients: set KERAS_BACKEND to one of "
            f"{', '.join(_GRADIENTS)}."
        )
    found = _GRADIENTS[backend](function, keras.ops.convert_to_tensor(at))
    return np.asarray(keras.ops.convert_to_numpy(found), np.float32)


def _gradient_tensorflow(function: Callable[[Any], Any], at: Any) -> Any:
    with import_module("tensorflow").GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(at)
        value = function(at)
    return tape.gradient(value, at)


def _gradient_jax(function: Callable[[Any], Any], at: Any) -> Any:
    return import_module("jax").grad(function)(at)


def _gradient_torch(function: Callable[[Any], Any], at: Any) -> Any:
    at = at.detach().requires_grad_(True)
    (found,) = import_module("torch").autograd.grad(function(at), at)
    return found


_GRADIENTS = {
    "tensorflow": _gradient_tensorflow,
    "jax": _gradient_jax,
    "torch": _gradient_torch,
}
