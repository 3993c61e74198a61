"""``amseg evaluate``: score a model on images of a benchmark."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from napari_amseg.cli.arguments import BenchmarkFolder, OutFolder, SplitName
from napari_amseg.cli.progress import show_notes, track
from napari_amseg.measure import MeasureSettings
from napari_amseg.segment import SegmentSettings


def evaluate(
    benchmark: BenchmarkFolder,
    out: OutFolder,
    segmenting: SegmentSettings,
    measuring: MeasureSettings,
    model: Annotated[str, typer.Option(metavar="M", help="Shipped model or bundle folder.")],
    subset: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    split: SplitName = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier evaluation in the folder.")
    ] = False,
) -> None:
    """Score a model: confusion matrix, IoU and F1 of each class, worst frames, errors in um.

    Example: amseg evaluate benchmark --model mymodel --subset test -o scores
    """
    from napari_amseg.dataset import load_split, open_benchmark
    from napari_amseg.dataset.split import only_split
    from napari_amseg.models import load_bundle
    from napari_amseg.pipeline.evaluate import EvaluateRequest
    from napari_amseg.pipeline.evaluate import evaluate as run

    for name in ("evaluation.json", "model.json"):
        if (out / name).exists() and not (overwrite and name == "evaluation.json"):
            raise FileExistsError(
                f"{out}: holds {name} already; choose another folder with -o"
                + (", or --overwrite." if name == "evaluation.json" else ".")
            )
    bundle, folder = load_bundle(model), open_benchmark(benchmark)
    chosen = load_split(folder, split or only_split(folder))
    request = EvaluateRequest(folder, chosen, subset, bundle, out, segmenting, measuring)
    record = run(request, track=track)
    show_notes(record["notes"])
    show_scores(record)
    for name in sorted(p.name for p in out.iterdir() if p.stem in _FILES):
        typer.echo(out / name)


_FILES = ("evaluation", "evaluation_frames", "confusion", "worst_frames", "errors")


def show_scores(record: dict[str, Any]) -> None:
    """Print the scores of each class, then the errors of the measures."""
    scores = record["scores"]
    table = Table("class", "IoU", "F1")
    for name in scores["iou"]:
        table.add_row(name, f"{scores['iou'][name]:.4f}", f"{scores['f1'][name]:.4f}")
    table.add_section()
    for what, end in (("truth or prediction", ""), ("truth", "_in_truth")):
        means = (f"{scores[f'mean_{score}{end}']:.4f}" for score in ("iou", "f1"))
        table.add_row(f"mean of classes in the {what}", *means)
    Console().print(table)
    errors = Table("measure", "frames", "mean error", "mean absolute", "mean relative")
    for name, row in record["errors"].items():
        relative = row["mean_relative"]
        errors.add_row(
            name,
            str(row["n"]),
            f"{row['mean']:+.3g}",
            f"{row['mean_absolute']:.3g}",
            "" if relative is None else f"{100 * relative:.1f} %",
        )
    Console().print(errors)
