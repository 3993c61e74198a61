"""A worker of this machine keeps to its share: loaded by Dask in each worker that we start."""

from __future__ import annotations

import os
import signal
from typing import Any

CORES = "AMSEG_WORKER_CORES"


def dask_setup(worker: Any) -> None:
    """Called by Dask before the worker starts: keep to its cores, leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cores = {int(core) for core in os.environ.get(CORES, "").split(",") if core}
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def usable_cores() -> list[int]:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def worker_environment(
    worker: int, n_workers: int, cores: list[int], gpus: list[str]
) -> dict[str, str]:
    """Environment of one of several workers that share the cores and GPUs of a machine."""
    first, last = (len(cores) * i // n_workers for i in (worker, worker + 1))
    own = cores[first:last] or [cores[worker % len(cores)]]
    n = str(len(own))
    shared = {
        CORES: ",".join(map(str, own)),
        "OMP_NUM_THREADS": n,  # PyTorch
        "TF_NUM_INTRAOP_THREADS": n,
        "TF_NUM_INTEROP_THREADS": n,
    }
    return shared | ({"CUDA_VISIBLE_DEVICES": gpus[worker % len(gpus)]} if gpus else {})
