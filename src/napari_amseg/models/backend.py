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

__all__ = ["compiled", "device", "gradient", "has_gpu", "keras", "prefers_bfloat16"]


def has_gpu() -> bool:
    """Whether the backend in use sees a GPU."""
    return bool(_GPUS)


def device() -> str:
    """The backend and the device it computes on, for people: ``tensorflow on cpu``."""
    return f"{keras.backend.backend()} on {_GPUS[0] if _GPUS else 'cpu'}"


def prefers_bfloat16() -> bool:
    """Whether the GPU in use multiplies bfloat16 several times faster than float32: NVIDIA's from
    compute capability 8 on.

    Older ones are fast in float16 only, which overflows at 65 504: a network fed with grey values
    up to 255 may reach that, and its masks would be wrong without a word.
    """
    return has_gpu() and _CAPABILITIES[keras.backend.backend()]() >= 8


def _capability_tensorflow() -> float:
    config = import_module("tensorflow").config
    details = config.experimental.get_device_details(config.list_physical_devices("GPU")[0])
    return float(details.get("compute_capability", (0, 0))[0])


def _capability_jax() -> float:
    found = str(getattr(import_module("jax").devices()[0], "compute_capability", ""))
    return float(found) if found.replace(".", "").isdigit() else 0.0  # AMD's are names


def _capability_torch() -> float:
    cuda = import_module("torch").cuda
    return float(cuda.get_device_capability()[0]) if cuda.is_available() else 0.0


_CAPABILITIES = {
    "tensorflow": _capability_tensorflow,
    "jax": _capability_jax,
    "torch": _capability_torch,
}


def compiled(model: Any) -> Callable[..., list[Any]]:
    """The model as a function of its inputs, float32 arrays, in inference mode: one graph where
    the backend has any. Threads may call it at the same time.

    Returns
    -------
    A function that gives the outputs as tensors of the backend. JAX and PyTorch hand them back
    before they are computed; turning one into an array waits for it.
    """
    return _COMPILERS[keras.backend.backend()](model)


def _compiled_tensorflow(model: Any) -> Callable[..., list[Any]]:
    return import_module("tensorflow").function(  # type: ignore[no-any-return]
        lambda *inputs: model(list(inputs), training=False),
        jit_compile=True if has_gpu() else None,
        reduce_retracing=True,
    )


def _compiled_jax(model: Any) -> Callable[..., list[Any]]:
    jax = import_module("jax")
    weights = [  # copies: Keras gives its own away to the graphs it runs
        [jax.numpy.array(variable.value) for variable in group]
        for group in (model.trainable_variables, model.non_trainable_variables)
    ]
    call = jax.jit(
        lambda weights, inputs: model.stateless_call(*weights, inputs, training=False)[0]
    )
    return lambda *inputs: call(weights, list(inputs))


def _compiled_torch(model: Any) -> Callable[..., list[Any]]:
    torch = import_module("torch")

    def call(*inputs: NDArray[np.float32]) -> list[Any]:
        with torch.no_grad():
            return model(list(map(keras.ops.convert_to_tensor, inputs)), training=False)  # type: ignore[no-any-return]

    return call


_COMPILERS = {
    "tensorflow": _compiled_tensorflow,
    "jax": _compiled_jax,
    "torch": _compiled_torch,
}


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
