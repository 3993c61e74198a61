"""How far each stage of annotating a stack gets: from a raw stack to labelled frames.

    xvfb-run -a -s "-screen 0 1920x1080x24" python benchmarks/annotation_workflow.py [-o FILE]

A scripted person (`annotation_person.py`) works in the real *Annotate* widget on a phantom of 24
frames of 256x512, dirtier than what the shipped model was trained on. After each stage the labels
are scored against the exact truth, IoU over all pixels of the frames named. Seeds are fixed.
Seconds are of the computer alone, from the button to the result: the time that a person takes to
paint is not in them, since the script paints in no time; strokes and pixels are told instead.
Prints a table; the JSON names the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp()) / "settings.yaml"))
os.environ["AMSEG_ANNOTATION_FOLDER"] = str(Path(tempfile.mkdtemp()) / "annotation")

import napari
import numpy as np
from annotation_person import STACK, Person, cavities, scribbles, written_stack
from event_loop import wait_until
from memory import machine

from napari_amseg.annotate.annotation import Status
from napari_amseg.dataset import open_benchmark
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.scores import Confusion

FIRST, SECOND = 8, 16
KEYS = range(0, STACK.n_frames, 4)
LEARNT, FRAMES = 3, 20
SEED = 1
EXPERIMENT = "run7"


class Table:
    """Rows as they are measured."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.rows: list[dict[str, Any]] = []
        self._strokes = self._pixels = 0

    def add(self, stage: str, frames: Iterable[int], seconds: float) -> None:
        """Score frames as they are labelled now."""
        person, frames = self.person, list(frames)
        confusion = Confusion(DEFAULT_SCHEME)
        for t in frames:
            confusion.add(person.truth[t], person.session.labels_of(t))
        iou = {k: round(v, 3) for k, v in confusion.to_json()["iou"].items()}
        unlabelled = np.mean([(person.session.labels_of(t) == 0).mean() for t in frames])
        row = {
            "stage": stage,
            "frames": len(frames),
            "strokes": person.strokes - self._strokes,
            "painted_px": person.painted_px - self._pixels,
            "iou": iou,
            "unlabelled": round(float(unlabelled), 4),
            "seconds": round(seconds, 1),
        }
        self._strokes, self._pixels = person.strokes, person.painted_px
        self.rows.append(row)
        print(row, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, truth = written_stack(Path(folder))
        viewer = napari.Viewer(show=True)
        viewer.window.resize(1280, 800)
        person = Person(viewer, path, truth)
        person.start()
        table = Table(person)
        for stages in (surface, classifier, interpolation, model):
            stages(person, table)
            if stages is not model:
                person.undo_all()
        saved = save(person, Path(folder) / "bench")
        person.dock.guard.stop()  # it would ask before the window closes
        viewer.close()
    print(as_markdown(table.rows))
    record = {"machine": machine(), "load": os.getloadavg()[0], "rows": table.rows, "save": saved}
    if given.out:
        given.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def surface(person: Person, table: Table) -> None:
    """Substrate below the surface in all frames, then keyhole and pores of one by rough strokes."""
    person.aids.surface.above.choose(0)
    seconds = person.press(person.aids.surface.fill_many_button)
    everything = range(STACK.n_frames)
    table.add("surface fill, substrate below", everything, seconds)
    rng = np.random.default_rng(SEED)
    seconds = sum(
        person.snap(FIRST, label, line)
        for label in (Label.KEYHOLE, Label.PORE)
        for line in cavities(person.truth[FIRST], label, rng)
    )
    table.add(f"keyhole and pores of frame {FIRST} snapped", [FIRST], seconds)


def classifier(person: Person, table: Table) -> None:
    """Scribbles on one frame, then on a second, which is bare again when it is scribbled on."""
    rng, classify = np.random.default_rng(SEED), person.aids.classify
    done: list[int] = []
    for frame in (FIRST, SECOND):
        for label, line in scribbles(person.truth[frame], rng):
            person.stroke(frame, label, line)
        done.append(frame)
        if len(done) == 1:
            seconds = person.press(classify.one_button)
            table.add("classifier from its scribbles, that frame", done, seconds)
        seconds = person.press(classify.many_button)
        others = [t for t in range(STACK.n_frames) if t not in done]
        table.add(f"classifier from scribbles on frames {done}, the others", others, seconds)
        person.session.layer.undo()


def interpolation(person: Person, table: Table) -> None:
    """Every fourth frame is a key frame, its keyhole snapped from a rough stroke."""
    rng = np.random.default_rng(SEED)
    person.press(person.aids.surface.fill_many_button)
    seconds = 0.0
    for t in KEYS:
        for line in cavities(person.truth[t], Label.KEYHOLE, rng):
            seconds += person.snap(t, Label.KEYHOLE, line)
    table.add(f"keyhole of {len(KEYS)} key frames snapped", KEYS, seconds)
    between = [t for t in range(KEYS[-1]) if t not in KEYS]
    fold = person.aids.folds[person.aids.aids.index(person.aids.interpolate)]
    fold.button.setChecked(True)
    seconds = 0.0
    for t in KEYS[:-1]:
        person.session.go_to(t + 1)
        person.choose(Label.KEYHOLE)
        seconds += person.press(person.aids.interpolate.start_button)
    table.add("keyhole interpolated in the frames between", between, seconds)


def model(person: Person, table: Table) -> None:
    """The shipped model, three advised frames corrected, what it learnt, three more, the rest."""
    learn, everything = person.dock.learn, range(STACK.n_frames)
    seconds = person.model(learn.all_button)
    table.add("model fast, all frames", everything, seconds)
    corrected: list[int] = []
    for total in (LEARNT, 2 * LEARNT):
        while len(corrected) < total:
            learn.go_to_advised()
            corrected.append(person.session.frame)
            person.correct(corrected[-1])
        others = [t for t in everything if t not in corrected]
        table.add(f"the others, before it learns ({sorted(corrected)} complete)", others, 0)
        seconds = person.model(learn.learn_button)
        table.add(f"Learn from {total} complete frames, the others", others, seconds)
    for t in [t for t in everything if t not in corrected][: FRAMES - len(corrected)]:
        person.correct(t)
    complete = np.flatnonzero(person.session.annotation.statuses == Status.COMPLETE)
    table.add(f"{len(complete)} frames complete", complete.tolist(), 0)


def save(person: Person, folder: Path) -> dict[str, Any]:
    """Save what is complete to a benchmark; equal to the pixel."""
    panel, start = person.dock.save, time.perf_counter()
    panel.place.folder.set_path(folder)
    panel.place.name.setText(EXPERIMENT)
    panel.save()
    wait_until(lambda: not panel.is_running)
    seconds = time.perf_counter() - start
    benchmark, annotation = open_benchmark(folder), person.session.annotation
    for frame in benchmark.frames:
        assert (benchmark.labels(frame) == annotation.labels[int(frame.frame)]).all()
    n_complete = int((annotation.statuses == Status.COMPLETE).sum())
    return {"frames": len(benchmark.frames), "complete": n_complete, "seconds": round(seconds, 1)}


def as_markdown(rows: list[dict[str, Any]]) -> str:
    names = DEFAULT_SCHEME.names
    head = ["stage", "frames", "strokes", *names, "unlabelled", "s"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        ious = [f"{row['iou'][n]:.2f}" if row["iou"].get(n) else "" for n in names]
        cells = [row["stage"], row["frames"], row["strokes"], *ious]
        cells += [f"{100 * row['unlabelled']:.1f} %", row["seconds"]]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
