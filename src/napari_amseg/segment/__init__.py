"""Frames in, class maps out: any frame size, any engine, cancellable between batches."""

from napari_amseg.segment.engine import Engine, make_engine
from napari_amseg.segment.frames import SegmentSettings, segment_frames
from napari_amseg.segment.tiling import Tiling

__all__ = ["Engine", "SegmentSettings", "Tiling", "make_engine", "segment_frames"]
