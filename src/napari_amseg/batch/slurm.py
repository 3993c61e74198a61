"""Workers as jobs of a SLURM cluster, through dask-jobqueue."""

from __future__ import annotations

import shlex
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from napari_amseg.settings import Settings, setting

_SECONDS_TO_SUBMIT = 20


@dataclass(frozen=True, slots=True)
class SlurmSettings(Settings):
    """What is asked of SLURM; each job is one worker."""

    jobs: int = setting(2, low=1, help="Jobs to submit.")
    queue: str | None = setting(None, help="Partition; the cluster's default if left out.")
    account: str | None = setting(None, help="Account that is charged.")
    walltime: str = setting("01:00:00", help="Longest time of a job, HH:MM:SS.")
    cores: int = setting(8, low=1, help="Cores a job.")
    memory: str = setting("16GB", help="Memory a job; SLURM is told whole GiB, so 16GB are 15G.")
    job_extra: str = setting("", help="More options of sbatch, such as '--gres=gpu:1'.")
    job_setup: str = setting("", help="Shell commands before the worker, such as 'module load x'.")
    log_folder: str | None = setting(
        None, help="Folder for the logs of the jobs; here if not said."
    )
    interface: str | None = setting(None, help="Network interface of the workers, such as ib0.")


def job_options(settings: SlurmSettings) -> dict[str, Any]:
    """What dask-jobqueue is told."""
    return {
        "job_name": "amseg-batch",
        "queue": settings.queue,
        "account": settings.account,
        "walltime": settings.walltime,
        "cores": settings.cores,
        "memory": settings.memory,
        "processes": 1,  # the engine uses all cores of the job
        "job_extra_directives": shlex.split(settings.job_extra),
        "job_script_prologue": [settings.job_setup] if settings.job_setup else [],
        "log_directory": settings.log_folder,
        "interface": settings.interface,
    }


def job_script(settings: SlurmSettings) -> str:
    """The script that would be submitted, with KEYS for the folder of the keys that each campaign
    makes; neither SLURM nor a scheduler need to be there.

    Raises
    ------
    ImportError
        If dask-jobqueue is not installed.
    """
    jobqueue = _jobqueue()
    security = import_module("distributed").Security(
        tls_ca_file="KEYS/ca_file",
        tls_worker_cert="KEYS/cert",
        tls_worker_key="KEYS/key",
        require_encryption=True,
    )
    job = jobqueue.slurm.SLURMJob(
        scheduler="tls://ADDRESS:PORT",
        name="NAME",
        protocol="tls://",
        security=security,
        **job_options(settings),
    )
    return str(job.job_script())


def slurm_cluster(
    settings: SlurmSettings, scheduler: dict[str, Any], security: Any, shared: Path
) -> Any:
    """A Dask cluster whose jobs have been submitted.

    scheduler : options of its scheduler. security : the keys of the cluster, which are put into
    `shared`, a folder that the jobs see, for this user alone and while the cluster runs.

    Raises
    ------
    FileNotFoundError
        If there is no SLURM on this machine.
    OSError
        If SLURM refuses the jobs.
    """
    jobqueue = _jobqueue()
    if shutil.which("sbatch") is None:
        raise FileNotFoundError(
            "there is no sbatch on this machine: run this on a login node of the SLURM cluster, or "
            "see with --dry-run what would be submitted."
        )
    cluster = jobqueue.SLURMCluster(
        **job_options(settings),
        n_workers=settings.jobs,
        scheduler_options=scheduler,
        protocol="tls://",
        security=security,
        shared_temp_directory=str(shared),
    )
    end = time.monotonic() + _SECONDS_TO_SUBMIT  # dask-jobqueue does not tell of a refusal
    while not any(getattr(job, "job_id", None) for job in cluster.workers.values()):
        if time.monotonic() > end:
            with suppress(TimeoutError, AssertionError):
                cluster.close(timeout=1)
            raise OSError(
                "SLURM has not accepted the jobs. See what sbatch says of the script that "
                "--dry-run prints: is there this --queue, may this --account use it?"
            )
        time.sleep(0.1)
    return cluster


def _jobqueue() -> Any:
    from napari_amseg.batch.cluster import cluster_package

    return cluster_package("dask_jobqueue")
