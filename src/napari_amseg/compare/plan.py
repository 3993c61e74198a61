"""What is compared: kept in ``compare.json``, so that a comparison can go on and grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from napari_amseg.compare.settings import CompareSettings
from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.io import OutputFiles, write_json
from napari_amseg.io.records import read_json
from napari_amseg.train import TrainRequest

PLAN, RUNS = "compare.json", "runs"
TRANSFER = "-transfer"
_FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """A comparison.

    Attributes
    ----------
    benchmark : folder to learn from and to test on. folder : where everything goes.
    architectures : networks by registry name. filters : width of all; None: the paper's of each.
    init : model that one of these networks also starts from, a shipped name or a folder.
    split : name of the benchmark's split; None takes its only one, or makes the random one.
    """

    benchmark: Path
    folder: Path
    architectures: tuple[str, ...]
    filters: int | None = None
    init: str | None = None
    split: str | None = None
    settings: CompareSettings = field(default_factory=CompareSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)


@dataclass(frozen=True, slots=True)
class Run:
    """One repeat of one network. folder : of its bundle."""

    network: str
    seed: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """All runs of a comparison, and what they have in common.

    Attributes
    ----------
    networks : registry names; with `TRANSFER` at the end, the one that starts from `init`.
    init : ``{"model", "sha256"}`` or None. data_sha256 : of the images and labels of all subsets.
    """

    benchmark: str
    split: str
    data_sha256: str
    networks: tuple[str, ...]
    filters: int | None
    init: Mapping[str, str] | None
    settings: CompareSettings
    augment: AugmentSettings

    def runs(self, folder: Path) -> tuple[Run, ...]:
        """Every repeat of every network; the first repeats of all networks come first."""
        return tuple(
            Run(network, seed, folder / RUNS / f"{network}-{seed}")
            for seed in range(self.settings.repeats)
            for network in self.networks
        )

    def training(self, run: Run, *, resume: bool) -> TrainRequest:
        """The training of a run."""
        fresh = self.init is None or not run.network.endswith(TRANSFER)
        return TrainRequest(
            benchmark=Path(self.benchmark),
            folder=run.folder,
            split=self.split,
            architecture=run.network if fresh else None,
            arguments={} if self.filters is None or not fresh else {"filters": self.filters},
            init=None if fresh or self.init is None else self.init["model"],
            settings=self.settings.training(run.seed),
            augment=self.augment,
            resume=resume,
        )

    def grown(self, asked: Plan, folder: Path) -> Plan:
        """The plan, with the networks and repeats that `asked` has more.

        Raises
        ------
        ValueError
            If anything else differs; names it.
        """
        if asked.data_sha256 != self.data_sha256 and asked.split == self.split:
            raise ValueError(
                f"the images or labels of split {self.split!r} have changed since the comparison "
                f"in {folder} began: start a new one in another folder (-o)."
            )
        was, now = self._fixed(), asked._fixed()
        if self.init is None or asked.init is None:
            was["init"] = now["init"] = None  # transfer runs may be added, or left out of a call
        for name, value in now.items():
            if value != was[name]:
                raise ValueError(
                    f"{name.replace('_', ' ')} is {value!r}, but the comparison in {folder} has "
                    f"{was[name]!r}: all its runs are made alike. Give the same, or start a new "
                    "one in another folder (-o)."
                )
        if asked.settings.repeats < self.settings.repeats:
            raise ValueError(
                f"repeats is {asked.settings.repeats}, but the comparison in {folder} has "
                f"{self.settings.repeats} already: ask for as many or more."
            )
        return replace(
            asked,
            networks=tuple(dict.fromkeys((*self.networks, *asked.networks))),
            init=self.init or asked.init,
        )

    def write(self, folder: Path) -> None:
        """Write ``compare.json``."""
        with OutputFiles(folder) as files:
            write_json(files.path(PLAN), {"format_version": _FORMAT_VERSION, **asdict(self)})

    def _fixed(self) -> dict[str, Any]:
        init = self.init and self.init["sha256"]
        common = {"split": self.split, "filters": self.filters, "init": init}
        return {**common, **self.settings.fixed(), **asdict(self.augment)}


def read_plan(folder: Path) -> Plan | None:
    """The plan in a folder; None if the folder is empty or not there.

    Raises
    ------
    ValueError
        If it cannot be read. FileExistsError if the folder holds something else.
    """
    path = folder / PLAN
    if not path.is_file():
        if folder.is_dir() and any(folder.iterdir()):
            raise FileExistsError(
                f"{folder}: exists and holds no comparison ({PLAN} is missing); choose another "
                "folder."
            )
        return None
    try:
        record = read_json(path)
        version = record.pop("format_version")
        if version != _FORMAT_VERSION:
            raise ValueError(f"format version {version!r}, this program knows {_FORMAT_VERSION}")
        record |= {
            "networks": tuple(record["networks"]),
            "settings": CompareSettings(**record["settings"]),
            "augment": AugmentSettings(**record["augment"]),
        }
        return Plan(**record)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: not the plan of a comparison ({error}); choose another folder."
        ) from error
