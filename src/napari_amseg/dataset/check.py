"""What is wrong with a benchmark folder, one finding at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_amseg.dataset.add import IMAGE_DTYPES
from napari_amseg.dataset.annotation_status import (
    ANNOTATION,
    COMPLETE,
    read_statuses,
    told_incomplete,
)
from napari_amseg.dataset.benchmark import (
    EXPERIMENTS,
    Benchmark,
    FrameId,
    is_frame_file,
    list_frames,
    natural_order,
    read_scheme,
)
from napari_amseg.dataset.codes import code_counts, unknown_codes
from napari_amseg.dataset.experiments import read_experiments
from napari_amseg.dataset.names import Track, first_few, natural_key, silent
from napari_amseg.dataset.split import split_names
from napari_amseg.dataset.split_file import read_split_file
from napari_amseg.io.tiff import single_frame_header


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on a benchmark. error : whether it must be corrected, or is only worth knowing."""

    error: bool
    where: str
    what: str

    def __str__(self) -> str:
        return f"{'error' if self.error else 'note'}: {self.where}: {self.what}"


def check_benchmark(folder: str | Path, *, track: Track = silent) -> Iterator[Finding]:
    """Read every image and label image of a benchmark and yield what is wrong with it.

    One frame is in memory at a time.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no benchmark, or its ``benchmark.json`` cannot be read.
    """
    folder = Path(folder).expanduser()
    images, labels = (list_frames(folder / kind) for kind in ("images", "labels"))
    benchmark = Benchmark(folder, read_scheme(folder), {}, natural_order(images & labels))
    yield from _check_experiments(benchmark)
    yield from _stray_files(folder)
    for frame in natural_order(images - labels):
        yield Finding(True, str(frame), "image without label")
    for frame in natural_order(labels - images):
        yield Finding(True, str(frame), "label without image")
    if not benchmark.frames:
        yield Finding(False, str(folder), "no frame with an image and a label")
    dtypes: dict[str, dict[str, list[FrameId]]] = defaultdict(lambda: defaultdict(list))
    for frame in track(benchmark.frames, len(benchmark.frames), "checking"):
        dtype, findings = _check_frame(benchmark, frame)
        dtypes[frame.experiment][dtype].append(frame)
        yield from findings
    yield from _mixed_dtypes(dtypes)
    yield from _check_annotation(benchmark)
    for name in split_names(benchmark):
        yield from _check_split(benchmark, name)


def _check_experiments(benchmark: Benchmark) -> Iterator[Finding]:
    try:
        rows = read_experiments(benchmark.folder / EXPERIMENTS)
    except ValueError as error:
        yield Finding(True, EXPERIMENTS, _without(benchmark.folder / EXPERIMENTS, error))
        return
    used = dict.fromkeys(frame.experiment for frame in benchmark.frames)
    for name in used:
        if name not in rows:
            yield Finding(False, name, f"no row in {EXPERIMENTS}")
    for name in rows:
        if name not in used:
            yield Finding(False, name, f"a row in {EXPERIMENTS}, but no labelled frame")


def _stray_files(folder: Path) -> Iterator[Finding]:
    """What lies in the folders of images and labels and is not read, left-overs included."""
    for kind in ("images", "labels"):
        for entry in sorted((folder / kind).glob("*"), key=lambda p: natural_key(p.name)):
            if not entry.is_dir():
                stray = [entry.name]
            else:
                stray = sorted(p.name for p in entry.iterdir() if not is_frame_file(p.name))
            told = [n for n in stray if not n.startswith(".") or n.endswith(".part")]
            if told:
                what = f"not read, frames are <experiment>/<frame>.tif: {first_few(told)}"
                yield Finding(False, entry.relative_to(folder).as_posix(), what)


def _check_frame(benchmark: Benchmark, frame: FrameId) -> tuple[str, list[Finding]]:
    """Type of the image (empty if it cannot be read), and the findings of one frame."""
    image_path, label_path = benchmark.image_path(frame), benchmark.label_path(frame)
    shape, dtype, findings = None, "", []
    try:
        shape = single_frame_header(image_path)[0]
        image = benchmark.image(frame)
        dtype = str(image.dtype)
        findings += [Finding(True, str(frame), what) for what in _image_faults(image)]
    except (OSError, ValueError) as error:
        findings.append(Finding(True, str(frame), f"image: {_without(image_path, error)}"))
    try:
        label_shape = single_frame_header(label_path)[0]
        if shape is not None and label_shape != shape:
            what = f"image is {_words(shape)}, label is {_words(label_shape)}"
            findings.append(Finding(True, str(frame), what))
        findings += _label_findings(benchmark, frame)
    except (OSError, ValueError) as error:
        findings.append(Finding(True, str(frame), f"label: {_without(label_path, error)}"))
    return dtype, findings


def _image_faults(image: np.ndarray) -> Iterator[str]:
    if image.dtype not in IMAGE_DTYPES:
        yield f"image is {image.dtype}, expected {', '.join(IMAGE_DTYPES)}"
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        yield f"image holds {image.size - np.isfinite(image).sum():,} pixels that are not finite"


def _label_findings(benchmark: Benchmark, frame: FrameId) -> Iterator[Finding]:
    counts = code_counts(benchmark.labels(frame))
    strange = unknown_codes(counts, benchmark.scheme)
    if strange:
        yield Finding(True, str(frame), f"label: {strange}")
    if counts[0] == counts.sum():
        yield Finding(False, str(frame), "no pixel is labelled")
    elif counts[0]:
        yield Finding(False, str(frame), f"{100 * counts[0] / counts.sum():.3g} % unlabelled")


def _mixed_dtypes(dtypes: dict[str, dict[str, list[FrameId]]]) -> Iterator[Finding]:
    for experiment, found in dtypes.items():
        kinds = {dtype: frames for dtype, frames in found.items() if dtype}
        if len(kinds) > 1:
            told = "; ".join(f"{dtype}: {first_few(frames)}" for dtype, frames in kinds.items())
            yield Finding(True, experiment, f"images are of several types ({told})")


def _check_annotation(benchmark: Benchmark) -> Iterator[Finding]:
    """Frames whose labels are not complete, and tables of statuses that cannot be read."""
    for path in sorted((benchmark.folder / ANNOTATION).glob("[!.]*.csv")):
        where = f"{ANNOTATION}/{path.name}"
        try:
            rows = read_statuses(path)
        except (OSError, ValueError) as error:
            yield Finding(True, where, _without(path, error))
            continue
        found = {
            f: rows[f.frame].status
            for f in benchmark.frames
            if f.experiment == path.stem and f.frame in rows and rows[f.frame].status != COMPLETE
        }
        if found:
            yield Finding(False, where, f"{told_incomplete(found)}: splits leave them out")


def _check_split(benchmark: Benchmark, name: str) -> Iterator[Finding]:
    where = f"splits/{name}.csv"
    path = benchmark.folder / "splits" / f"{name}.csv"
    try:
        listed = read_split_file(path)[1]
    except (OSError, ValueError) as error:
        yield Finding(True, where, _without(path, error))
        return
    present = set(benchmark.frames)
    gone = [frame for frame in listed if frame not in present]
    new = [frame for frame in benchmark.frames if frame not in listed]
    if gone:
        yield Finding(True, where, f"{len(gone)} frames do not exist ({first_few(gone)})")
    if new:
        yield Finding(False, where, f"{len(new)} newer frames are in no subset ({first_few(new)})")


def _without(path: Path, error: Exception) -> str:
    """What an error says, without the path that is named already."""
    return str(error).removeprefix(str(path)).lstrip(":, ")


def _words(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
