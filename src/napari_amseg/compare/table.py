"""The table of a comparison, as Table 2 of the AM-SegNet paper, and its figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_amseg.compare.plan import TRANSFER, Plan
from napari_amseg.compare.results import curves_table, finished, repeats_table
from napari_amseg.dataset import load_split, open_benchmark
from napari_amseg.io import OutputFiles, TableWriter

REPEATS, TABLE, TABLE_MD = "repeats.csv", "table.csv", "table.md"
NETWORKS_FIGURE, TRANSFER_FIGURE = "networks", "transfer"
_SCORES = {"mean_iou": "mean IoU", "mean_f1": "F1"}
_TIMES = {
    "segmentation_ms": "segmentation of a frame (ms)",
    "segmentation_batch_ms": "segmentation in batches (ms)",
    "training_s": "training (s)",
}
Row = dict[str, Any]


def summary(repeats: Any) -> list[Row]:
    """A row a network: name, trainable parameters, mean and standard deviation of every measure
    (``<measure>_mean`` and ``<measure>_std``; ddof 1, None for a single repeat), repeats.

    repeats : as :func:`~napari_amseg.compare.results.repeats_table` gives them.
    """
    of_classes = [name for name in repeats.columns if name.startswith("iou_")]
    rows = []
    for network, group in repeats.groupby("network", sort=False):
        row = {
            "network": network,
            "trainable_parameters": int(group["trainable_parameters"].iloc[0]),
        }
        for measure in (*_SCORES, *of_classes, *_TIMES):
            values = group[measure].astype(float)
            row[f"{measure}_mean"] = _number(values.mean())
            row[f"{measure}_std"] = _number(values.std(ddof=1))
        rows.append({**row, "repeats": len(group)})
    return rows


def text_table(rows: Sequence[Row]) -> list[list[str]]:
    """The table for people, as text: its heading, then a row a network, mean ± deviation."""
    keys = [key.removesuffix("_mean") for key in rows[0] if key.endswith("_mean")]
    names = {key: f"IoU {key.removeprefix('iou_')}" for key in keys} | _SCORES | _TIMES
    heading = ["network", "trainable parameters", *(names[key] for key in keys), "repeats"]
    return [heading] + [
        [
            row["network"],
            f"{row['trainable_parameters']:,}",
            *(_plus_minus(row, key) for key in keys),
            str(row["repeats"]),
        ]
        for row in rows
    ]


def write_tables(folder: Path, plan: Plan) -> tuple[list[Row], list[Path]]:
    """Write a row a repeat as CSV, and a row a network as CSV and Markdown; the latter, and the
    files. Nothing is written while no repeat is finished.
    """
    results = [result for _, result in finished(folder, plan)]
    if not results:
        return [], []
    repeats = repeats_table(results, open_benchmark(plan.benchmark).scheme.names)
    rows = summary(repeats)
    with OutputFiles(folder) as files:
        _write_csv(files.path(REPEATS), repeats.to_dict("records"))
        _write_csv(files.path(TABLE), rows)
        lines = ["| " + " | ".join(cells) + " |" for cells in text_table(rows)]
        lines.insert(1, "|---" + "|---:" * (lines[0].count("|") - 2) + "|")
        text = "\n".join(lines) + "\n\n" + _remarks(results, plan)
        files.path(TABLE_MD).write_text(text, encoding="utf-8")
    return rows, files.finals


def write_report(folder: Path, plan: Plan) -> tuple[tuple[Row, ...], tuple[Path, ...]]:
    """Write the tables and the figures; returns the rows of the table, and all files."""
    from napari_amseg.report.compare import networks_figure, transfer_figure

    rows, written = write_tables(folder, plan)
    if not rows:
        return (), ()
    scheme = open_benchmark(plan.benchmark).scheme
    repeats = repeats_table([result for _, result in finished(folder, plan)], scheme.names)
    curves = curves_table(folder, plan)
    there = [row["network"] for row in rows]
    fresh = [name for name in there if not name.endswith(TRANSFER)]
    pairs = [[name, name + TRANSFER] for name in fresh if name + TRANSFER in there]
    figures: list[tuple[str, Callable[..., None], list[str]]]
    figures = [(NETWORKS_FIGURE, networks_figure, fresh)] if fresh else []
    figures += [(TRANSFER_FIGURE, transfer_figure, pair) for pair in pairs]
    with OutputFiles(folder) as files:
        for name, figure, networks in figures:
            shown = [table[table["network"].isin(networks)] for table in (repeats, curves)]
            for ending in ("png", "pdf"):
                figure(*shown, files.path(f"{name}.{ending}"), scheme=scheme)
    return tuple(rows), (*written, *files.finals)


def _remarks(results: Sequence[dict[str, Any]], plan: Plan) -> str:
    """What the numbers are, on what they were measured."""
    benchmark = open_benchmark(plan.benchmark)
    split = load_split(benchmark, plan.split)
    n = {subset: len(split.of(subset)) for subset in ("train", "validation", "test")}
    timed, trained = results[0]["segmentation"], results[0]["training"]
    rows, columns = timed["shape"]
    chosen = "validates best" if n["validation"] else "comes last"
    devices = " and ".join(sorted({result["device"] for result in results}))
    engines = " and ".join(
        sorted({f"{result['engine']['name']} ({result['engine']['device']})" for result in results})
    )
    precisions = " and ".join(sorted({result["precision"] for result in results}))
    remarks = [
        "Mean ± standard deviation (n - 1) over the repeats, which differ in their seed alone.",
        f"Scores: one confusion matrix over the {n['test']} test images of split {split.name!r} "
        f"({split.rule}) of {benchmark.folder.name}; the network is that of the epoch that "
        f"{chosen}.",
        f"Segmentation: engine {engines}, float32, frames of {rows}x{columns} pixels prepared in "
        f"memory; median over {timed['calls']} calls with one frame, and with "
        f"{timed['batch_size']} frames (in batches). Loading model and files is left out.",
        f"Training: {n['train']} images, {plan.settings.epochs} epochs, batch size "
        f"{trained['batch_size']}, samples of {trained['shape'][0]}x{trained['shape'][1]} pixels, "
        f"{precisions}, {devices}; with the validation on {n['validation']} images.",
    ]
    return "\n".join(f"- {remark}" for remark in remarks) + "\n"


def _plus_minus(row: Row, measure: str) -> str:
    mean, std = row[f"{measure}_mean"], row[f"{measure}_std"]
    if mean is None:
        return ""
    digits = 2 if measure.startswith("segmentation") else 1 if measure == "training_s" else 4
    return f"{mean:.{digits}f}" + ("" if std is None else f" ± {std:.{digits}f}")


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    with TableWriter(path, list(rows[0])) as table:
        for row in rows:
            table.append(row)
