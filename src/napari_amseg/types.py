"""The two records every stage shares: an experiment and a lazy stack of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import dask.array as da

Frame = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is known about a measurement; None where nobody said.

    Attributes are the columns of a benchmark's ``experiments.csv``: lengths in
    um, rates in Hz, power in W, speed in mm/s.

    Raises
    ------
    ValueError
        If a numeric value is not a positive finite number, or a pixel is not between 1 nm and 1 mm.
    """

    experiment: str | None = None
    facility: str | None = None
    beamline: str | None = None
    process: str | None = None
    substrate_material: str | None = None
    powder_material: str | None = None
    laser_power_w: float | None = None
    scan_speed_mm_s: float | None = None
    pixel_size_um: float | None = None
    frame_rate_hz: float | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        for name in ("laser_power_w", "scan_speed_mm_s", "pixel_size_um", "frame_rate_hz"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value > 0):
                raise ValueError(
                    f"{name} is {value}: it must be a positive number; leave it out if unknown."
                )
        pixel = self.pixel_size_um
        if pixel is not None and not 1e-3 <= pixel <= 1e3:
            raise ValueError(f"pixel_size_um is {pixel:g} um: is that meant in another unit?")

    def updated(self, **changes: Any) -> Experiment:
        """A copy in which every given value that is not None replaces the old one."""
        return replace(self, **{k: v for k, v in changes.items() if v is not None})

    def to_json(self) -> dict[str, Any]:
        """Plain record; unknown entries are None."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Experiment:
        """Inverse of :meth:`to_json`; unknown keys are ignored."""
        known = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in record.items() if k in known})


@dataclass(frozen=True, slots=True)
class Stack:
    """A lazy stack of grey frames, shape (T, Y, X): nothing is read before a frame is asked for.

    Attributes
    ----------
    shape : (frames, rows, columns).
    dtype : dtype of a frame as `read` returns it.
    read : ``read(t) -> (Y, X) array``; safe to call from several threads, in any order.
    experiment : metadata; pixel size and frame rate are None when unknown.
    files : the files whose bytes it comes from, in order; empty for a stack in memory.
    opened_as : what ``read_stack`` was given, where that is not `files`: a header beside its data,
        a dataset inside a file. See :attr:`address`.
    dataset : which of the datasets of a file is open; empty where a file holds one stack.
    flat, dark : addresses of the flats and darks recorded with the stack, for ``read_stack``; None
        where there are none.
    notes : remarks worth showing or recording (skipped files, dead pixels, limits used).
    close_source : releases open files.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    read: Callable[[int], Frame]
    experiment: Experiment = Experiment()
    files: tuple[str, ...] = ()
    opened_as: tuple[str, ...] = ()
    dataset: str = ""
    flat: str | None = None
    dark: str | None = None
    notes: tuple[str, ...] = ()
    close_source: Callable[[], None] | None = None

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def address(self) -> tuple[str, ...]:
        """``read_stack(address)`` opens the same frames again, in another process for example."""
        return self.opened_as or self.files

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        return self.shape[1:]

    def __getitem__(self, t: int) -> Frame:
        n = len(self)
        if not -n <= t < n:
            raise IndexError(f"frame {t} of a stack with {n} frames.")
        return self.read(t % n)

    def __iter__(self) -> Iterator[Frame]:
        return (self.read(t) for t in range(len(self)))

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release open files; the stack cannot be read afterwards."""
        if self.close_source is not None:
            self.close_source()

    def derived(
        self,
        read: Callable[[int], Frame],
        *,
        dtype: Any = None,
        shape: tuple[int, int, int] | None = None,
        note: str | None = None,
    ) -> Stack:
        """The stack one processing step later: other frames, same experiment and files."""
        return replace(
            self,
            read=read,
            dtype=np.dtype(dtype or self.dtype),
            shape=shape or self.shape,
            notes=self.notes + ((note,) if note else ()),
        )

    def to_dask(self) -> da.Array:
        """A dask array (T, Y, X) with one lazy chunk a frame, for viewers."""
        import dask.array as da

        def block(block_info: Any = None) -> Frame:
            t = block_info[None]["chunk-location"][0]
            return self.read(t)[np.newaxis]

        chunks = ((1,) * len(self), (self.shape[1],), (self.shape[2],))
        meta = np.empty((0, 0, 0), self.dtype)
        array: da.Array = da.map_blocks(block, chunks=chunks, dtype=self.dtype, meta=meta)  # type: ignore[no-untyped-call]
        return array


def stack_from_array(
    array: Any, *, experiment: Experiment | None = None, files: tuple[str, ...] = ()
) -> Stack:
    """Wrap anything indexable of shape (T, Y, X) or (Y, X), numpy, memmap or dask, as a Stack.

    Raises
    ------
    ValueError
        If the array has another number of dimensions or holds no pixel.
    """
    if array.ndim == 2:
        array = array[np.newaxis]
    if array.ndim != 3:
        raise ValueError(
            f"array has shape {tuple(array.shape)}: a stack has the axes (frame, row, column)."
        )
    if 0 in array.shape:
        raise ValueError(f"array has shape {tuple(array.shape)}: there is no pixel in it.")
    return Stack(
        shape=tuple(int(n) for n in array.shape),  # type: ignore[arg-type]
        dtype=np.dtype(array.dtype),
        read=partial(_frame_of, array),
        experiment=experiment or Experiment(),
        files=files,
    )


def _frame_of(array: Any, t: int) -> Frame:
    return np.asarray(array[t])


def sample_indices(n: int, most: int) -> NDArray[np.intp]:
    """At most `most` indices spread evenly over ``range(n)``, first and last included."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.intp))
