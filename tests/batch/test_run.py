"""Campaigns on real worker processes: killed workers, corrupt stacks, interrupts, schedulers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import distributed
import psutil
import pytest

from napari_amseg.pipeline.campaign import read_campaign
from napari_amseg.pipeline.correlate import correlate

from .conftest import (
    BAD,
    N_FRAMES,
    finished_chunks,
    kill_a_worker,
    results,
    wait_for,
    write_campaign,
)

pytestmark = [
    pytest.mark.xdist_group("campaign"),
    pytest.mark.skipif(sys.platform == "win32", reason="kills and interrupts processes"),
]


def report(out):
    return {entry["experiment"]: entry for entry in json.loads(
        (out / "campaign_report.json").read_text())["stacks"]}  # fmt: skip


def assert_as_undisturbed(out, undisturbed):
    expected = results(undisturbed)
    assert len(expected) == 7 * 6
    assert results(out) == expected
    assert not [p for p in out.rglob("*") if p.name == ".chunks" or p.name.endswith(".part")]
    assert {p.name for p in out.iterdir()} == {p.name for p in undisturbed.iterdir()}


def test_a_killed_worker_costs_only_its_chunk(batch, eight_stacks, undisturbed, tmp_path):
    out = tmp_path / "out"
    process = batch.start(eight_stacks, out, "--workers", 2)
    wait_for(lambda: finished_chunks(out), process)
    wait_for(lambda: list(out.glob("*/.chunks/*/.*.part")), process)
    kill_a_worker(process.pid)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1, output
    assert "1 of 8 stacks failed" in output
    assert "distributed" not in output
    assert_as_undisturbed(out, undisturbed)
    found = report(out)
    assert [name for name, entry in found.items() if entry["status"] == "failed"] == [BAD]
    assert "truncated or damaged" in found[BAD]["reason"]
    assert found[BAD]["reason"] in " ".join(output.split())


def test_the_table_of_results_is_a_campaign_for_correlate(undisturbed):
    campaign = read_campaign(undisturbed / "campaign.csv")
    assert [row.name for row in campaign.rows] == ["e0", "e1", "e2", "e4", "e5", "e6", "e7"]
    row = campaign.rows[3]
    assert (row.experiment.laser_power_w, row.experiment.scan_speed_mm_s) == (240, 504)
    assert (row.experiment.pixel_size_um, row.experiment.frame_rate_hz) == (2, 1e4)
    assert row.summary["n_frames"] == N_FRAMES
    assert row.labels == str(undisturbed / "e4" / "e4_labels.tif")
    assert row.stack.endswith("raw4.tif")
    assert dict(row.more) == {"shift": "night"}
    assert row.frames_file is not None
    assert len(correlate(campaign).table) == 7


def test_ctrl_c_keeps_finished_chunks_and_the_same_command_goes_on(
    batch, eight_stacks, undisturbed, tmp_path
):
    out = tmp_path / "out"
    process = batch.start(eight_stacks, out, "--workers", 2)
    wait_for(lambda: len(finished_chunks(out)) > 2, process)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "the same command goes on" in output
    assert "Traceback" not in output
    psutil.wait_procs(workers, timeout=5)
    assert not [worker for worker in workers if worker.is_running()]
    chunks = {path.parent.parent.parent.name for path in finished_chunks(out)}
    assert chunks
    assert not list(out.glob(".amseg*"))
    again = batch.run(eight_stacks, out, "--workers", 1, code=1)
    for name in chunks:
        assert f"{name}: " in again
        assert "chunks kept" in again
    assert_as_undisturbed(out, undisturbed)
    third = batch.run(eight_stacks, out, "--workers", 1, code=1)
    assert third.count("finished earlier") == 7
    assert_as_undisturbed(out, undisturbed)


@contextmanager
def running(*command):
    process = subprocess.Popen(
        [sys.executable, "-m", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.slow
def test_a_scheduler_that_runs_already_and_a_worker_killed(
    batch, eight_stacks, undisturbed, tmp_path
):
    out, address = tmp_path / "out", f"tcp://127.0.0.1:{free_port()}"
    scheduler = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--no-dashboard",
                 "--port", address.rsplit(":", 1)[1])  # fmt: skip
    worker = ("distributed.cli.dask_worker", address, "--no-dashboard", "--nthreads", 2,
              "--local-directory", tmp_path / "scratch")  # fmt: skip
    with running(*scheduler), running(*worker) as first, running(*worker):
        process = batch.start(eight_stacks, out, "--scheduler", address)
        wait_for(lambda: len(finished_chunks(out)) > 2, process)
        kill_a_worker(first.pid)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 1, output
        assert f"8 stacks on Dask scheduler {address}" in output
        assert_as_undisturbed(out, undisturbed)
        assert report(out)[BAD]["status"] == "failed"


def test_a_scheduler_that_goes_away_is_named(batch, eight_stacks, tmp_path):
    out, address = tmp_path / "out", f"tcp://127.0.0.1:{free_port()}"
    scheduler = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--no-dashboard",
                 "--port", address.rsplit(":", 1)[1])  # fmt: skip
    worker = ("distributed.cli.dask_worker", address, "--no-dashboard",
              "--local-directory", tmp_path / "scratch")  # fmt: skip
    with running(*scheduler) as first, running(*worker):
        process = batch.start(eight_stacks, out, "--scheduler", address)
        wait_for(lambda: finished_chunks(out), process)
        first.kill()
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 2, output
    assert f"error: scheduler {address} is gone." in output
    assert "the same command goes on" in output
    assert "Traceback" not in output
    assert finished_chunks(out)


@pytest.mark.slow
def test_nobody_else_reaches_the_workers(batch, eight_stacks, tmp_path):
    out = tmp_path / "out"
    process = batch.start(eight_stacks, out, "--workers", 1)
    wait_for(lambda: finished_chunks(out), process)
    own = psutil.Process(process.pid)
    open_ports = {
        found.laddr
        for one in (own, *own.children(recursive=True))
        for found in one.net_connections("inet")
        if found.status == psutil.CONN_LISTEN
    }
    assert {address.ip for address in open_ports} == {"127.0.0.1"}

    def refused(address):
        stranger = f"tcp://{address.ip}:{address.port}"
        with pytest.raises(OSError, match=stranger):
            distributed.Client(stranger, timeout=2)

    with ThreadPoolExecutor(len(open_ports)) as at_once:  # each waits for its two seconds
        list(at_once.map(refused, open_ports))
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)


@pytest.mark.parametrize("what", ["distributed", "a worker"])
def test_ctrl_c_while_all_starts_is_one_line(batch, eight_stacks, tmp_path, what):
    def started():
        if what == "distributed":
            return list(out.glob(".amseg*"))
        return psutil.Process(process.pid).children(recursive=True)

    out = tmp_path / "out"
    process = batch.start(eight_stacks, out, "--workers", 2, start_new_session=True)
    wait_for(started, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "the same command goes on" in output
    assert "cancelled; nothing was begun yet" in output
    assert not out.exists()
    lines = [line for line in output.splitlines() if line.strip()]
    assert len([line for line in lines if not line.startswith("note: ")]) == 1, output


@pytest.mark.slow
def test_a_stop_between_table_and_report_locks_nobody_out(batch, tmp_path):
    table, out = write_campaign(tmp_path, 1), tmp_path / "out"
    batch.run(table, out)
    before = (out / "campaign.csv").read_bytes()
    table.write_text(table.read_text(encoding="utf-8-sig").replace("night", "day"))
    batch.run(table, out)
    after = (out / "campaign.csv").read_bytes()
    assert after != before
    (out / "campaign.csv").write_bytes(before)  # the report is renamed first
    batch.run(table, out)
    assert (out / "campaign.csv").read_bytes() == after


SBATCH = """#!/bin/sh
for script in "$@"; do :; done
cp "$script" "$0.script"
setsid sh "$0.script" > /dev/null 2>&1 < /dev/null &
echo "Submitted batch job $!"
"""


@pytest.mark.slow
def test_slurm_workers_have_the_key_and_it_is_gone_at_the_end(batch, tmp_path, monkeypatch):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", '#!/bin/sh\nkill -- "-$1"\n')):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    table, out = write_campaign(tmp_path, 1), tmp_path / "out"
    output = batch.run(table, out, "--slurm", "--jobs", 1, "--cores", 1, "--memory", "2GB",
                       "--log-folder", tmp_path / "logs")  # fmt: skip
    assert "scheduler: tls://" in output
    assert "Exception" not in output
    assert f"--tls-key {out}/.amseg-batch-keys-" in (programs / "sbatch.script").read_text()
    assert {p.name for p in out.iterdir()} == {"e0", "campaign.csv", "campaign_report.json"}


POISON = """
import os
from napari_amseg.batch import tasks
from napari_amseg.pipeline.stack import frame_results as keep  # this is loaded more than once

def frame_results(*given, order, **more):
    if given[3].experiment == "e0" and 8 in order:
        os._exit(9)  # as the system ends a process for want of memory
    return keep(*given, order=order, **more)

tasks.frame_results = frame_results
"""


@pytest.mark.slow
def test_a_chunk_that_ends_every_worker_fails_its_stack_alone(batch, tmp_path, monkeypatch):
    (tmp_path / "poison.py").write_text(POISON)
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__PRELOAD", str([str(tmp_path / "poison.py")]))
    table, out = write_campaign(tmp_path, 3), tmp_path / "out"
    output = batch.run(table, out, "--workers", 2, code=1)
    found = report(out)
    assert "the same command tries them again" in output.lower()
    assert [entry["status"] for entry in found.values()] == ["failed", "done", "done"]
    assert "computing frames 8 to 11 ended one worker after the other" in found["e0"]["reason"]
    assert found["e0"]["chunks_kept"] < N_FRAMES // 4


@pytest.mark.slow
def test_a_scheduler_that_is_not_there(batch, eight_stacks, tmp_path):
    address = f"tcp://127.0.0.1:{free_port()}"
    output = batch.run(eight_stacks, tmp_path / "out", "--scheduler", address, code=2)
    assert f"error: scheduler {address}: does not answer" in output
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


@contextmanager
def listening(answer: bytes):
    """Something at a port that sends `answer` to who connects, then listens; gives the address."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        kept = []

        def serve():
            with suppress(OSError):  # closed at the end
                while True:
                    kept.append(server.accept()[0])
                    kept[-1].sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        for connection in kept:
            connection.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(b"", "no answer in 10 s. Something else than Dask", marks=pytest.mark.slow),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "something else than"),
        (b"\x08" + 7 * b"\0" + 8 * b"\xff", "something else than"),
        (b"\x09" + 7 * b"\0" + b"\x01" + 16 * b"\0", "something else than"),
    ],
)
def test_what_is_no_scheduler_is_named_and_not_waited_for(batch, tmp_path, answer, words):
    table, out = write_campaign(tmp_path, 1), tmp_path / "deep" / "out"
    with listening(answer) as address:
        process = batch.start(table, out, "--scheduler", address)
        output, _ = process.communicate(timeout=40)  # half a minute less than it hung
    assert process.returncode == 2, output
    (line,) = [line for line in output.splitlines() if not line.startswith("note: ")]
    assert line.startswith(f"error: scheduler {address}: ")
    assert words in line
    assert "out of memory" not in line
    assert not out.parent.exists()


def test_a_dask_worker_is_no_scheduler(batch, tmp_path):
    address = f"tcp://127.0.0.1:{free_port()}"
    other = f"tcp://127.0.0.1:{free_port()}"
    scheduler = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--no-dashboard",
                 "--port", address.rsplit(":", 1)[1])  # fmt: skip
    worker = ("distributed.cli.dask_worker", address, "--no-dashboard", "--no-nanny",
              "--worker-port", other.rsplit(":", 1)[1],
              "--local-directory", tmp_path / "scratch")  # fmt: skip
    with running(*scheduler), running(*worker):
        with distributed.Client(address) as client:
            client.wait_for_workers(1)
        output = batch.run(write_campaign(tmp_path, 1), tmp_path / "out", "--scheduler", other,
                           code=2)  # fmt: skip
    assert f"scheduler {other}: is a Dask worker." in output


@pytest.mark.slow
def test_the_notes_of_a_stack_are_shown(batch, tmp_path):
    table, out = write_campaign(tmp_path, 2), tmp_path / "out"
    lines = table.read_text(encoding="utf-8-sig").splitlines()
    lines[1] = lines[1].replace(";2;10000;", ";;50.000;")
    table.write_text("\n".join(lines) + "\n")
    for output in (batch.run(table, out), batch.run(table, out)):  # finished earlier, too
        told = output.splitlines()
        assert any("line 2: frame_rate_hz '50.000' is read as 50:" in line for line in told)
        assert sum("e0: note: pixel_size_um is said neither by" in line for line in told) == 1
        assert not any("e1: note: pixel_size_um" in line for line in told)
        for name in ("e0", "e1"):
            for note in json.loads((out / name / f"{name}_run.json").read_text())["notes"]:
                assert told.count(f"{name}: note: {note}") == 1
                assert note in report(out)[name]["notes"]
