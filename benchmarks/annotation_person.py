"""A scripted person who annotates a phantom in the *Annotate* widget, in a real window.

Strokes go through napari's own history as a brush writes them; aids, model and save are started by
their buttons. Where a person would look at the frame, this one looks at the exact truth.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import napari
import numpy as np
import tifffile
from event_loop import wait_until
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import skeletonize

from napari_amseg.annotate.annotation import Status
from napari_amseg.io import read_stack
from napari_amseg.labels import Label
from napari_amseg.sample import PhantomSettings, simulate

Mask = NDArray[np.bool_]
Codes = NDArray[np.uint8]

# A plate with powder that the shipped model has not seen quite like this: noisy and dirty.
STACK = PhantomSettings(
    n_frames=24,
    seed=11,
    laser_off_frames=0,
    keyhole_depth_um=160.0,
    fluctuation=0.12,
    photons=2500.0,
    blur_px=1.0,
    window_particles=40,
    old_pores=6,
    spatter=3,
    hump_um=10.0,
    flaws=0.4,
)
CAVITIES = (Label.KEYHOLE, Label.PORE)
_SMALLEST_PX = 30
_BRUSH_PX = 3
_RING_PX = (6, 8)


def written_stack(folder: Path, settings: PhantomSettings = STACK) -> tuple[Path, Codes]:
    """A TIFF of the phantom as a beamline leaves it, and its exact labels uint8 (T, Y, X)."""
    phantom = simulate(settings)
    path = folder / "run7.tif"
    px_a_um = 1 / settings.pixel_size_um
    tifffile.imwrite(
        path,
        np.stack(list(phantom.stack)),
        imagej=True,
        resolution=(px_a_um, px_a_um),
        metadata={"finterval": 1 / settings.frame_rate_hz, "unit": "um", "axes": "TYX"},
    )
    assert read_stack(path).experiment.pixel_size_um == settings.pixel_size_um
    return path, np.stack(list(phantom.labels))


class Person:
    """Works in one *Annotate* widget.

    Attributes
    ----------
    dock : the widget. truth : uint8 (T, Y, X). painted_px : pixels of all strokes. strokes : how
        many. presses : buttons pressed.
    """

    def __init__(self, viewer: napari.Viewer, path: Path, truth: Codes) -> None:
        viewer.open(str(path), plugin="napari-amseg")
        self.viewer, self.truth = viewer, truth
        self.area, self.dock = viewer.window.add_plugin_dock_widget("napari-amseg", "Annotate")
        self.painted_px = self.strokes = self.presses = 0

    @property
    def session(self) -> Any:
        return self.dock.session

    @property
    def aids(self) -> Any:
        return self.dock.aids

    def start(self) -> None:
        wait_until(self.dock.form.button.isEnabled)
        self.dock.form.button.click()
        wait_until(lambda: self.session is not None)

    def choose(self, label: Label) -> None:
        self.dock.paint.choose(int(label))

    def stroke(self, frame: int, label: Label, mask: Mask) -> None:
        """One brush stroke, as napari writes it when the mouse is let go."""
        self.session.go_to(frame)
        self.choose(label)
        rows, columns = np.nonzero(mask)
        if not rows.size:
            return
        layer = self.session.layer
        with layer.block_history():
            layer.data_setitem((np.full(rows.size, frame), rows, columns), int(label))
        self.strokes += 1
        self.painted_px += rows.size

    def press(self, button: Any) -> float:
        """Press a button of an aid, wait for its end; returns seconds."""
        start = time.perf_counter()
        wait_until(button.isEnabled)
        self.presses += 1
        button.click()
        desk, snap = self.aids.desk, self.aids.snap
        wait_until(lambda: desk.run is None and not snap.busy)
        return time.perf_counter() - start

    def snap(self, frame: int, label: Label, mask: Mask) -> float:
        """A rough stroke, then *Snap last stroke*."""
        self.stroke(frame, label, mask)
        return self.press(self.aids.snap.snap_button)

    def model(self, button: Any) -> float:
        """Press a button of the *Model* tab, wait for all that follows; returns seconds."""
        start = time.perf_counter()
        wait_until(button.isEnabled)
        self.presses += 1
        button.click()
        wait_until(lambda: not self.dock.learn.is_running)
        return time.perf_counter() - start

    def correct(self, frame: int) -> None:
        """Paint all that is wrong and call the frame complete."""
        wrong = self.truth[frame] != self.session.labels_of(frame)
        for code in np.unique(self.truth[frame][wrong]).tolist():
            self.stroke(frame, Label(code), wrong & (self.truth[frame] == code))
        self.session.go_to(frame)
        if self.session.annotation.status(frame) != Status.COMPLETE:
            self.dock.frames.complete_button.click()

    def undo_all(self) -> None:
        """Back to the bare stack."""
        layer = self.session.layer
        while layer._undo_history:
            layer.undo()
        self.session.history.look()


def cavities(truth: Codes, label: Label, rng: np.random.Generator) -> Iterator[Mask]:
    """A rough line along the middle of each keyhole or pore of a frame."""
    numbered, n = ndimage.label(truth == int(label), np.ones((3, 3)))
    for i in range(1, n + 1):
        if np.count_nonzero(numbered == i) >= _SMALLEST_PX:
            yield rough_line(numbered == i, rng)


def rough_line(mask: Mask, rng: np.random.Generator) -> Mask:
    """Along the middle, off by up to a pixel, as thick as a small brush."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    line = skeletonize(mask & (depth > 0.45 * ndimage.maximum_filter(depth, 15)))  # type: ignore[no-untyped-call]
    line = np.roll(line, rng.integers(-1, 2, 2), (0, 1))
    return np.asarray(ndimage.binary_dilation(line, np.ones((2, 2))))


def scribbles(truth: Codes, rng: np.random.Generator) -> Iterator[tuple[Label, Mask]]:
    """What a person scribbles on a frame, a class after the other.

    The middle of keyhole and pores, a ring of substrate around them, and wavy lines through the
    layers: one in the plate, one in the gas, one right above bed or plate, one along the bed.
    """
    cavity = np.isin(truth, [int(label) for label in CAVITIES])
    for label in CAVITIES:
        for line in cavities(truth, label, rng):
            yield label, line & (truth == int(label))
    distance = ndimage.distance_transform_edt(~cavity)
    ring = (distance >= _RING_PX[0]) & (distance < _RING_PX[1])
    substrate = truth == int(Label.SUBSTRATE)
    yield Label.SUBSTRATE, ring & substrate
    height = truth.shape[0]
    surface = int(np.median(substrate.argmax(axis=0)))
    for label, row in (
        (Label.SUBSTRATE, surface + 8),
        (Label.SUBSTRATE, (surface + height) // 2),
        (Label.BACKGROUND, surface // 3),
        (Label.BACKGROUND, surface - 50),
        (Label.POWDER, surface - 12),
    ):
        yield label, wavy_line(truth == int(label), row, rng)


def wavy_line(within: Mask, row: int, rng: np.random.Generator) -> Mask:
    """A hand-drawn line from side to side, only where the class is, clear of its edge."""
    columns = np.arange(within.shape[1])
    phase, period = rng.uniform(0, 2 * np.pi), within.shape[1] / rng.uniform(2, 4)
    rows = np.rint(row + 5 * np.sin(2 * np.pi * columns / period + phase)).astype(int)
    line = np.zeros_like(within)
    line[np.clip(rows, 0, within.shape[0] - 1), columns] = True
    line = ndimage.binary_dilation(line, np.ones((_BRUSH_PX, _BRUSH_PX)))
    clear = ndimage.binary_erosion(within, np.ones((5, 5)), border_value=1)
    return np.asarray(line & clear)
