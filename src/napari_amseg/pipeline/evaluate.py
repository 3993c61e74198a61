"""How good a model is on images of a benchmark: pixels, and the numbers made from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset import Benchmark, FrameId, Split
from napari_amseg.dataset.class_weights import count_labels
from napari_amseg.dataset.inputs import InputFrames
from napari_amseg.dataset.names import Track, silent
from napari_amseg.io import OutputFiles, TableWriter, write_json
from napari_amseg.labels import LabelScheme
from napari_amseg.measure import MeasureSettings, measure_frame
from napari_amseg.measure.errors import ERRORS, error_columns
from napari_amseg.models import Bundle, bundled_models
from napari_amseg.pipeline.errors import error_summary
from napari_amseg.pipeline.polarity import polarity_notes
from napari_amseg.provenance import StageClock, run_record
from napari_amseg.scores import Confusion
from napari_amseg.segment import Engine, SegmentSettings, make_engine, segment_frames
from napari_amseg.types import Experiment

_WORST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """A model and what to test it on.

    benchmark, split, subset : the images. bundle : the model. folder : for the results.
    """

    benchmark: Benchmark
    split: Split
    subset: str
    bundle: Bundle
    folder: Path
    segment: SegmentSettings = field(default_factory=SegmentSettings)
    measure: MeasureSettings = field(default_factory=MeasureSettings)


def require_scheme(benchmark: Benchmark, bundle: Bundle) -> tuple[str, ...]:
    """Refuse a model that does not know a class of the benchmark; returns remarks.

    Raises
    ------
    ValueError
        If a class of the benchmark has another code or meaning in the model, or is missing there.
    """
    known = {c.code: c.role for c in bundle.card.scheme.classes}
    wrong = [c for c in benchmark.scheme.classes if known.get(c.code) != c.role]
    if wrong:
        classes = ", ".join(f"{c.name} (code {c.code})" for c in wrong)
        has = ", ".join(f"{c.name} (code {c.code})" for c in bundle.card.scheme.classes)
        raise ValueError(
            f"the benchmark's classes {classes} are not those of the model {bundle.name!r}, which "
            f"has {has}. Train one on this benchmark, from that one if you like (--init)."
        )
    more = [c.name for c in bundle.card.scheme.classes if c.code not in benchmark.scheme.codes]
    if more:
        return (f"the model also knows {', '.join(more)}; such predictions count as wrong.",)
    return ()


def predicted(
    inputs: InputFrames, frames: Sequence[FrameId], engine: Engine, settings: SegmentSettings
) -> Generator[tuple[FrameId, NDArray[np.uint8]]]:
    """Predicted labels (Y, X) of images of a benchmark, stack by stack."""
    places: dict[int, list[tuple[FrameId, int]]] = defaultdict(list)
    stacks = {}
    for frame in frames:
        stack, place = inputs.stack(frame)
        stacks[id(stack)] = stack
        places[id(stack)].append((frame, place))
    for key, stack in stacks.items():
        frame_at = {place: frame for frame, place in places[key]}
        for place, labels in segment_frames(stack, engine, settings, order=frame_at):
            yield frame_at[place], labels


def evaluate(request: EvaluateRequest, *, track: Track = silent) -> dict[str, Any]:
    """Score a model and write ``evaluation.json``, two tables and figures; returns the record.

    Raises
    ------
    ValueError
        If the subset is empty or model and benchmark have different classes.
    OSError
        If the folder cannot be written to.
    """
    from napari_amseg.models.backend import device
    from napari_amseg.report.errors import errors_figure
    from napari_amseg.report.evaluation import confusion_figure, frames_figure

    benchmark, bundle, clock = request.benchmark, request.bundle, StageClock()
    frames = request.split.of(request.subset)
    if not frames:
        raise ValueError(
            f"split {request.split.name!r} has no {request.subset} images: choose another subset."
        )
    if not count_labels(benchmark, frames).total.any():
        raise ValueError(
            f"no pixel of the {request.subset} images of split {request.split.name!r} is labelled: "
            "there is nothing to score."
        )
    notes = (
        *request.split.notes,
        *require_scheme(benchmark, bundle),
        *_other_split(request),
    )
    with OutputFiles(request.folder) as files:
        with clock.stage("load_model"):
            engine = make_engine(
                bundle, request.segment.engine, precision=request.segment.precision
            )
        inputs = InputFrames(benchmark, bundle.card.chain, request.split.subset_of)
        total, rows = Confusion(benchmark.scheme), []
        with clock.stage("frames"):
            maps = predicted(inputs, frames, engine, request.segment)
            for frame, labels in track(maps, len(frames), "evaluating"):
                truth = benchmark.labels(frame)
                total.add(truth, labels)
                rows.append(_row(frame, truth, labels, benchmark, request.measure))
        rows.sort(key=lambda row: (row["mean_iou"] is None, row["mean_iou"]))
        with TableWriter(files.path("evaluation_frames.csv"), list(rows[0])) as table:
            for row in rows:
                table.append(row)
        write_confusion(files.path("confusion.csv"), total)
        confusion_figure(total, files.path("confusion.png"), title=bundle.name)
        if any(f"{name}_truth" in rows[0] for name in ERRORS):
            errors_figure(
                _by_material(rows, benchmark), files.path("errors.png"), title=bundle.name
            )
        worst = [FrameId(row["experiment"], row["frame"]) for row in rows[:_WORST_SHOWN]]
        frames_figure(
            [
                (str(frame), inputs.image(frame), benchmark.labels(frame), labels)
                for frame, labels in predicted(inputs, worst, engine, request.segment)
            ],
            files.path("worst_frames.png"),
            scheme=bundle.card.scheme,
        )
        scores = total.to_json()
        record = run_record(
            inputs=[],
            settings={
                "segment": request.segment.to_json(),
                "measure": request.measure.to_json(),
            },
            model={"name": bundle.name, "sha256": bundle.weights_sha256},
            engine={"name": engine.name, "device": engine.device},
            clock=clock,
            notes=(*notes, *polarity_notes(scores["iou"], inputs, frames)),
            backend=device(),
            benchmark=str(benchmark.folder.resolve()),
            split={"name": request.split.name, "rule": request.split.rule},
            subset=request.subset,
            n_frames=len(frames),
            label_scheme=benchmark.scheme.to_json(),
            scores=scores,
            errors=error_summary(rows),
        )
        write_json(files.path("evaluation.json"), record)
    return record


def _other_split(request: EvaluateRequest) -> tuple[str, ...]:
    """A remark when the model may have been trained on the images it is tested on."""
    if request.bundle.folder in bundled_models().values():  # trained on simulated frames alone
        return ()
    trained_on = request.bundle.card.training.get("split")
    if not isinstance(trained_on, dict) or trained_on.get("name") == request.split.name:
        return ()
    return (
        f"{request.bundle.name} was trained with split {trained_on.get('name')!r}, not "
        f"{request.split.name!r}: if it is of this benchmark, images scored here may have been "
        "trained on.",
    )


def _by_material(rows: Sequence[dict[str, Any]], benchmark: Benchmark) -> Any:
    """The rows as a pandas table, with the material of each image's substrate."""
    import pandas as pd

    materials = [benchmark.experiment(row["experiment"]).substrate_material for row in rows]
    return pd.DataFrame(rows).assign(material=materials)


def _row(
    frame: FrameId,
    truth: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    benchmark: Benchmark,
    settings: MeasureSettings,
) -> dict[str, Any]:
    """Scores of one image, and truth, prediction and error of every measure."""
    confusion = Confusion(benchmark.scheme)
    confusion.add(truth, labels)
    scores = confusion.to_json()
    row: dict[str, Any] = {"experiment": frame.experiment, "frame": frame.frame}
    row |= {name: scores[name] for name in ("mean_iou", "mean_f1")}
    row |= {f"iou_{name}": scores["iou"].get(name) for name in benchmark.scheme.names}
    experiment = benchmark.experiment(frame.experiment)
    scheme = benchmark.scheme
    was = _measured(truth, scheme, experiment, settings)
    # Where nobody knows the truth the prediction is not measured either.
    masked = np.where(truth == 0, 0, labels).astype(np.uint8)
    got = _measured(masked, scheme, experiment, settings)
    told = [name for name, role in ERRORS.items() if scheme.code_of(role) is not None]
    return row | error_columns(was, got, told)


def _measured(
    labels: NDArray[np.uint8],
    scheme: LabelScheme,
    experiment: Experiment,
    settings: MeasureSettings,
) -> dict[str, Any]:
    return measure_frame(labels, scheme=scheme, experiment=experiment, settings=settings).row


def write_confusion(path: Path, confusion: Confusion) -> None:
    """The confusion matrix in pixels as a table: a row a true class, a column a predicted one."""
    names = confusion.scheme.names
    with TableWriter(path, ["truth", *names, "other"]) as table:
        for name, counts in zip(names, confusion.counts.tolist(), strict=True):
            cells = dict(zip((*names, "other"), counts, strict=True))
            table.append({"truth": name, **cells})
