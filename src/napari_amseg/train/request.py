"""What to train: a record that also says whether a stopped training may go on under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.train.settings import TrainSettings


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """A training.

    Attributes
    ----------
    benchmark : folder to learn from. folder : where the bundle goes, with the checkpoint.
    split : name of the benchmark's split; None takes its only one, or makes the random one.
    architecture, arguments : of a fresh network. init : model to start from instead, a shipped
        name or a folder. freeze_encoder : keep the encoder of `init`.
    resume : go on from the checkpoint in `folder`.
    preview : ``.npy`` file for the prediction of one validation image after each epoch, uint8
        (Y, X).
    """

    benchmark: Path
    folder: Path
    split: str | None = None
    architecture: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    init: str | None = None
    freeze_encoder: bool = False
    settings: TrainSettings = field(default_factory=TrainSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    resume: bool = False
    preview: Path | None = None

    def plan(self) -> dict[str, Any]:
        """What must stay the same when the training goes on."""
        return {
            "split": self.split,
            "architecture": self.architecture,
            "arguments": dict(self.arguments),
            "init": self.init,
            "freeze_encoder": self.freeze_encoder,
            "settings": asdict(self.settings),
            "augment": asdict(self.augment),
        }

    def resumed(self, plan: Mapping[str, Any]) -> TrainRequest:
        """The request with everything that was left at its default taken from `plan`.

        Raises
        ------
        ValueError
            If something was asked for that differs from `plan`; names it.
        """
        default = _flat(TrainRequest(self.benchmark, self.folder).plan())
        given = _flat(self.plan())
        stored = _flat(plan)
        for name, value in given.items():
            if value not in (default.get(name), stored.get(name)):
                raise ValueError(
                    f"{name.replace('_', ' ')} is {value!r}, but the training in {self.folder} was "
                    f"started with {stored.get(name)!r}: a resumed training keeps its settings. "
                    f"Leave it out, or start a new training from this one with --init {self.folder}"
                )
        try:
            settings = TrainSettings(**plan["settings"])
            augment = AugmentSettings(**plan["augment"])
        except TypeError as error:
            raise ValueError(
                f"{self.folder}: the checkpoint is of another version of napari-amseg ({error}): "
                f"start a new training from its best epoch with --init {self.folder}."
            ) from error
        names = {f.name for f in fields(self)} & set(plan)
        kept = {name: plan[name] for name in names - {"settings", "augment"}}
        return replace(
            self,
            **kept,
            settings=settings,
            augment=augment,
        )


def _flat(plan: Mapping[str, Any]) -> dict[str, Any]:
    nested = {**plan["settings"], **plan["augment"]}
    return {**{k: v for k, v in plan.items() if k not in ("settings", "augment")}, **nested}
