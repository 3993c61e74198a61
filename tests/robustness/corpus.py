"""Files that are damaged, odd, lying or made to harm; the same ones every time.

``python tests/robustness/corpus.py FOLDER`` writes them for use by hand.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

import corpus_recordings
import corpus_records
import corpus_stacks
import corpus_tables


@dataclass(frozen=True)
class Case:
    """One file or folder.

    kind : which commands take it. outcome : "works", "refused", "either", or "damaged" for what
    some commands see and others need not. why : what is the matter with it.
    """

    kind: str
    path: Path
    outcome: str
    why: str

    @property
    def name(self) -> str:
        """Kind and file, as shown in a failed test."""
        return f"{self.kind}/{self.path.name}"


def _stacks(folder: Path) -> Iterator[corpus_stacks.Spec]:
    return chain(
        corpus_stacks.tiff_kinds(folder),
        corpus_stacks.pixel_types(folder),
        corpus_stacks.shapes(folder),
        corpus_stacks.not_stacks(folder),
    )


MAKERS: dict[str, Callable[[Path], Iterator[tuple[str, str, str]]]] = {
    "stacks": _stacks,
    "folders": corpus_stacks.folders,
    "hdf5": corpus_recordings.hdf5,
    "photron": corpus_recordings.photron,
    "labels": corpus_stacks.label_images,
    "signals": corpus_tables.signals,
    "tables": corpus_tables.frame_tables,
    "campaigns": corpus_tables.campaigns,
    "batches": corpus_tables.batch_tables,
    "chains": corpus_records.chains,
    "bundles": corpus_records.bundles,
    "published": corpus_records.published,
    "benchmarks": corpus_records.benchmarks,
}


def make_corpus(folder: Path) -> tuple[Case, ...]:
    """Write the corpus into `folder`, which must be empty; returns its files in order."""
    cases = []
    for kind, maker in MAKERS.items():
        (folder / kind).mkdir(parents=True)
        cases += [Case(kind, folder / kind / name, *rest) for name, *rest in maker(folder / kind)]
    return tuple(cases)


if __name__ == "__main__":
    made = make_corpus(Path(sys.argv[1]))
    for kind, n in Counter(case.kind for case in made).items():
        sys.stdout.write(f"{n:5d} {kind}\n")
    sys.stdout.write(f"{len(made):5d} in all\n")
