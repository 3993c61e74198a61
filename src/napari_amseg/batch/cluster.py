"""The Dask cluster a campaign runs on: processes of this machine, a running one, or SLURM jobs."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from napari_amseg.batch.interrupts import interrupts_wait
from napari_amseg.batch.scheduler import require_scheduler
from napari_amseg.batch.share import usable_cores, worker_environment
from napari_amseg.batch.slurm import SlurmSettings, slurm_cluster
from napari_amseg.models.gpu import may_have_gpu
from napari_amseg.settings import Settings, setting
from napari_amseg.words import counted

CORES_A_WORKER = 4  # more than that gains little: measuring holds Python's lock
_CONFIG = {
    "distributed.scheduler.allowed-failures": 2,  # workers a task may end before its last try
    "distributed.worker.profile.enabled": False,  # it walks deep stacks a hundred times a second
}
_KEYS = ".amseg-batch-keys-"
_SECONDS_TO_CONNECT = 10
_SECONDS_TO_CLOSE = 1.0


@dataclass(frozen=True, slots=True)
class ClusterSettings(Settings):
    """Where a campaign is computed."""

    workers: int | None = setting(
        None,
        low=1,
        help="Processes on this machine; one a GPU, else one for every 4 cores, if left out.",
    )
    scheduler: str | None = setting(
        None, help="Address of a running Dask scheduler, such as tcp://host:8786."
    )
    slurm: bool = setting(False, help="Submit SLURM jobs as workers.")

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if self.slurm and self.scheduler is not None:
            raise ValueError("--slurm starts a scheduler of its own: leave out --scheduler.")
        if self.workers is not None and (self.slurm or self.scheduler is not None):
            raise ValueError("--workers is for this machine: leave out --slurm and --scheduler.")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster at hand.

    client : connected to it. kind : for people and the report. dashboard : its address, or None.
    """

    client: Any
    kind: str
    dashboard: str | None


def cluster_package(name: str) -> Any:
    """A package of the extra ``cluster``.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError("Cluster runs need: pip install 'napari-amseg[cluster]'") from error


@contextmanager
def open_cluster(
    settings: ClusterSettings, slurm: SlurmSettings, out: Path, *, engine: str = "auto"
) -> Iterator[Cluster]:
    """The cluster that is asked for; what was started for it ends with the block.

    out : the folder of results, which SLURM jobs see too. engine : asked for; GPUs are shared out
    only where it computes on them.

    Raises
    ------
    ImportError
        If Dask's distributed part is not installed.
    OSError
        If the scheduler does not answer, or SLURM refuses.
    """
    with interrupts_wait():  # half a Dask cannot be loaded anew
        distributed = cluster_package("distributed")
        dask = import_module("dask")
    _silence()
    with (
        TemporaryDirectory(prefix="amseg-batch-", ignore_cleanup_errors=True) as folder,
        dask.config.set(_CONFIG),
        ExitStack() as opened,
    ):
        if settings.scheduler is not None:
            require_scheduler(distributed, settings.scheduler)
            client = distributed.Client(settings.scheduler, timeout=_SECONDS_TO_CONNECT)
            try:
                yield Cluster(client, f"Dask scheduler {settings.scheduler}", _dashboard(client))
            finally:
                client.close(_SECONDS_TO_CLOSE)
            return
        # Port 0: a free one, also where another campaign runs. Whoever reaches a scheduler can run
        # code as this user: only who holds the key of this campaign may.
        scheduler = {"dashboard_address": "127.0.0.1:0", "port": 0}
        security = _security(distributed)
        if settings.slurm:
            keys = opened.enter_context(_keys(out))
            cluster = slurm_cluster(slurm, scheduler, security, keys)
            kind = f"SLURM, {counted(slurm.jobs, 'job')}"
        else:
            gpus = gpus_for(engine)
            n = settings.workers or len(gpus) or max(1, len(usable_cores()) // CORES_A_WORKER)
            kind = "1 local process" if n == 1 else f"{n} local processes"
            with interrupts_wait():
                cluster = _processes(n, gpus, scheduler, security, folder)
        try:
            client = distributed.Client(cluster, timeout=_SECONDS_TO_CONNECT)
            yield Cluster(client, kind, _dashboard(client))
            client.close(_SECONDS_TO_CLOSE)
        finally:
            _close(cluster)


def visible_gpus() -> list[str]:
    """Names of the NVIDIA GPUs this process may use, as ``CUDA_VISIBLE_DEVICES`` takes them."""
    stated = os.environ.get("CUDA_VISIBLE_DEVICES")
    if stated is not None:
        return [name.strip() for name in stated.split(",") if name.strip() not in ("", "-1")]
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return found.stdout.split()


def gpus_for(engine: str) -> list[str]:
    """The visible GPUs, if this engine computes on them; ``auto`` does if the Keras backend can."""
    if engine == "openvino" or not (gpus := visible_gpus()):
        return []
    if engine == "keras":
        return gpus
    if not may_have_gpu():
        return []
    # In a process of its own, which takes seconds: a backend keeps what GPU memory it has seen.
    ask = "from napari_amseg.models.backend import has_gpu; raise SystemExit(not has_gpu())"
    return gpus if subprocess.run([sys.executable, "-c", ask], check=False).returncode == 0 else []


@contextmanager
def _keys(out: Path) -> Iterator[Path]:
    """A folder in `out` for the keys of SLURM jobs, for this user alone; old ones are removed."""
    for old in out.glob(f"{_KEYS}*"):
        shutil.rmtree(old, ignore_errors=True)
    folder = Path(mkdtemp(prefix=_KEYS, dir=out))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _security(distributed: Any) -> Any:
    """A key for this campaign alone: connections are encrypted, and strangers refused."""
    cluster_package("cryptography")
    return distributed.Security.temporary()


def _processes(
    n: int, gpus: list[str], scheduler: dict[str, Any], security: Any, folder: str
) -> Any:
    """Worker processes of this machine, each with its share of cores and a GPU if there are any.

    folder : for what they spill.
    """
    distributed, cores = import_module("distributed"), usable_cores()
    local = {"host": "127.0.0.1", "security": security, "protocol": "tls"}
    preload = import_module("dask").config.get("distributed.worker.preload")
    workers = {
        i: {
            "cls": distributed.Nanny,
            "options": {
                "nthreads": 1,  # one chunk at a time; its engine uses all the worker's cores
                "memory_limit": 0,
                "env": worker_environment(i, n, cores, gpus),
                "preload": [*preload, "napari_amseg.batch.share"],
                "silence_logs": logging.CRITICAL,
                "local_directory": folder,
                "dashboard": False,
                **local,
            },
        }
        for i in range(n)
    }
    options = {**local, **scheduler}
    return distributed.SpecCluster(
        workers=workers,
        scheduler={"cls": distributed.Scheduler, "options": options},
        security=security,
        silence_logs=logging.CRITICAL,
    )


def _dashboard(client: Any) -> str | None:
    return str(client.dashboard_link) if find_spec("bokeh") else None


def _close(cluster: Any) -> None:
    """End workers and scheduler now; a chunk in the middle is dropped."""
    for nanny in getattr(cluster, "workers", {}).values():
        process = getattr(getattr(nanny, "process", None), "pid", None)
        if process is not None:
            nanny.auto_restart = False
            with suppress(OSError):
                os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    # dask-jobqueue 0.9 does not say that its jobs have ended, which newer schedulers expect.
    with suppress(TimeoutError, AssertionError):
        cluster.close(timeout=_SECONDS_TO_CLOSE)


def _silence() -> None:
    """Only our own words on the terminal: losing a worker is told by us."""
    for name in (
        "distributed",
        "distributed.client",
        "tornado",
        "bokeh",
        "asyncio",
        "dask_jobqueue",
    ):
        logging.getLogger(name).setLevel(logging.CRITICAL)
