"""From raw counts to frames a network or a person can read: an ordered, replayable chain."""

from napari_amseg.preprocess.background import Background
from napari_amseg.preprocess.chain import Chain, Step, chain_mark, marked, read_chain
from napari_amseg.preprocess.flatfield import FlatField
from napari_amseg.preprocess.geometry import Crop
from napari_amseg.preprocess.intensity import Invert, Normalise
from napari_amseg.preprocess.recorded import recorded_options, unused_flats

__all__ = ["Background", "Chain", "Crop", "FlatField", "Invert", "Normalise", "Step", "chain_mark",
           "marked", "read_chain", "recorded_options", "unused_flats"]  # fmt: skip
