"""What a user of the *Measure* widget must know about its numbers, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_amseg.plugin.layers import label_source
from napari_amseg.plugin.measure.compared import Compared
from napari_amseg.plugin.measure.results import Results

if TYPE_CHECKING:
    from napari.layers import Layer

_STALE = "Labels changed: measure again."


def remark(layer: Layer | None, results: Results | None, of_compared: str, *, running: bool) -> str:
    """What stands above the plots; empty if there is nothing to say."""
    unsegmented = "" if layer is None else label_source(layer).unsegmented
    said = []
    if results is not None and results.stale:
        said.append(_STALE)
    elif results is not None and results.n_done and results.remark and not running:
        said.append(f"Only {results.remark}.")
    elif results is not None and results.complete and unsegmented:
        said.append(f"{unsegmented[0].upper()}{unsegmented[1:]}: the others hold no result.")
    if results is not None and not running:
        said += [f"{note[0].upper()}{note[1:]}" for note in results.measurements.notes()]
    said.append(of_compared)
    return "\n".join(words for words in said if words)


def why_not_saved(results: Results, compared: Compared | None) -> str:
    """Why the numbers cannot be saved: some are those of labels that no longer are; else empty."""
    if results.stale:
        return _STALE
    if compared is not None and compared.results.stale:
        return f"Labels of {compared.name} changed: compare with nothing, then with it again."
    return ""
