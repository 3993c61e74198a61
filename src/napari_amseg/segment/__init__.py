"""Frames in, class maps out: any frame size, any engine, cancellable between batches."""

from napari_amseg.segment.engine import Engine, Prediction, make_engine, shared_engine
from napari_amseg.segment.frames import (
    FrameLabels,
    SegmentSettings,
    frames_a_call,
    kept_engine,
    predict_frames,
    segment_frames,
)
from napari_amseg.segment.postprocess import PostSettings, postprocess
from napari_amseg.segment.tiling import Tiling
from napari_amseg.segment.uncertainty import MapSettings, uncertainty

__all__ = [
    "Engine",
    "FrameLabels",
    "MapSettings",
    "PostSettings",
    "Prediction",
    "SegmentSettings",
    "Tiling",
    "frames_a_call",
    "kept_engine",
    "make_engine",
    "postprocess",
    "predict_frames",
    "segment_frames",
    "shared_engine",
    "uncertainty",
]
