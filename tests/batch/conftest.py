"""Small campaigns, a tiny model, and ``amseg batch`` as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile

from napari_amseg.labels import Label
from napari_amseg.models import ModelCard, build, save_bundle
from napari_amseg.preprocess import Chain, Normalise

N_FRAMES, BAD = 24, "e3"


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    """An AM-SegNet of one filter, as it is before any training."""
    network = build("amsegnet", n_classes=5, filters=1)
    card = ModelCard("amsegnet", {"filters": 1}, chain=Chain((Normalise(),)))
    return save_bundle(tmp_path_factory.mktemp("models") / "tiny", network, card).folder


def moving_frames(n: int, seed: int) -> np.ndarray:
    """A plate with a keyhole and a pore that move, and noise: uint16 (n, 32, 96)."""
    image = np.full((32, 96), Label.BACKGROUND, np.uint8)
    image[12:] = Label.SUBSTRATE
    image[12:21, 20:25] = Label.KEYHOLE
    image[25:28, 10:13] = Label.PORE
    grey = np.array([0, 2200, 1800, 900, 300, 0], np.float32)
    noise = np.random.default_rng(seed).normal(0, 80, (n, *image.shape))
    drawn = np.stack([grey[np.roll(image, t, axis=1)] for t in range(n)])
    return (drawn + noise).clip(0, 4000).astype(np.uint16)


def write_campaign(folder: Path, n_stacks: int, *, bad: str | None = None) -> Path:
    """A table of stacks as Excel writes it; one of them is cut off in the middle."""
    rows = ["experiment;stack;pixel_size_um;frame_rate_hz;laser_power_w;scan_speed_mm_s;shift"]
    for i in range(n_stacks):
        path = folder / f"raw{i}.tif"
        tifffile.imwrite(path, moving_frames(N_FRAMES, i), photometric="minisblack")
        if f"e{i}" == bad:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        rows.append(f"e{i};raw{i}.tif;2;10000;{200 + 10 * i};{500 + i};night")
    table = folder / "campaign.csv"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8-sig")
    return table


@dataclass
class Batch:
    """``amseg batch`` on a campaign; chunks of 4 frames, so that there is a middle to disturb."""

    model: Path

    def start(self, table: Path, out: Path, *more: object, **how: object) -> subprocess.Popen:
        command = "from napari_amseg.cli import app; app()"
        given = ["batch", table, "--model", self.model, "-o", out, "--chunk-frames", 4, *more]
        return subprocess.Popen(
            [sys.executable, "-c", command, *map(str, given)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
            **how,
        )

    def run(self, table: Path, out: Path, *more: object, code: int = 0) -> str:
        process = self.start(table, out, *more)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == code, output
        return output


@pytest.fixture(scope="session")
def batch(model) -> Batch:
    return Batch(model)


@pytest.fixture(scope="session")
def eight_stacks(tmp_path_factory) -> Path:
    """The table of a campaign of eight stacks, one of them corrupt."""
    return write_campaign(tmp_path_factory.mktemp("campaign"), 8, bad=BAD)


@pytest.fixture(scope="session")
def undisturbed(batch, eight_stacks, tmp_path_factory) -> Path:
    """Its results when nothing happens, computed by one worker."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    batch.run(eight_stacks, out, "--workers", 1, code=1)
    return out


def results(out: Path) -> dict[str, bytes]:
    """All result files of all stacks; records say with OUT where they lie."""
    files = [p for p in out.rglob("*") if p.is_file() and p.parent != out and p.name[0] != "."]
    place = str(out).encode()
    return {str(p.relative_to(out)): p.read_bytes().replace(place, b"OUT") for p in files}


def wait_for(condition, process: subprocess.Popen, seconds: float = 120):
    """What `condition` gives once it is true; fails if the process ends before."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def finished_chunks(out: Path) -> list[Path]:
    return list(out.glob("*/.chunks/*/?????.json"))


def kill_a_worker(parent: int) -> int:
    """Kill -9 of one of the worker processes below a process; gives its id."""
    for child in psutil.Process(parent).children(recursive=True):
        words = child.cmdline()
        if any("spawn_main" in word for word in words):
            os.kill(child.pid, signal.SIGKILL)
            return child.pid
    raise AssertionError("no worker to kill")
