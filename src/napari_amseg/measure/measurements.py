"""The rows of a stack, as they are measured, and what only all of them together can tell."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.depth_flags import depth_notes
from napari_amseg.measure.frame import FRAME_COLUMNS, PORE_COLUMNS
from napari_amseg.measure.laser_on import LaserOn
from napari_amseg.measure.settings import MeasureSettings
from napari_amseg.measure.stack_columns import STACK_COLUMNS, add_stack_columns, laser_on_of
from napari_amseg.measure.standing_pores import standing_notes
from napari_amseg.measure.summary import summarise
from napari_amseg.measure.unlabelled import UNLABELLED, unlabelled_notes
from napari_amseg.types import Experiment

if TYPE_CHECKING:
    import pandas as pd

    from napari_amseg.measure.pore_tracks import PoreTracks

# Of ``_frames.csv``: what is measured on a frame, what only its maker knows, what the stack tells.
TABLE_COLUMNS = (*FRAME_COLUMNS, "uncertainty", *STACK_COLUMNS)
_WORDS = ("flags",)
_WHOLE = ("frame", "track_id")


class Measurements:
    """Collects the rows of frames, in any order; tables, tracks and summary are made from them.

    Holds numbers by column: about 500 bytes a frame and 130 bytes a pore.

    Parameters
    ----------
    experiment : pixel size and frame rate. settings : how the rows were measured.
    """

    def __init__(self, experiment: Experiment, settings: MeasureSettings | None = None) -> None:
        self.experiment, self.settings = experiment, settings or MeasureSettings()
        self._frames = _Columns((*FRAME_COLUMNS, "uncertainty"))
        self._pores = _Columns(PORE_COLUMNS)

    def __len__(self) -> int:
        return len(self._frames)

    def append(self, row: Mapping[str, Any], pores: Sequence[Mapping[str, Any]] = ()) -> None:
        """Add the row of one frame and those of its pores."""
        self.__dict__.pop("_complete", None)
        self.__dict__.pop("pore_tracks", None)
        self._frames.append(row)
        for pore in pores:
            self._pores.append(pore)

    def rows(self) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """What was appended: the row of each frame and those of its pores, in order of frames."""
        pores: dict[Any, list[dict[str, Any]]] = {}
        for pore in self._pores.rows():
            pores.setdefault(pore["frame"], []).append(pore)
        for row in sorted(self._frames.rows(), key=lambda row: float(row["frame"])):
            yield row, pores.get(row["frame"], [])

    def copy(self, settings: MeasureSettings | None = None) -> Measurements:
        """The same rows, for instance with another laser-on range; more can be added to either."""
        other = Measurements(self.experiment, settings or self.settings)
        other._frames, other._pores = self._frames.copy(), self._pores.copy()
        return other

    def values(self, column: str) -> NDArray[np.float64]:
        """One value a frame in the order of the frames, NaN where there is none."""
        order = np.argsort(self._frames.values("frame"), kind="stable")
        return self._frames.values(column)[order]

    def frames(self) -> pd.DataFrame:
        """The content of ``_frames.csv``: `TABLE_COLUMNS`, sorted by frame."""
        return self._complete[0].copy()

    @property
    def laser_on(self) -> LaserOn:
        """The laser-on ranges, for the rows of :meth:`frames`."""
        return self._complete[1]

    def pores(self) -> pd.DataFrame:
        """The content of ``_pores.csv``: ``PORE_COLUMNS``, with the number of each pore's track."""
        return self._pore_table().assign(track_id=self.pore_tracks.track_ids)

    def tracks(self) -> pd.DataFrame:
        """The content of ``_pore_tracks.csv``: one row a pore that was followed."""
        return self.pore_tracks.tracks

    def summary(self, *, pores_tracked: bool = True) -> dict[str, Any]:
        """The content of ``_summary.json``.

        pores_tracked : whether to follow the pores, for ``pore_track_count``; takes longest.
        """
        frames, laser = self._complete
        tracks = self.tracks() if pores_tracked else None
        return summarise(
            frames, laser, self.experiment, tracks=tracks, sign=self.settings.scan_sign()
        )

    def notes(self) -> tuple[str, ...]:
        """What must be known of the numbers, in words; of pores only if they have been followed."""
        flags: Counter[str] = Counter()
        for words, n in Counter(self._frames.words("flags")).items():
            flags.update(dict.fromkeys(words.split("; "), n))
        with_keyhole = int((self._frames.values("keyhole_area_px") > 0).sum())
        return (
            *unlabelled_notes(flags[UNLABELLED], len(self)),
            *depth_notes(flags, with_keyhole),
            *self._notes_on_pores(),
        )

    def _notes_on_pores(self) -> tuple[str, ...]:
        followed = self.followed
        return () if followed is None else standing_notes(followed.tracks, self.frames()["frame"])

    @property
    def followed(self) -> PoreTracks | None:
        """The pores' tracks, if the pores have been followed already; that takes long."""
        return self.__dict__.get("pore_tracks")

    def take_followed(self, tracks: PoreTracks) -> None:
        """Take over the tracks that a copy with the same rows and settings has found."""
        self.__dict__["pore_tracks"] = tracks

    @cached_property
    def _complete(self) -> tuple[pd.DataFrame, LaserOn]:
        frames = self._frames.table().sort_values("frame", ignore_index=True)
        laser = laser_on_of(frames, self.settings)
        add_stack_columns(frames, laser, self.experiment, self.settings)
        return frames[list(TABLE_COLUMNS)], laser

    @cached_property
    def pore_tracks(self) -> PoreTracks:
        """The pores followed from frame to frame."""
        from napari_amseg.measure.pore_tracks import track_pores

        return track_pores(
            self._pore_table(),
            self._complete[0],
            max_step_px=self.settings.max_pore_step_px,
            max_gap_frames=self.settings.max_pore_gap_frames,
            pinch_off_px=self.settings.pinch_off_px,
            experiment=self.experiment,
        )

    def _pore_table(self) -> pd.DataFrame:
        return self._pores.table().sort_values("frame", kind="stable", ignore_index=True)


class _Columns:
    """A growing table: numbers as float64, 8 bytes each, NaN for None; words as they are."""

    def __init__(self, names: Sequence[str]) -> None:
        self._numbers = {name: array("d") for name in names if name not in _WORDS}
        self._words: dict[str, list[str]] = {name: [] for name in names if name in _WORDS}

    def __len__(self) -> int:
        return len(self._numbers["frame"])

    def append(self, row: Mapping[str, Any]) -> None:
        for name, values in self._numbers.items():
            value = row.get(name)
            values.append(np.nan if value is None else value)
        for name, words in self._words.items():
            words.append(row[name])

    def rows(self) -> Iterator[dict[str, Any]]:
        columns = {**self._numbers, **self._words}
        for values in zip(*columns.values(), strict=True):
            row = dict(zip(columns, values, strict=True))
            yield {name: None if value != value else value for name, value in row.items()}

    def copy(self) -> _Columns:
        other = _Columns(())
        other._numbers = {name: values[:] for name, values in self._numbers.items()}
        other._words = {name: words[:] for name, words in self._words.items()}
        return other

    def values(self, name: str) -> NDArray[np.float64]:
        return np.array(self._numbers[name], np.float64)

    def words(self, name: str) -> Sequence[str]:
        return self._words[name]

    def table(self) -> pd.DataFrame:
        import pandas as pd

        columns: dict[str, Any] = {name: self.values(name) for name in self._numbers}
        columns |= self._words
        table = pd.DataFrame(columns)
        for name in _WHOLE:
            if name in table and table[name].notna().all():
                table[name] = table[name].astype(np.int64)
        return table
