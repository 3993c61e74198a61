"""Whether this machine may have a GPU, asked of its driver: takes milliseconds, not a backend."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from pathlib import Path

_CUDA = {"linux": "libcuda.so.1", "win32": "nvcuda.dll"}


@cache
def may_have_gpu() -> bool:
    """False where there is certainly no GPU that a Keras backend could use.

    NVIDIA's driver is asked for its devices, AMD's looked for. A Mac always may have one.
    """
    if sys.platform == "darwin" or Path("/dev/kfd").exists():
        return True
    try:
        cuda = ctypes.CDLL(_CUDA[sys.platform])
    except (KeyError, OSError):
        return False
    count = ctypes.c_int(0)
    return (
        cuda.cuInit(0) == 0 and cuda.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    )
