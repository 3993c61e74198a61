"""Shares of a machine, GPUs, SLURM scripts: what can be told without starting anything."""

from __future__ import annotations

import asyncio
import sys

import pytest

from napari_amseg.batch.cluster import ClusterSettings, gpus_for, open_cluster, visible_gpus
from napari_amseg.batch.scheduler import require_scheduler
from napari_amseg.batch.share import CORES, worker_environment
from napari_amseg.batch.slurm import SlurmSettings, job_script, slurm_cluster
from napari_amseg.models.backend import has_gpu


@pytest.mark.parametrize(("n_workers", "n_cores"), [(2, 8), (3, 8), (1, 4), (4, 2)])
def test_workers_share_the_cores(n_workers, n_cores):
    cores = list(range(10, 10 + n_cores))
    shares = [
        worker_environment(i, n_workers, cores, [])[CORES].split(",") for i in range(n_workers)
    ]
    used = [int(core) for share in shares for core in share]
    assert set(used) == set(cores)
    assert len(used) == max(n_workers, n_cores)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_each_worker_has_one_gpu():
    found = [worker_environment(i, 3, [0, 1, 2], ["0", "2"]) for i in range(3)]
    assert [one["CUDA_VISIBLE_DEVICES"] for one in found] == ["0", "2", "0"]
    assert "CUDA_VISIBLE_DEVICES" not in worker_environment(0, 1, [0], [])


@pytest.mark.parametrize(
    ("stated", "gpus"), [("0,1", ["0", "1"]), ("-1", []), ("", []), ("GPU-a", ["GPU-a"])]
)
def test_gpus_are_those_that_may_be_used(monkeypatch, stated, gpus):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", stated)
    assert visible_gpus() == gpus


def test_workers_get_gpus_only_if_their_engine_computes_there(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert gpus_for("openvino") == []
    assert gpus_for("keras") == ["0", "1"]
    assert gpus_for("auto") == (["0", "1"] if has_gpu() else [])


def test_contradicting_options_are_refused():
    with pytest.raises(ValueError, match="leave out --scheduler"):
        ClusterSettings(slurm=True, scheduler="tcp://a:1")
    with pytest.raises(ValueError, match="leave out --slurm"):
        ClusterSettings(slurm=True, workers=2)


def test_the_job_script_says_what_was_asked():
    script = job_script(
        SlurmSettings(
            queue="gpu", account="beam", walltime="02:00:00", cores=4, memory="10GB",
            job_extra="--gres=gpu:1 --exclusive", job_setup="module load cuda",
        )
    )  # fmt: skip
    lines = script.splitlines()
    for line in ("-p gpu", "-A beam", "-t 02:00:00", "--cpus-per-task=4", "--gres=gpu:1",
                 "--exclusive", "-J amseg-batch"):  # fmt: skip
        assert f"#SBATCH {line}" in lines
    assert lines.index("module load cuda") == len(lines) - 2
    assert "distributed.cli.dask_worker tls://" in lines[-1]
    assert "--protocol tls:// --tls-ca-file KEYS/ca_file" in lines[-1]  # as when it is submitted


def test_without_slurm_the_remedy_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FileNotFoundError, match="--dry-run"):
        slurm_cluster(SlurmSettings(), {}, None, tmp_path)


def test_a_missing_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ImportError, match=r"pip install 'napari-amseg\[cluster\]'"),
        open_cluster(ClusterSettings(), SlurmSettings(), tmp_path),
    ):
        pass


def test_a_scheduler_is_asked_where_a_loop_runs_already():
    distributed = pytest.importorskip("distributed")

    async def in_a_notebook(address):
        require_scheduler(distributed, address)

    with distributed.LocalCluster(
        n_workers=0, host="127.0.0.1", protocol="tcp", dashboard_address=None
    ) as cluster:
        asyncio.run(in_a_notebook(cluster.scheduler_address))
