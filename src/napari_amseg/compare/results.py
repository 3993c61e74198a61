"""Results of the finished repeats, read back as tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_amseg.compare.plan import Plan, Run
from napari_amseg.io.records import read_json
from napari_amseg.models.bundle import TRAINING_TABLE

RESULT = "result.json"


def read_result(folder: Path) -> dict[str, Any] | None:
    """The result of a repeat, or None if it is not finished.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    path = folder / RESULT
    if not path.is_file():
        return None
    try:
        record: dict[str, Any] = read_json(path)
        _row(record, ())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: not a readable result ({error!r}). Delete {folder} to have this repeat made "
            "again."
        ) from error
    return record


def finished(folder: Path, plan: Plan) -> list[tuple[Run, dict[str, Any]]]:
    """The runs that have a result, with it, network by network."""
    runs = sorted(plan.runs(folder), key=lambda run: plan.networks.index(run.network))
    results = ((run, read_result(run.folder)) for run in runs)
    return [(run, result) for run, result in results if result is not None]


def repeats_table(results: list[dict[str, Any]], classes: tuple[str, ...]) -> Any:
    """A pandas table with a row a repeat: its scores on the test images and its times."""
    import pandas as pd

    return pd.DataFrame([_row(result, classes) for result in results])


def curves_table(folder: Path, plan: Plan) -> Any:
    """A pandas table with the rows of ``training.csv`` of all finished repeats.

    ``network`` and ``seed`` say which; ``seconds`` is the time trained so far.
    """
    import pandas as pd

    tables = [
        pd.read_csv(run.folder / TRAINING_TABLE).assign(network=run.network, seed=run.seed)
        for run, _ in finished(folder, plan)
    ]
    return pd.concat(tables, ignore_index=True)


def _row(result: dict[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    scores, segmentation = result["scores"], result["segmentation"]
    return {
        "network": result["network"],
        "seed": result["seed"],
        "trainable_parameters": result["model"]["trainable_parameters"],
        "mean_iou": scores["mean_iou"],
        "mean_f1": scores["mean_f1"],
        **{f"iou_{name}": scores["iou"].get(name) for name in classes},
        "segmentation_ms": segmentation["ms_batch_1"],
        "segmentation_batch_ms": segmentation["ms_batch"],
        "training_s": result["training"]["seconds"],
        "epochs": result["training"]["epochs"],
        "best_epoch": result["training"]["best_epoch"],
    }
