"""The numbers of a range of frames, written for people."""

from __future__ import annotations

import html
from collections.abc import Callable

from napari_amseg.measure.quantities import Quantity
from napari_amseg.measure.range_statistics import Spread
from napari_amseg.plugin.measure.details import Details, StackNumbers
from napari_amseg.report.time_unit import TimeUnit

_COLUMNS: tuple[tuple[str, Callable[[Spread], str]], ...] = (
    ("n", lambda s: str(s.n)),
    ("mean", lambda s: number(s.deviation.mean)),
    ("δ<sub>avg</sub>\u00a0%", lambda s: _percent(s.deviation.delta_avg)),
    ("δ<sub>max</sub>\u00a0%", lambda s: _percent(s.deviation.delta_max)),
    ("min", lambda s: number(s.least)),
    ("max", lambda s: number(s.greatest)),
)
STATISTICS_HELP = (
    "All numbers are of the frames of the range. The summary of an export counts pores in the "
    "whole stack.\n"
    "n: the frames with a value. For the keyhole, those with a keyhole, without the ones skipped "
    "at entry and exit; for pores, powder and surface, all frames of the range.\n"
    "δavg, δmax: average and greatest deviation from the mean, in percent of it; not for what can "
    "be negative.\n"
    "The mean pore fraction is that of the pixels of all frames together."
)


def statistics_html(details: Details, *, in_um: bool, compared_in_um: bool | None) -> str:
    """A table of the statistics, a row a quantity; below each the one of the compared stack.

    compared_in_um : whether its lengths are in um, None without a compared stack.
    """
    rows = [_row("", [name for name, _ in _COLUMNS])]
    for q in details.quantities:
        stacks = [("", details.shown, in_um)]
        if details.compared is not None and compared_in_um is not None:
            stacks.append(("┄\u00a0", details.compared, compared_in_um))
        for mark, stack, um in stacks:
            spread = stack.statistics.spreads[q.stem]
            cells = [tell(spread) for _, tell in _COLUMNS]
            rows.append(_row(html.escape(mark + _short(q, in_um=um)), cells))
    return (
        f'<table width="100%" cellpadding="2" style="white-space: nowrap">{"".join(rows)}</table>'
    )


def range_words(numbers: StackNumbers, unit: TimeUnit) -> str:
    """Which frames, how many with a keyhole, pores and speed, in a line or two."""
    s = numbers.statistics
    said = f"frames {s.first} to {s.last}"
    if unit.name != "frame":
        said += f" ({s.first * unit.per_frame:.4g} to {s.last * unit.per_frame:.4g} {unit.name})"
    return f"{said}: {stack_words(numbers)}"


def stack_words(numbers: StackNumbers) -> str:
    """How many frames have a keyhole, speed and pores, in a line."""
    s = numbers.statistics
    said = f"keyhole in {s.n_keyhole} of {s.n_frames} frames"
    if numbers.speed_m_s is not None:
        said += f", {numbers.speed_m_s:.3g} m/s"
    elif s.leading_edge_px_per_frame is not None:
        said += f", {abs(s.leading_edge_px_per_frame):.3g} px a frame"
    each = f" ({s.pores / s.n_frames:.3g} a frame)" if s.n_frames else ""
    if numbers.pores is None:
        return f"{said}, {s.pores} sightings of pores{each}"
    pores = "1 pore" if numbers.pores == 1 else f"{numbers.pores} pores"
    return f"{said}, {pores} in {s.pores} sightings{each}"


def number(value: float | None) -> str:
    """Four digits, without exponents where people would not write them."""
    if value is None:
        return "–"
    return f"{value:,.0f}".replace(",", "\u202f") if abs(value) >= 1e4 else f"{value:.4g}"


def _percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:.3g}"


def _short(quantity: Quantity, *, in_um: bool) -> str:
    unit = quantity.unit_of(in_um=in_um)
    title = quantity.title.removeprefix("keyhole ")
    return f"{title}\u00a0{unit}" if unit else title


def _row(name: str, cells: list[str]) -> str:
    inside = "".join(f'<td align="right">{cell}</td>' for cell in cells)
    return f"<tr><td>{name}</td>{inside}</tr>"
