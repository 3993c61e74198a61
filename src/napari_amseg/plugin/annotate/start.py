"""How a session begins: anew, with a benchmark's labels, or with work that was left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_amseg.annotate.opening import Opened, open_labels, open_recovered
from napari_amseg.annotate.owner import Owner
from napari_amseg.annotate.recovery import FoundWork, open_elsewhere
from napari_amseg.annotate.safety import recovery_root
from napari_amseg.annotate.same_images import has_images, image_hashes
from napari_amseg.annotate.working_copy import SessionRecord, WorkingCopy
from napari_amseg.io import read_stack
from napari_amseg.io.address import join_address, split_address
from napari_amseg.labels import LabelScheme
from napari_amseg.plugin.annotate.session import empty_annotation
from napari_amseg.plugin.annotate.start_form import opened_benchmark
from napari_amseg.plugin.layers import ImageSource, image_source, is_image, matching
from napari_amseg.preprocess import Chain

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer


@dataclass(frozen=True)
class Beginning:
    """What a session begins with: labels, and the working copy that keeps them."""

    opened: Opened
    working_copy: WorkingCopy


def begin(
    source: ImageSource, scheme: LabelScheme, annotator: str, place: tuple[Path, str] | None
) -> Beginning:
    """Open a stack to be annotated; reads the labels that a benchmark has. Runs in a thread.

    Raises
    ------
    OSError, ValueError
        If the benchmark or the place where work is kept cannot be used; says why.
    """
    stack, experiment = source.processed(), source.experiment
    if place is None:
        opened = Opened(empty_annotation(stack.shape, scheme))
    else:
        benchmark = opened_benchmark(place)
        opened = open_labels(stack, benchmark, place[1], empty_annotation)
        experiment = experiment.updated(**benchmark.experiment(place[1]).to_json())
    record = SessionRecord(
        files=_in_full(source.stack.address),
        shape=stack.shape,
        dtype=str(stack.dtype),
        scheme=opened.annotation.scheme,
        experiment=experiment,
        owner=Owner.here(annotator),
        chain=source.chain.to_json() if source.chain.steps else None,
        benchmark=None if place is None else str(place[0].absolute()),
        frame_names=opened.frame_names,
        image_sha256=image_hashes(source.stack),
    )
    root = recovery_root()
    others = [work.words for work in open_elsewhere(root, record.files)]
    notes = tuple(f"also open in another window: {words}" for words in others)
    copy = WorkingCopy.create(root, record)
    return Beginning(replace(opened, notes=(*opened.notes, *notes)), copy)


def recover(found: FoundWork) -> Beginning:
    """Take over work that was left; runs in a thread.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, or somebody works on it.
    """
    copy = WorkingCopy.claim(found.folder)
    try:
        return Beginning(open_recovered(copy, empty_annotation), copy)
    except Exception:
        copy.release()  # it is offered again
        raise


def layer_of(viewer: napari.components.ViewerModel, record: SessionRecord) -> Layer | None:
    """The image layer that shows what was annotated, if it is open: these very images."""
    for layer in matching(viewer, is_image):
        source = image_source(layer)
        same_chain = source.chain == _chain(record)
        shape = source.processed().shape
        is_alike = (
            _in_full(source.stack.address) == _in_full(record.files)
            and same_chain
            and shape == record.shape
        )
        if is_alike and _has_images(source, record):
            return layer
    return None


def source_of(record: SessionRecord) -> ImageSource:
    """The stack of a session, read again from its files.

    Raises
    ------
    OSError, ValueError
        If the files are gone or others now; says what to do.
    """
    if not record.files:
        raise ValueError(
            f"the stack of {record.shape} that was annotated was in memory only: open it again, "
            "then recover."
        )
    files = record.files
    stack = read_stack(files)
    source = ImageSource(replace(stack, experiment=record.experiment), _chain(record))
    shape = source.processed().shape
    if shape != record.shape:
        raise ValueError(
            f"{files[0]} now gives {shape}, {record.shape} was annotated: the file was replaced. "
            "Put the old one back, then recover."
        )
    if not _has_images(source, record):
        raise ValueError(
            f"{files[0]} now has other images than those that were annotated, or cannot be read: "
            "the file was replaced. Put the old one back, then recover."
        )
    return source


def _in_full(address: tuple[str, ...]) -> tuple[str, ...]:
    """An address that also holds for a process in another folder, the same however it is typed."""
    parts = [split_address(Path(a).expanduser()) for a in address]
    return tuple(join_address(file.parent.resolve() / file.name, inside) for file, inside in parts)


def _has_images(source: ImageSource, record: SessionRecord) -> bool:
    """Whether these are the images that were annotated; not so if they cannot be read any more."""
    try:
        return has_images(source.stack, record.image_sha256)
    except (OSError, ValueError):
        return False


def _chain(record: SessionRecord) -> Chain:
    return Chain() if record.chain is None else Chain.from_json(record.chain)
