"""What the user chose under *File > Preferences > AM-SegNet*: what a session begins with.

Declared in ``napari.yaml``, kept by napari in ``napari-amseg.yaml`` beside its own settings. A
choice here comes before what earlier runs left behind (:mod:`remembered`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_amseg.models import Bundle, load_bundle
from napari_amseg.segment import SegmentSettings
from napari_amseg.segment.engine import ENGINES, PRECISIONS


@dataclass(frozen=True, slots=True)
class Preferences:
    """Empty where nothing was chosen. results_folder : as typed, it need not exist."""

    model: str = ""
    engine: str = ""
    precision: str = ""
    results_folder: str = ""
    annotator: str = ""

    def applied(self, settings: SegmentSettings) -> SegmentSettings:
        """The settings with the engine and the precision that are preferred, if any are."""
        return replace(
            settings,
            engine=self.engine or settings.engine,
            precision=self.precision or settings.precision,
        )

    def bundle(self) -> Bundle | None:
        """The preferred model, by name or folder; None if none is preferred.

        Raises
        ------
        OSError, ValueError
            If it is gone or no model.
        """
        if not self.model:
            return None
        try:
            return load_bundle(self.model)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"the preferred model cannot be used: {error} Choose another one under "
                "File > Preferences > AM-SegNet; until then the usual one is offered."
            ) from error

    def start(self, name: str = "") -> str:
        """Where a dialog for results begins: `name` in the results folder, if that exists."""
        folder = Path(self.results_folder).expanduser()
        return str(folder / name) if self.results_folder and folder.is_dir() else name


def preferences() -> Preferences:
    """What is chosen now; nothing where napari is older than its plugin preferences."""
    try:
        from napari.settings import get_plugin_settings

        chosen = get_plugin_settings("napari-amseg").defaults
    except (ImportError, KeyError, AttributeError, OSError, ValueError):
        return Preferences()
    return Preferences(
        model=_text(chosen, "model"),
        engine=_one_of(ENGINES, _text(chosen, "engine")),
        precision=_one_of(PRECISIONS, _text(chosen, "precision")),
        results_folder=_text(chosen, "results_folder"),
        annotator=_text(chosen, "annotator"),
    )


def _text(chosen: Any, name: str) -> str:
    return str(getattr(chosen, name, "") or "").strip()


def _one_of(choices: tuple[str, ...], text: str) -> str:
    return text if text in choices else ""
