"""What happens when in the phantom: laser tracks, a fluctuating keyhole, pores, moving powder."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.sample.geometry import Keyhole, KeyholeProfile, Pore, Surface, make_keyhole
from napari_amseg.sample.settings import PhantomSettings
from napari_amseg.words import counted

Array = NDArray[Any]
TRACK_SPAN = 0.76  # of the width: a longer scan starts again at the beginning
LEAST_DEPTH_PX, LEAST_WIDTH_PX = 6.0, 4.0
CLEARANCE_PX = 2.0


@dataclass(frozen=True, slots=True)
class TrackedPore:
    """A pore from its birth until the keyhole swallows it, drifting to a halt.

    birth, death : first frame with it, first frame without. drift : columns and rows it
    moves in all.
    """

    pore: Pore
    birth: int
    death: int
    drift: tuple[float, float]

    def at(self, t: int) -> Pore:
        """The pore in frame `t`."""
        share = 1 - math.exp(-(t - self.birth) / 4)
        column = self.pore.column_px + share * self.drift[0]
        return replace(self.pore, column_px=column, row_px=self.pore.row_px + share * self.drift[1])


class Process:
    """Everything that moves, as a function of the frame number; nothing is drawn here."""

    def __init__(self, settings: PhantomSettings) -> None:
        self.settings = s = settings
        self.sense = 1 if s.direction == "right" else -1
        self.step_px = s.scan_speed_m_s * 1e6 / s.frame_rate_hz / s.pixel_size_um
        self.surface = Surface(
            float(round(s.surface_at * s.height_px)),
            math.tan(math.radians(s.surface_tilt_deg)),
            s.width_px / 2,
        )
        rng = np.random.default_rng([s.seed, 1])
        n, self._depth_noise = s.n_frames, _band_limited(rng, s.n_frames)
        self._width_noise, self._bend_noise = _band_limited(rng, n), _band_limited(rng, n)
        self._time_tracks()
        self.pores = self._all_pores(np.random.default_rng([s.seed, 2]))

    def _time_tracks(self) -> None:
        """When the laser is on, and where."""
        s = self.settings
        off = s.laser_off_frames
        on = max(0, s.n_frames - 2 * off)
        if self.step_px > 0:
            on = min(on, max(1, int(TRACK_SPAN * s.width_px / self.step_px)))
        phase = np.arange(s.n_frames) % max(1, on + 2 * off) - off
        self.mouth_px = s.width_px / 2 + self.sense * (phase - (on - 1) / 2) * self.step_px
        self.bend = s.keyhole_bend * (1 + s.fluctuation * self._bend_noise)
        room = s.height_px - 4 - self.surface.row_at(self.mouth_px)
        # A tip that trails down a slope needs more room than the mouth has below it.
        room /= np.maximum(1, 1 - self.sense * self.surface.slope * self.bend)
        wanted = (phase >= 0) & (phase < on) & (s.surface_at >= 0)
        self.laser_on = wanted & (room >= LEAST_DEPTH_PX)
        self.no_room = int(np.count_nonzero(wanted & ~self.laser_on))
        depth = s.keyhole_depth_um / s.pixel_size_um * (1 + s.fluctuation * self._depth_noise)
        depth *= 1 - np.exp(-(phase + 1.5) / 3, where=phase >= 0, out=np.zeros(s.n_frames))
        self.depth_px = np.clip(depth, LEAST_DEPTH_PX, np.maximum(room, LEAST_DEPTH_PX))
        self.cut_short = self.laser_on & (depth > self.depth_px)
        width = s.keyhole_width_um / s.pixel_size_um * (1 + 0.6 * s.fluctuation * self._width_noise)
        self.width_px = np.maximum(width, LEAST_WIDTH_PX)

    def notes(self) -> tuple[str, ...]:
        """What of the keyholes that were asked for the frame has no room for, in words."""
        s, notes = self.settings, []
        if self.no_room:
            notes.append(
                f"{counted(self.no_room, 'frame')} with the laser on had no room for a keyhole "
                "below the surface and have none: raise height_px, or lower surface_at."
            )
        if n := int(np.count_nonzero(self.cut_short)):
            most = float(self.depth_px[self.cut_short].max()) * s.pixel_size_um
            notes.append(
                f"keyhole_depth_um is {s.keyhole_depth_um:g}, with a fluctuation of "
                f"{s.fluctuation:g}: in {n} of {np.count_nonzero(self.laser_on)} frames with a "
                "keyhole that does not fit between surface and bottom of the frame; they are "
                f"{most:.0f} um deep at most, in the images and in the truth. Raise height_px, or "
                "lower surface_at, for room."
            )
        if n := sum(self._leaves_sideways(int(t)) for t in np.flatnonzero(self.laser_on)):
            notes.append(
                f"in {counted(n, 'frame')} the keyhole reaches beyond the left or right end of the "
                "frame: its area in the truth is that of the whole. Raise width_px for room."
            )
        return tuple(notes)

    def _leaves_sideways(self, t: int) -> bool:
        keyhole = self.keyhole_at(t)
        if keyhole is None:
            return False
        left, right = keyhole.centre - keyhole.half_width, keyhole.centre + keyhole.half_width
        return bool(left.min() < 0 or right.max() > self.settings.width_px)

    def keyhole_at(self, t: int) -> Keyhole | None:
        """The keyhole in frame `t`, None with the laser off."""
        if not self.laser_on[t]:
            return None
        s = self.settings
        wobble = np.random.default_rng([s.seed, 6, t]).normal(0, 0.1 * s.fluctuation, 7)
        return make_keyhole(
            float(self.mouth_px[t]),
            depth_px=float(self.depth_px[t]),
            width_px=float(self.width_px[t]),
            direction=self.sense,
            profile=KeyholeProfile(
                bend=float(self.bend[t]),
                bend_power=s.keyhole_hook,
                flare=s.keyhole_mouth,
                bulb=s.keyhole_bulb,
                tip=s.keyhole_tip,
                shelf=s.keyhole_shelf,
                neck=s.keyhole_neck,
            ),
            wobble=wobble * self.depth_px[t],
        )

    def pores_at(self, t: int) -> list[Pore]:
        """The pores in frame `t`."""
        return [pore for _, pore in self.tracks_at(t)]

    def tracks_at(self, t: int) -> list[tuple[int, Pore]]:
        """The pores in frame `t`, each with the number of its track, 1 and up."""
        tracks = enumerate(self.pores, start=1)
        return [(number, p.at(t)) for number, p in tracks if p.birth <= t < p.death]

    def _all_pores(self, rng: np.random.Generator) -> list[TrackedPore]:
        pores = self._old_pores(rng)
        every = self.settings.pore_every_frames
        if every == 0:
            return pores
        t = every // 2 + self.settings.laser_off_frames
        while t < self.settings.n_frames:
            pore = self._pinched_off(rng, t)
            if pore is not None and not any(_close(pore, p) for p in pores if p.death > t):
                pores.append(pore)
            t += max(1, round(every * rng.uniform(0.6, 1.4)))
        return pores

    def _old_pores(self, rng: np.random.Generator) -> list[TrackedPore]:
        """Pores that earlier tracks left behind, where they found room."""
        s = self.settings
        pores: list[TrackedPore] = []
        for _ in range(s.old_pores):
            place = rng.uniform(0, (s.width_px, s.height_px))
            pore = self._shaped(rng, *place.tolist(), spread=0.45)
            tracked = TrackedPore(pore, 0, s.n_frames, (0.0, 0.0))
            if self._fits(pore) and not any(_close(tracked, p) for p in pores):
                death = self._swallowed(tracked)
                if death > 0:
                    pores.append(replace(tracked, death=death))
        return pores

    def _shaped(
        self, rng: np.random.Generator, column: float, row: float, *, spread: float = 0.3
    ) -> Pore:
        """A pore of random size and form at this place."""
        s = self.settings
        radius = max(2.0, s.pore_radius_um / s.pixel_size_um * math.exp(rng.normal(0, spread)))
        stretch = rng.uniform(1.0, 1.4)
        lobing, lobes = s.pore_lobing * rng.random(), int(rng.integers(2, 5))
        angle = rng.normal(0, 0.4)
        return Pore(column, row, radius * stretch, radius / stretch, angle, lobing, lobes)

    def _pinched_off(self, rng: np.random.Generator, t: int) -> TrackedPore | None:
        """A pore left behind the tip of the keyhole of frame `t`, if there is room."""
        s = self.settings
        pore = self._shaped(rng, 0.0, 0.0)
        radius = math.sqrt(pore.major_px * pore.minor_px)
        drift = (-self.sense * rng.uniform(0, 1.5) * radius, -rng.uniform(0, 0.6) * radius)
        keyhole = self.keyhole_at(t)
        if keyhole is None:
            return None
        depth = keyhole.depth_px - rng.uniform(0.3, 1.0) * radius
        i = int(np.searchsorted(keyhole.below, depth))
        apart = keyhole.half_width[i] + pore.reach_px + CLEARANCE_PX + 1
        column = float(keyhole.centre[i] - self.sense * apart)
        pore = replace(pore, column_px=column, row_px=float(self.surface.row_at(column)) + depth)
        tracked = TrackedPore(pore, t, s.n_frames, drift)
        if not (self._fits(pore) and self._fits(tracked.at(s.n_frames + 100))):
            return None
        death = self._swallowed(tracked)
        return TrackedPore(pore, t, death, drift) if death > t else None

    def _fits(self, pore: Pore) -> bool:
        shape = (self.settings.height_px, self.settings.width_px)
        x, y = _outline(pore)
        return pore.inside(shape) and bool((y - self.surface.row_at(x) > CLEARANCE_PX).all())

    def _swallowed(self, pore: TrackedPore) -> int:
        """First frame in which the pore would touch the keyhole; the number of frames if none."""
        reach = 1.5 * self.depth_px + 3 * self.width_px + 4 * pore.pore.reach_px
        near = self.laser_on & (np.abs(self.mouth_px - pore.pore.column_px) < reach)
        for t in np.flatnonzero(near[pore.birth :]) + pore.birth:
            keyhole = self.keyhole_at(int(t))
            x, y = _outline(pore.at(int(t)))
            depth = y - self.surface.row_at(x)
            centre = np.interp(depth, keyhole.below, keyhole.centre)  # type: ignore[union-attr]
            width = np.interp(depth, keyhole.below, keyhole.half_width)  # type: ignore[union-attr]
            reached = depth < self.depth_px[t] + CLEARANCE_PX
            if (reached & (np.abs(x - centre) < width + 1)).any():
                return int(t)
        return self.settings.n_frames


def _band_limited(rng: np.random.Generator, n: int) -> Array:
    """Noise of unit variance with periods of 5 to 50 frames, within -2 and 2, (n,)."""
    frequency = rng.uniform(0.02, 0.2, 8)[:, None]
    phase = rng.uniform(0, 2 * np.pi, 8)[:, None]
    waves = np.sin(2 * np.pi * frequency * np.arange(n) + phase)
    return np.asarray(np.clip(waves.sum(axis=0) / 2, -2, 2))


def _outline(pore: Pore) -> tuple[Array, Array]:
    """Columns and rows of points on the wall of a pore, with a little clearance."""
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    wall = 1 + pore.lobing * np.cos(pore.lobes * angle)
    along = (wall * pore.major_px + CLEARANCE_PX / 2) * np.cos(angle)
    across = (wall * pore.minor_px + CLEARANCE_PX / 2) * np.sin(angle)
    cos, sin = math.cos(pore.angle_rad), math.sin(pore.angle_rad)
    return pore.column_px + along * cos - across * sin, pore.row_px + along * sin + across * cos


def _close(one: TrackedPore, other: TrackedPore) -> bool:
    """Whether two pores could touch anywhere on their ways."""
    apart = math.hypot(
        one.pore.column_px - other.pore.column_px, one.pore.row_px - other.pore.row_px
    )
    ways = math.hypot(*one.drift) + math.hypot(*other.drift)
    return apart < one.pore.reach_px + other.pore.reach_px + ways + CLEARANCE_PX
