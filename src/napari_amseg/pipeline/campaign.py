"""A campaign: what was measured of many experiments, beside their process parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from napari_amseg.io.records import read_json
from napari_amseg.pipeline.campaign_table import PARAMETERS, TableLine, read_lines
from napari_amseg.types import Experiment

_MEASURED = ("pixel_size_um", "frame_rate_hz")
_NEEDED = ("experiment", "summary")
_KNOWN = (*_NEEDED, *PARAMETERS, "source", "pores", "stack", "labels")
# Columns of the table that correlate writes: it can be read as a campaign again.
COMPUTED = (
    "in_map", "n_frames", "n_frames_with_keyhole",
    "keyhole_area_mean_px", "keyhole_area_mean_um2", "keyhole_area_delta_max",
    "keyhole_area_delta_avg", "keyhole_depth_mean_px", "keyhole_depth_mean_um",
    "keyhole_depth_delta_max", "keyhole_depth_delta_avg", "pore_count_total", "pore_track_count",
    "pore_max_equivalent_diameter_px", "pore_max_equivalent_diameter_um", "pore_fraction",
    "scan_speed_fitted_mm_s",
)  # fmt: skip
_SUMMARY, _FRAMES = "_summary.json", "_frames.csv"


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """One experiment of a campaign.

    Attributes
    ----------
    experiment : its name and process parameters. pores : whether pores formed.
    summary : content of its ``<stem>_summary.json``. summary_file : where that lies.
    stack, labels : what to open to see it; None if unknown. more : other columns, as text.
    """

    experiment: Experiment
    pores: bool
    summary: Mapping[str, Any]
    summary_file: Path
    stack: str | None = None
    labels: str | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.experiment.experiment or self.summary_file.name

    @property
    def frames_file(self) -> Path | None:
        """``<stem>_frames.csv`` beside the summary; None if there is none."""
        path = _beside(self.summary_file, _FRAMES)
        return path if path.is_file() else None


@dataclass(frozen=True, slots=True)
class Campaign:
    """Experiments with different names, in the order of the table.

    source : the CSV file or the folder. notes : remarks worth showing.
    """

    source: Path
    rows: tuple[CampaignRow, ...]
    notes: tuple[str, ...] = ()

    @property
    def more_columns(self) -> tuple[str, ...]:
        """Columns of the table that are kept as they are."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.more))


def read_campaign(path: str | Path) -> Campaign:
    """A campaign from its CSV table, or from a folder of results.

    Parameters
    ----------
    path : a CSV with a row an experiment: ``experiment``, ``summary`` (a summary file, a
        ``_frames.csv`` beside one, or the folder that holds one; relative to the CSV), then any of
        the columns of :class:`~napari_amseg.types.Experiment`, ``pores`` (yes or no; else whether
        the summary counts any), ``stack`` and ``labels``. Other columns are kept. Empty cells are
        filled from the run record beside the summary. Or a folder: every ``*_summary.json`` in it
        and below.

    Raises
    ------
    ValueError
        Naming the file, the line and the column that is wrong.
    FileNotFoundError
        If the path or a summary does not exist.
    """
    source = Path(path).expanduser()
    if source.is_dir():
        rows = list(_rows_of_folder(source))
        notes: list[str] = []
        if not rows:
            raise ValueError(
                f"{source}: no *{_SUMMARY} in this folder or below; run amseg segment or "
                "amseg quantify on its stacks first."
            )
    else:
        if not source.exists():
            raise FileNotFoundError(f"{source}: no such file or folder.")
        rows, notes = _rows_of_table(source)
        if not rows:
            raise ValueError(f"{source}: the campaign is empty; write one row an experiment.")
    return Campaign(source, tuple(rows), tuple(notes))


def _rows_of_table(path: Path) -> tuple[list[CampaignRow], list[str]]:
    rows: list[CampaignRow] = []
    notes: list[str] = []
    computed: list[str] = []
    for line in read_lines(path, _NEEDED):
        row = _row(path, line)
        rows.append(row)
        if row.pores and row.summary.get("pore_count_total") == 0:
            notes.append(f"{row.name}: the table says pores, its summary counts none.")
        computed = [name for name in line.cells if name in COMPUTED]
    if computed:
        notes.append(f"{path.name}: {', '.join(computed)} are computed anew.")
    return rows, notes


def _row(path: Path, line: TableLine) -> CampaignRow:
    where, texts = line.where, line.cells
    summary_file = _summary_file(where, path.parent, texts["summary"])
    known = line.known(("experiment", *PARAMETERS, "source"))
    row = _measured_row(where, known, summary_file, pores=line.yes_or_no("pores"))
    stack, labels = (_absolute(path.parent, texts.get(name)) for name in ("stack", "labels"))
    more = {k: v for k, v in texts.items() if k and k not in _KNOWN and k not in COMPUTED}
    return replace(row, stack=stack or row.stack, labels=labels or row.labels, more=more)


def _rows_of_folder(folder: Path) -> Iterator[CampaignRow]:
    folder = folder.resolve()  # the table written later lies elsewhere
    files = sorted(p for p in folder.rglob(f"*{_SUMMARY}") if not p.name.startswith("."))
    records = [_run_record(file).get("experiment") or {} for file in files]
    stated = [record.get("experiment") for record in records]
    stems = [file.name.removesuffix(_SUMMARY) for file in files]
    for file, name, stem in zip(files, stated, stems, strict=True):
        if not name or stated.count(name) > 1:
            name = stem
            if stems.count(stem) > 1 or stem in stated:
                name = file.relative_to(folder).as_posix().removesuffix(_SUMMARY)
        yield _measured_row(str(file), {"experiment": name}, file, pores=None)


def _measured_row(
    where: str, known: Mapping[str, Any], summary_file: Path, *, pores: bool | None
) -> CampaignRow:
    """The row of a summary, completed by the run record beside it."""
    summary, run = _summary(summary_file), _run_record(summary_file)
    if pores is None:
        if not isinstance(summary.get("pore_count_total"), int):
            raise ValueError(
                f"{summary_file}: has no pore_count_total; say yes or no in a column pores."
            )
        pores = summary["pore_count_total"] > 0
    stated = {k: v for k, v in (run.get("experiment") or {}).items() if v is not None}
    measured = {k: summary[k] for k in _MEASURED if summary.get(k) is not None}
    try:
        experiment = Experiment.from_json({**measured, **stated, **known})
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from None
    labels = _beside(summary_file, "_labels.tif")
    return CampaignRow(
        experiment,
        pores,
        summary,
        summary_file,
        stack=run.get("source") or (run.get("labels_made_by") or {}).get("source"),
        labels=str(labels) if labels.exists() else None,
    )


def _summary_file(where: str, base: Path, text: str) -> Path:
    """The summary a cell names: the file itself, the frame table beside it, or its folder."""
    path = base / Path(text).expanduser()
    if path.is_dir():
        found = sorted(path.glob(f"*{_SUMMARY}"))
        if len(found) != 1:
            names = ", ".join(p.name for p in found) or f"no *{_SUMMARY}"
            raise ValueError(f"{where}: summary is the folder {path}, which holds {names}.")
        return found[0].resolve()
    if path.name.endswith(_FRAMES):
        path = path.with_name(path.name.removesuffix(_FRAMES) + _SUMMARY)
    if not path.is_file():
        raise FileNotFoundError(f"{where}: summary {path} does not exist.")
    return path.resolve()


def _summary(path: Path) -> dict[str, Any]:
    try:
        record = read_json(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a readable summary ({error}).") from None
    if not isinstance(record, dict) or not ("keyhole_area_px" in record or
                                            "keyhole_area_um2" in record):  # fmt: skip
        raise ValueError(f"{path}: has no keyhole_area; is this a summary of amseg quantify?")
    return record


def _run_record(summary_file: Path) -> dict[str, Any]:
    """The run record beside a summary; empty if there is none or it cannot be read."""
    try:
        record = read_json(_beside(summary_file, "_run.json"))
    except (OSError, ValueError):
        return {}
    if not isinstance(record, dict):
        return {}
    for name, kind in (("experiment", dict), ("labels_made_by", dict), ("source", str)):
        if not isinstance(record.get(name), kind):
            record.pop(name, None)
    return record


def _beside(summary_file: Path, ending: str) -> Path:
    return summary_file.with_name(summary_file.name.removesuffix(_SUMMARY) + ending)


def _absolute(base: Path, text: str | None) -> str | None:
    return str((base / Path(text).expanduser()).absolute()) if text else None
