"""A scripted annotator, in a process of its own so that it can be killed; see test_kill.py.

    python annotator.py paint ROOT SEED SECONDS
    python annotator.py save BENCHMARK EXPERIMENT VERSION

Says on standard output what it is about to do before it does it, one JSON record a line.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.autosave import Autosave
from napari_amseg.annotate.load import load_frames
from napari_amseg.annotate.owner import Owner
from napari_amseg.annotate.save import FrameToSave, Saved, SaveTarget, save_frames
from napari_amseg.annotate.working_copy import FrameWork, SessionRecord, WorkingCopy
from napari_amseg.dataset import open_benchmark
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.types import Experiment, stack_from_array

SHAPE = (6, 128, 256)


def say(**record):
    """One line, at once: what is buffered would be lost with the process."""
    os.write(1, (json.dumps({"time": time.time(), **record}) + "\n").encode())


def random_stroke(rng):
    """A box that a person paints in one frame, or a whole stack that a model labels."""
    if rng.random() < 0.02:
        return {"frames": list(range(SHAPE[0])), "code": int(rng.integers(1, 6)), "box": None}
    top, left = int(rng.integers(SHAPE[1] - 30)), int(rng.integers(SHAPE[2] - 30))
    height, width = (int(n) for n in rng.integers(1, 30, 2))
    frame = int(rng.integers(SHAPE[0]))
    return {"frames": [frame], "code": int(rng.integers(6)), "box": [top, left, height, width]}


def paint(stroke, labels, by_hand):
    """Do a stroke to one frame, labels and by_hand (Y, X); returns its status."""
    if stroke["box"] is None:
        labels[~by_hand] = stroke["code"]
        return Status.SUGGESTED
    top, left, height, width = stroke["box"]
    place = (slice(top, top + height), slice(left, left + width))
    labels[place], by_hand[place] = stroke["code"], stroke["code"] != 0
    return Status.IN_PROGRESS


def paint_until_killed(root, seed, seconds):
    rng = np.random.default_rng(seed)
    labels, by_hand = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, bool)
    statuses, painting = np.zeros(SHAPE[0], np.uint8), threading.Lock()
    record = SessionRecord(
        files=("stack.tif",),
        shape=SHAPE,
        dtype="uint16",
        scheme=DEFAULT_SCHEME,
        experiment=Experiment(experiment="run"),
        owner=Owner.here("Ann"),
    )

    def snapshot(t):
        with painting:
            return FrameWork(labels[t].copy(), by_hand[t].copy(), Status(int(statuses[t])))

    copy = WorkingCopy.create(root, record)
    autosave = Autosave(copy, snapshot, seconds=seconds, on_error=lambda words: say(error=words))
    while True:
        stroke = random_stroke(rng)
        say(**stroke)
        with painting:
            for t in stroke["frames"]:
                statuses[t] = max(int(statuses[t]), paint(stroke, labels[t], by_hand[t]))
        autosave.mark(stroke["frames"])
        time.sleep(rng.exponential(0.005))


def version_labels(version, t):
    """Labels of a frame that tell their version from every pixel: no two versions are equal."""
    digits = [1 + (version // 5**k) % 5 for k in range(6)] + [1 + t % 5]
    return np.resize(np.array(digits, np.uint8), SHAPE[1:])


def version_status(version, t):
    return Status.COMPLETE if (version + t) % 2 else Status.IN_PROGRESS


def stack_images():
    rng = np.random.default_rng(0)
    return stack_from_array(rng.integers(0, 4096, SHAPE, dtype=np.uint16))


def save_until_killed(folder, experiment, version):
    images = stack_images()
    target = SaveTarget(folder, Experiment(experiment=experiment), DEFAULT_SCHEME, "Ann")
    base = {}
    if (folder / "benchmark.json").exists():
        base = {f.name: f.sha256 for f in load_frames(open_benchmark(folder), experiment)}
    while True:
        say(version=version)
        frames = [
            FrameToSave(
                t, f"{t:04d}", version_labels(version, t), version_status(version, t),
                base.get(f"{t:04d}"),
            )
            for t in range(SHAPE[0])
        ]  # fmt: skip
        for outcome in save_frames(target, images, frames):
            if not isinstance(outcome, Saved):
                say(error=outcome.words)
            base[outcome.name] = outcome.sha256
        version += 1


if __name__ == "__main__":
    what, folder, *given = sys.argv[1:]
    if what == "paint":
        paint_until_killed(Path(folder), int(given[0]), float(given[1]))
    else:
        save_until_killed(Path(folder), given[0], int(given[1]))
