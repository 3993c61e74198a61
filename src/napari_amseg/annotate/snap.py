"""A rough scribble grows to the edge of the keyhole or pore that it lies in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.annotate.box import Box, bounding_box, widened
from napari_amseg.annotate.edge import contrast_along, move_to_level
from napari_amseg.annotate.features import Floats, normalised, smoothed
from napari_amseg.settings import Settings, setting

Mask = NDArray[np.bool_]

_WIDENINGS = 2  # the window becomes at most four times as wide
_SCALES = (1.5, 3.0)  # times the blur: small pores need the fine one, textured metal the coarse
_UNDIRECTED = 0.25  # what an edge counts that runs across, or brightens the wrong way
_MARGIN_PX = 2
_BAND_PX = 2  # the last step moves the edge by no more, twice
_RIM_PX, _GROUND_PX = 4, 20  # what lies so far from an edge shows the scatter outside
_THICK_PX = 3  # a scribble with more than this around its middle may have crossed the edge


@dataclass(frozen=True, slots=True)
class SnapSettings(Settings):
    """How a scribble grows to an edge."""

    reach_px: int = setting(
        40, low=4, high=500, unit="px",
        help="How far from the scribble the edge is looked for; up to four times as far if it is "
        "not found.",
    )  # fmt: skip
    smooth_px: float = setting(
        1.0, low=0.3, high=5, unit="px", help="Blur against noise; more for coarse texture."
    )
    edge_level: float = setting(
        0.4, low=0.05, high=0.95,
        help="Where on the way from the grey value outside (0) to that inside (1) the edge lies. "
        "Round pores thin out towards it, so a little less than half-way.",
    )  # fmt: skip
    least_contrast: float = setting(
        1.3, low=0, high=20,
        help="Least step at the edge, in units of the scatter of grey values outside it; with "
        "less, and nothing painted around, there is nothing to snap to. 0 takes anything.",
    )  # fmt: skip


def snap_to_edge(
    image: NDArray[Any],
    scribble: Mask,
    *,
    outside: Mask | None = None,
    barrier: Mask | None = None,
    settings: SnapSettings | None = None,
) -> Mask:
    """The object that a scribble lies in, up to its edge.

    Watershed on edges that lead out of the scribble (Meyer, Signal Process. 38 (1994) 113), so
    that the outer side of a phase-contrast rim does not count; then the edge is moved to a grey
    value between those inside and outside, taken near by. Bright and dark objects alike.

    Parameters
    ----------
    image : (Y, X), any number type.
    scribble : bool (Y, X), a line inside the object, or a blob that crosses its edge a little.
    outside : bool (Y, X), pixels known to be something else, for example painted by hand.
    barrier : bool (Y, X), pixels the object cannot cross, such as the surface line over the mouth
        of a keyhole; a line may be one pixel thin. They are not part of the result.

    Returns
    -------
    bool (Y, X).

    Raises
    ------
    ValueError
        If shapes differ, nothing is scribbled, or there is no edge around the scribble.
    """
    settings = settings or SnapSettings()
    outside, barrier = (
        _checked(n, m, image, scribble) for n, m in (("outside", outside), ("barrier", barrier))
    )
    scribble = scribble & ~outside & ~barrier
    box = bounding_box(scribble)
    if box is None:
        raise ValueError("nothing is scribbled but other classes: scribble inside the object.")
    reason = ""
    for widening in range(_WIDENINGS + 1):
        window = widened(box, settings.reach_px * 2**widening, scribble.shape)
        view = _View.of(
            image[window],
            scribble[window],
            outside[window],
            barrier[window],
            _rims(window, scribble.shape),
        )
        found = _grow(view, settings)
        reason = _doubt(view, found, settings)
        if not reason:
            result = np.zeros(scribble.shape, bool)
            result[window] = found
            return result
        if not view.margin.any():
            break  # it is the whole frame already
    raise ValueError(
        f"no edge found around the scribble: {reason}. Add a stroke of the class around it, or "
        "scribble along more of the object."
    )


def _checked(name: str, mask: Mask | None, image: NDArray[Any], scribble: Mask) -> Mask:
    for what, array in (("image", image), (name, mask)):
        if array is not None and array.shape != scribble.shape:
            raise ValueError(
                f"{what} is {array.shape}, the scribble is {scribble.shape}: "
                "all must be of the same frame (Y, X)."
            )
    return np.zeros(scribble.shape, bool) if mask is None else mask


@dataclass(frozen=True, slots=True)
class _View:
    """A window of the frame and what is known of its pixels, all (Y, X).

    grey : float32, normalised. inside : bool, of the object for sure. painted : bool, known to be
    something else. outside : bool, those and where the window ends. barrier : bool, holds nothing
    and lets nothing through. margin : bool, where the window ends inside the frame: an object
    that comes there has not ended.
    """

    grey: Floats
    inside: Mask
    painted: Mask
    outside: Mask
    barrier: Mask
    margin: Mask

    @classmethod
    def of(
        cls,
        image: NDArray[Any],
        scribble: Mask,
        painted: Mask,
        barrier: Mask,
        rims: tuple[Mask, Mask],
    ) -> _View:
        grey, (border, margin) = normalised(image), rims
        if not border.any():  # the whole frame: it ends somewhere before the edges, all but some
            border = ~ndimage.binary_erosion(np.ones(grey.shape, bool))
        outside = (border & ~scribble) | painted
        return cls(grey, _core(grey, scribble) & ~outside, painted, outside, barrier, margin)

    @property
    def closed(self) -> Mask:
        """Where the object cannot be."""
        return self.painted | self.barrier

    def watershed(self, relief: Floats, inside: Mask, outside: Mask) -> Mask:
        from skimage.segmentation import watershed

        seeds = np.zeros(self.grey.shape, np.int8)
        seeds[inside] = 1
        seeds[outside | self.outside] = 2
        seeds[self.inside] = 1
        seeds[self.barrier] = 0
        flooded = watershed(relief, seeds, mask=~self.barrier)  # type: ignore[no-untyped-call]
        return np.asarray(flooded == 1)


def _rim(window: Box, shape: tuple[int, ...], width_px: int) -> Mask:
    """The pixels within `width_px` of those edges of a window that are not the frame's."""
    rows, columns = window
    rim = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
    rim[: width_px * (rows.start > 0)] = True
    rim[rim.shape[0] - width_px * (rows.stop < shape[0]) :] = True
    rim[:, : width_px * (columns.start > 0)] = True
    rim[:, rim.shape[1] - width_px * (columns.stop < shape[1]) :] = True
    return rim


def _rims(window: Box, shape: tuple[int, ...]) -> tuple[Mask, Mask]:
    """Where a window ends inside the frame: its outermost pixels, and a margin of them."""
    return _rim(window, shape, 1), _rim(window, shape, _MARGIN_PX + 1)


def _core(grey: Floats, scribble: Mask) -> Mask:
    """A scribble without what crossed the edge: its pixels that look like its middle."""
    depth = ndimage.distance_transform_edt(np.pad(scribble, 1))[1:-1, 1:-1]
    if depth.max() < _THICK_PX:
        return scribble
    quiet = smoothed(grey, 1.0)
    height = ndimage.distance_transform_edt(~scribble)
    around = (height > _THICK_PX) & (height <= 4 * _THICK_PX)
    if not around.any():
        return scribble
    middle, ground = np.median(quiet[depth >= 2]), np.median(quiet[around])
    core = scribble & (np.abs(quiet - middle) < np.abs(quiet - ground))
    return core if core.any() else scribble


def _grow(view: _View, settings: SnapSettings) -> Mask:
    blur = settings.smooth_px
    best, best_score = view.inside, -np.inf
    for scale in _SCALES:
        grown = _from_coarse(view, scale * blur, blur)
        step = contrast_along(view.grey, grown, ignore=view.closed)
        score = abs(step.mean()) - step.std() / 2 if step.size else -np.inf
        if score > best_score:
            best, best_score = grown, score
    quiet = smoothed(view.grey, 0.7 * blur)
    placed = move_to_level(quiet, best, level=settings.edge_level, band_px=_BAND_PX)
    return _filled((placed & ~view.outside) | view.inside, view)


def _doubt(view: _View, found: Mask, settings: SnapSettings) -> str:
    """Why an outline is no edge: it leaked, or noise alone could have made it; empty if it is."""
    if (found & view.margin).any():
        return f"it does not end within {max(found.shape) // 2} px"
    if view.painted.any():
        return ""  # a person said what is around it: they can see what noise hides
    step = contrast_along(view.grey, found, ignore=view.closed)
    distance = ndimage.distance_transform_edt(~found)
    ground = view.grey[(distance > _RIM_PX) & (distance <= _GROUND_PX) & ~view.closed]
    if not step.size or not ground.size:
        return ""
    # 1.48: from the median of absolute deviations to a standard deviation
    scatter = 1.48 * float(np.median(np.abs(ground - np.median(ground))))
    contrast = abs(float(np.median(step)))
    if contrast >= settings.least_contrast * scatter:
        return ""
    return (
        f"its step in grey value is {contrast / scatter:.1f} times the scatter around it, "
        f"below {settings.least_contrast:g}"
    )


def _from_coarse(view: _View, coarse_px: float, fine_px: float) -> Mask:
    """Flood at a coarse scale, towards any edge, then one of the right sign; then at a fine one."""
    nothing = np.zeros(view.grey.shape, bool)
    found = view.watershed(_relief(view, coarse_px, view.inside, 0.0), nothing, nothing)
    around = ndimage.binary_dilation(found, iterations=5) & ~ndimage.binary_dilation(found)
    core = ndimage.binary_erosion(found)
    inner = np.median(view.grey[core if core.any() else found])
    sign = float(np.sign(inner - np.median(view.grey[around]))) if around.any() else 0.0
    found = view.watershed(_relief(view, coarse_px, view.inside, sign), nothing, nothing)
    by = max(1, round(1.5 * coarse_px))
    core = ndimage.binary_erosion(found, iterations=by, border_value=1)
    far = ~ndimage.binary_dilation(found, iterations=by)
    start = ndimage.binary_erosion(found, border_value=1) | view.inside
    return view.watershed(_relief(view, fine_px, start, sign), core, far)


def _relief(view: _View, sigma_px: float, start: Mask, sign: float) -> Floats:
    """Height of edges; with a sign, mainly of those that lead from bright (1) or dark (-1) out of
    `start`.
    """
    along_y, along_x = np.gradient(smoothed(view.grey, sigma_px))
    steepness = np.hypot(along_y, along_x)
    if not sign or start.all():
        return np.asarray(steepness)
    distance = smoothed(ndimage.distance_transform_edt(~start).astype(np.float32), 1.5)
    out_y, out_x = np.gradient(distance)
    length = np.hypot(out_y, out_x) + np.float32(1e-6)
    falling = -sign * (along_y * out_y + along_x * out_x) / length
    return np.asarray((1 - _UNDIRECTED) * np.maximum(falling, 0) + _UNDIRECTED * steepness)


def _filled(mask: Mask, view: _View) -> Mask:
    """The parts of a mask that hold seeds, their holes filled where nothing forbids it."""
    numbered, n = ndimage.label(mask & ~view.closed)  # a thin barrier lies between two parts
    held = np.zeros(n + 1, bool)
    held[numbered[view.inside]] = True
    held[0] = False
    return np.asarray(ndimage.binary_fill_holes(held[numbered]) & ~view.closed)
