"""What a user of the *Measure* widget must know about its numbers, in words."""

from __future__ import annotations

from napari_amseg.plugin.measure.compared import Compared
from napari_amseg.plugin.measure.results import Results

_STALE = "Labels changed: measure again."


def remark(results: Results | None, of_compared: str, *, running: bool) -> str:
    """What stands above the plots; empty if there is nothing to say."""
    said = []
    if results is not None and results.stale:
        said.append(_STALE)
    elif results is not None and results.n_done and results.remark and not running:
        said.append(f"Only {results.remark}.")
    said.append(of_compared)
    return "\n".join(words for words in said if words)


def why_not_saved(results: Results, compared: Compared | None) -> str:
    """Why the numbers cannot be saved: some are those of labels that no longer are; else empty."""
    if results.stale:
        return _STALE
    if compared is not None and compared.results.stale:
        return f"Labels of {compared.name} changed: compare with nothing, then with it again."
    return ""
