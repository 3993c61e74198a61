"""What a benchmark holds, as the AM-SegNet paper shows it: its Figure 2c and 2d."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_amseg.dataset import Statistics
from napari_amseg.dataset.statistics import UNKNOWN

# Okabe and Ito's colours, told apart by the colour-blind; the greys are for "others" and "unknown".
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
_OTHERS, _OTHERS_COLOR, _UNKNOWN_COLOR = "others", "#999999", "#D0D0D0"


def draw_images_pie(ax: Any, images: Mapping[str, int], *, title: str) -> None:
    """Images by what they show, largest first, as a pie with a legend of counts and shares."""
    counts = _largest(images)
    total = sum(counts.values())
    colors = iter(_COLORS)
    fixed = {_OTHERS: _OTHERS_COLOR, UNKNOWN: _UNKNOWN_COLOR}
    wedges = ax.pie(
        list(counts.values()),
        colors=[fixed.get(name) or next(colors) for name in counts],
        startangle=90,
        counterclock=False,
        wedgeprops={"edgecolor": "white", "linewidth": 1.0},
    )[0]
    told = [f"{name}: {n:,} ({100 * n / total:.1f} %)" for name, n in counts.items()]
    ax.legend(
        wedges, told, loc="upper center", bbox_to_anchor=(0.5, 0.02), frameon=False, fontsize=9
    )
    ax.set_title(title, fontsize=11)


def draw_pixel_bars(ax: Any, statistics: Statistics) -> None:
    """Share of each class in the labelled pixels, on a log axis: pores are often below 1 %."""
    pixels = [int(n) for n in statistics.total.class_px]
    total = max(sum(pixels), 1)
    shares = [100 * n / total for n in pixels]
    classes = statistics.scheme.classes
    lowest = min((s for s in shares if s > 0), default=1.0) / 4
    bars = ax.barh(
        range(len(classes)),
        [max(share - lowest, 0) for share in shares],
        left=lowest,
        color=[c.color for c in classes],
    )
    for bar, share, n in zip(bars, shares, pixels, strict=True):
        told = f"{share:.3g} % ({n:,} px)" if n else "no pixel"
        ax.annotate(
            told,
            (max(share, lowest), bar.get_y() + bar.get_height() / 2),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    ax.set_xscale("log")
    ax.set_xlim(lowest, 100)
    ax.set_yticks(range(len(classes)), [c.name for c in classes])
    ax.invert_yaxis()
    ax.set_xlabel("Share of the labelled pixels (%)")
    ax.spines[["top", "right"]].set_visible(False)
    ax.xaxis.set_major_formatter("{x:g}")


def images_figure(statistics: Statistics, path: Path) -> None:
    """Write images by substrate material and by facility, two pies, as one PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    panels = (("substrate_material", "Substrate material"), ("facility", "Facility"))
    for ax, (grouping, title) in zip(figure.subplots(1, 2), panels, strict=True):
        images = {group.value: group.images for group in statistics.by(grouping)}
        draw_images_pie(ax, images, title=title)
    figure.suptitle(f"{statistics.total.images:,} labelled images", fontsize=11)
    figure.savefig(path, dpi=150, format="png")


def pixels_figure(statistics: Statistics, path: Path) -> None:
    """Write the pixel share of each class as one PNG."""
    from matplotlib.figure import Figure

    n_classes = len(statistics.scheme.classes)
    figure = Figure(figsize=(7.2, 1.2 + 0.45 * n_classes), layout="constrained")
    draw_pixel_bars(figure.subplots(), statistics)
    figure.savefig(path, dpi=150, format="png")


def _largest(images: Mapping[str, int]) -> dict[str, int]:
    """One entry a colour, largest first; then the others together, and unknown."""
    known = sorted((name for name in images if name != UNKNOWN), key=lambda name: -images[name])
    shown, rest = known[: len(_COLORS)], known[len(_COLORS) :]
    counts = {name: images[name] for name in shown}
    if rest:
        counts[_OTHERS] = sum(images[name] for name in rest)
    if UNKNOWN in images:
        counts[UNKNOWN] = images[UNKNOWN]
    return counts
