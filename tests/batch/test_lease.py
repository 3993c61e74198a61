"""One campaign a folder: the living are respected, the dead removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psutil
import pytest

from napari_amseg.batch.lease import SECONDS_TO_DEATH, leased


def held(out, **owner):
    """A lease as another campaign would have left it."""
    known = {"host": "elsewhere", "pid": 1, "started": 1.0, **owner}
    path = out / ".amseg-batch-running-other"
    path.write_text(json.dumps(known))
    return path


def test_a_folder_has_one_campaign_at_a_time(tmp_path):
    with leased(tmp_path) as lease:
        assert lease.file.parent == tmp_path
        words = f"another amseg batch works in.*process {os.getpid()} "
        with pytest.raises(OSError, match=words), leased(tmp_path):
            pass
        lease.require()
        assert list(tmp_path.iterdir()) == [lease.file]
    assert not list(tmp_path.iterdir())


def test_the_lease_of_a_dead_process_is_removed(tmp_path):
    with leased(tmp_path) as lease:
        mine = json.loads(lease.file.read_text())
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = psutil.Process(child.pid).create_time()
    other = held(tmp_path, host=mine["host"], pid=child.pid, started=started)
    with pytest.raises(OSError, match="another amseg batch"), leased(tmp_path):
        pass
    child.kill()
    child.wait()
    with leased(tmp_path):
        assert not other.exists()
    other = held(tmp_path, host=mine["host"], pid=os.getpid(), started=mine["started"] - 60)
    with leased(tmp_path):  # the number of the dead one is ours now
        assert not other.exists()


@pytest.mark.parametrize("text", [None, "", "[]"])
def test_a_lease_of_another_machine_dies_of_silence(tmp_path, text):
    other = held(tmp_path)
    if text is not None:
        other.write_text(text)
    with pytest.raises(OSError, match="another amseg batch"), leased(tmp_path):
        pass
    now = other.stat().st_mtime
    os.utime(other, (now - SECONDS_TO_DEATH - 60,) * 2)
    with leased(tmp_path):
        assert not other.exists()


def test_who_was_taken_for_dead_stops(tmp_path):
    with leased(tmp_path) as lease:
        lease.file.unlink()
        with pytest.raises(OSError, match="has taken this folder over"):
            lease.require()
