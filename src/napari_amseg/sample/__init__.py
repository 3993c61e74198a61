"""Synthetic stacks with exact truth."""

from napari_amseg.sample.phantom import FrameTruth, Phantom, PhantomSettings, PoreTruth, simulate

__all__ = ["FrameTruth", "Phantom", "PhantomSettings", "PoreTruth", "simulate"]
