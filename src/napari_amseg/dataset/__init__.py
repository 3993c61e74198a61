"""The benchmark folder: annotated images of many experiments, split for training and test."""

from napari_amseg.dataset.add import add_frames
from napari_amseg.dataset.benchmark import (
    SUBSETS,
    Benchmark,
    FrameId,
    create_benchmark,
    open_benchmark,
)
from napari_amseg.dataset.check import Finding, check_benchmark
from napari_amseg.dataset.split import (
    Split,
    grouped_split,
    listed_split,
    load_split,
    random_split,
    save_split,
    split_names,
)
from napari_amseg.dataset.statistics import Statistics, describe

__all__ = [
    "SUBSETS",
    "Benchmark",
    "Finding",
    "FrameId",
    "Split",
    "Statistics",
    "add_frames",
    "check_benchmark",
    "create_benchmark",
    "describe",
    "grouped_split",
    "listed_split",
    "load_split",
    "open_benchmark",
    "random_split",
    "save_split",
    "split_names",
]
