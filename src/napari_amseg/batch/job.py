"""What a worker is told about one stack, and what makes earlier results of it valid still."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from napari_amseg import __version__
from napari_amseg.io import read_stack
from napari_amseg.io.address import join_address, split_address
from napari_amseg.measure import MeasureSettings
from napari_amseg.models import Bundle, load_bundle
from napari_amseg.pipeline import RunRequest
from napari_amseg.preprocess import Chain, FlatField
from napari_amseg.segment import MapSettings, PostSettings, SegmentSettings
from napari_amseg.settings import Settings, setting
from napari_amseg.types import Experiment, Stack

CHUNK_FORMAT = 2  # of the files of a chunk and of what its numbers depend on


@dataclass(frozen=True, slots=True)
class BatchSettings(Settings):
    """How a campaign is cut into tasks."""

    chunk_frames: int = setting(
        512,
        low=1,
        help="Frames a task: what is lost when a worker is. Rounded up to whole batches.",
    )


@dataclass(frozen=True, slots=True)
class StackJob:
    """One stack to segment; plain values only, so that it can go to another machine.

    Attributes
    ----------
    experiment : name and what the table says. stack : path, folder or glob.
    out : folder of the campaign; results go to ``out/NAME/NAME_*``.
    model, model_sha256 : shipped name or folder of the bundle, and of its weights.
    chain : the user's preprocessing, as JSON. overwrite : redo it, replacing edited labels.
    lease : a file; work stops when it is gone.
    """

    experiment: Experiment
    stack: str
    out: str
    model: str
    model_sha256: str
    chain: Mapping[str, Any]
    segment: SegmentSettings = field(default_factory=SegmentSettings)
    maps: MapSettings = field(default_factory=MapSettings)
    post: PostSettings = field(default_factory=PostSettings)
    measure: MeasureSettings = field(default_factory=MeasureSettings)
    batch: BatchSettings = field(default_factory=BatchSettings)
    overwrite: bool = False
    lease: str | None = None

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.experiment.experiment or ""

    @property
    def folder(self) -> Path:
        """Where its results go."""
        return Path(self.out) / self.name

    def open(self, address: Sequence[str] = ()) -> Stack:
        """The stack with what the table says about it. address : where it was opened before."""
        known = self.experiment
        stack = read_stack(
            address or self.stack,
            pixel_size_um=known.pixel_size_um,
            frame_rate_hz=known.frame_rate_hz,
        )
        return replace(stack, experiment=stack.experiment.updated(**known.to_json()))

    def request(self, stack: Stack) -> RunRequest:
        """What ``amseg segment`` would be asked."""
        return RunRequest(
            stack=stack,
            folder=self.folder,
            stem=self.name,
            chain=Chain.from_json(self.chain),
            segment=self.segment,
            maps=self.maps,
            post=self.post,
            measure=self.measure,
            overwrite=self.overwrite,
        )

    def bundle(self) -> Bundle:
        """The model.

        Raises
        ------
        ValueError
            If this machine has another one under that name.
        """
        bundle = load_bundle(self.model)
        if bundle.weights_sha256 != self.model_sha256:
            raise ValueError(
                f"model {self.model} is another one on this worker (weights "
                f"{bundle.weights_sha256[:12]}..., {self.model_sha256[:12]}... was asked for): "
                "install the same napari-amseg, or share the bundle's folder."
            )
        return bundle


@dataclass(frozen=True, slots=True)
class Keys:
    """Hashes of all that the numbers of a stack depend on: inputs, settings, model, program.

    resolved : with paths as they are on disk, so however they were typed. spelled : with paths as
    they were typed; two machines of a cluster may resolve the same one differently.
    """

    resolved: str
    spelled: str


def results_keys(job: StackJob, files: Iterable[str]) -> Keys:
    """The keys of a stack; `files` are its. They and the flats are known by path, size and time of
    change.
    """
    typed, card = Chain.from_json(job.chain), job.bundle().card
    of_stack, of_fields = _with_times(files), _with_times(_fields_of(typed))

    def key(chain: Chain, whole: Callable[[Path], Path]) -> str:
        known = job.experiment
        return _hash(
            [
                [(str(whole(file)), *found) for file, found in of_stack],
                split_address(job.stack)[1],
                [(str(whole(file)), *found) for file, found in of_fields],
                chain.to_json(),
                [part.to_json() for part in (job.segment, job.maps, job.post, job.measure)],
                job.model_sha256,
                card.architecture,
                dict(card.arguments),
                card.scheme.to_json(),
                card.chain.to_json(),
                __version__,
                [known.pixel_size_um, known.frame_rate_hz, known.scan_speed_mm_s],
            ]
        )

    return Keys(key(_resolved(typed), _resolver()), key(typed, Path.absolute))


def chunks_keys(job: StackJob, keys: Keys) -> tuple[str, ...]:
    """Short hashes of all that must not change between two chunks of a stack: one by the paths as
    they are on disk, then, if it is another, one by the paths as they were typed.
    """
    known = dict.fromkeys((keys.resolved, keys.spelled))
    return tuple(_hash([CHUNK_FORMAT, key, job.batch.to_json()])[:16] for key in known)


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _with_times(files: Iterable[str]) -> list[tuple[Path, tuple[int, int]]]:
    """Files with their size and time of change."""
    found = ((path, path.stat()) for path in map(Path, files))
    return [(path, (stat.st_size, stat.st_mtime_ns)) for path, stat in found]


def _resolver() -> Callable[[Path], Path]:
    """``Path.resolve`` for many files of few folders: on a network each step of a path takes its
    time.
    """
    folder = cache(Path.resolve)

    def resolve(file: Path) -> Path:
        # Windows: a file's name may be typed in other cases.
        alone = os.name == "nt" or file.is_symlink()
        return file.resolve() if alone else folder(file.parent) / file.name

    return resolve


def _resolved(chain: Chain) -> Chain:
    """The chain with its flats and darks as they lie on disk."""
    steps = (
        replace(
            step,
            flat=_on_disk(step.flat),
            dark=step.dark and _on_disk(step.dark),
            flat_after=step.flat_after and _on_disk(step.flat_after),
        )
        if isinstance(step, FlatField)
        else step
        for step in chain.steps
    )
    return replace(chain, steps=tuple(steps))


def _on_disk(address: str) -> str:
    file, inside = split_address(address)
    return join_address(file.resolve(), inside)


def _fields_of(chain: Chain) -> list[str]:
    """The files of the flats and darks of a chain."""
    paths = [
        path
        for step in chain.steps
        if isinstance(step, FlatField)
        for path in (step.flat, step.dark, step.flat_after)
        if path
    ]
    found: list[str] = []
    for path in paths:
        with read_stack(path) as field_stack:
            found += field_stack.files
    return found
