"""The table of a campaign to be segmented: one row a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from napari_amseg.batch.doubts import column_notes, thousands_notes
from napari_amseg.dataset.names import check_name
from napari_amseg.pipeline.campaign import COMPUTED
from napari_amseg.pipeline.campaign_table import PARAMETERS, TableLine, read_lines
from napari_amseg.preprocess import Crop
from napari_amseg.types import Experiment

OF_THE_CAMPAIGN = (TABLE, REPORT) = ("campaign.csv", "campaign_report.json")
_MOST_BYTES = 100  # file systems allow 255, less what is put around it
NEEDED = ("experiment", "stack")
FIELDS = ("flat", "dark", "flat_after")
_KNOWN = (*NEEDED, *PARAMETERS, "source", *FIELDS, "crop")
_VITAL = ("pixel_size_um", "frame_rate_hz", "scan_speed_mm_s", "laser_power_w", *FIELDS, "crop")
# Columns of tables of results: what they say is found out anew.
_RESULTS = ("summary", "labels", *COMPUTED)


@dataclass(frozen=True, slots=True)
class CampaignStack:
    """One stack of a campaign.

    Attributes
    ----------
    experiment : its name and process parameters; pixel size and frame rate where the table says
        them. stack : path, folder or glob, absolute.
    fields : flat, dark and flat_after that the table names, absolute. crop : as ``Y0:Y1,X0:X1``.
    where : its line, for messages. more : other columns, as text.
    """

    experiment: Experiment
    stack: str
    fields: Mapping[str, str] = field(default_factory=dict)
    crop: str | None = None
    where: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The experiment's name: that of its folder and of its files."""
        return self.experiment.experiment or ""


def read_stacks(path: str | Path) -> tuple[tuple[CampaignStack, ...], tuple[str, ...]]:
    """The stacks of a campaign, in the order of its table, and notes on what looks like a slip in
    it; none is opened yet.

    Parameters
    ----------
    path : CSV with the columns ``experiment`` and ``stack`` (a file, a folder or a glob, relative
        to the CSV), then any of ``flat``, ``dark``, ``flat_after``, ``crop`` and the columns of
        :class:`~napari_amseg.types.Experiment`. Other columns are kept, ``pores`` (yes or no) too.

    Raises
    ------
    ValueError
        Naming the file, the line and the column that is wrong or misspelt.
    OSError
        If the table cannot be read.
    """
    source = Path(path).expanduser()
    if not source.is_file():
        raise FileNotFoundError(f"{source}: no such table.")
    lines = read_lines(source, NEEDED)
    stacks = tuple(_stack(source.absolute().parent, line) for line in lines)
    if not stacks:
        raise ValueError(f"{source}: the campaign is empty; write one row a stack.")
    _require_own_folders(stacks)
    known, columns = (*_KNOWN, "pores"), lines[0].cells
    others = [name for name in stacks[0].more if name not in known]
    absent = [name for name in known if name not in columns]
    notes = column_notes(str(source), others, absent, _VITAL)
    return stacks, (*notes, *thousands_notes(lines))


def _stack(base: Path, line: TableLine) -> CampaignStack:
    cells = line.cells
    try:
        _check_experiment(cells["experiment"])
        experiment = Experiment.from_json(line.known(("experiment", *PARAMETERS, "source")))
        if cells.get("crop"):
            Crop.parse(cells["crop"])
        line.yes_or_no("pores")
    except ValueError as error:
        text = str(error)
        raise ValueError(text if text.startswith(line.where) else f"{line.where}: {text}") from None
    return CampaignStack(
        experiment,
        _absolute(base, cells["stack"]),
        {name: _absolute(base, cells[name]) for name in FIELDS if cells.get(name)},
        cells.get("crop") or None,
        line.where,
        {k: v for k, v in cells.items() if k and k not in (*_KNOWN, *_RESULTS)},
    )


def _check_experiment(name: str) -> None:
    """Refuse what cannot be a folder beside the files of the campaign."""
    check_name(name, "experiment")
    if name.casefold() in OF_THE_CAMPAIGN:
        raise ValueError(f"experiment is {name!r}: a file of the results is named so.")
    if len(name.encode()) > _MOST_BYTES:
        raise ValueError(
            f"experiment has {len(name)} characters: it becomes a part of file names; use at most "
            f"{_MOST_BYTES} (fewer where letters are not Latin)."
        )


def _require_own_folders(stacks: tuple[CampaignStack, ...]) -> None:
    """Refuse names that differ in case only: they are one folder on Windows and macOS."""
    found: dict[str, str] = {}
    for stack in stacks:
        other = found.setdefault(stack.name.casefold(), stack.name)
        if other != stack.name:
            raise ValueError(
                f"{stack.where}: experiment {stack.name!r} differs from {other!r} in case only; "
                "each needs a folder of its own."
            )


def _absolute(base: Path, text: str) -> str:
    return str((base / Path(text).expanduser()).absolute())
