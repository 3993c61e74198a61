"""Whole runs: from a stack to labels, rows and files, one frame at a time."""

from napari_amseg.pipeline.files import ResultFiles, result_names
from napari_amseg.pipeline.run import RunRequest, quantify_to_files, segment_to_files
from napari_amseg.pipeline.stack import FrameResult, measure_stack, segment_stack

__all__ = [
    "FrameResult",
    "ResultFiles",
    "RunRequest",
    "measure_stack",
    "quantify_to_files",
    "result_names",
    "segment_stack",
    "segment_to_files",
]
