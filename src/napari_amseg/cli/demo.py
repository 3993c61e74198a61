"""``amseg demo``: the main job on a synthetic stack, checked against its exact truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from napari_amseg.cli.arguments import OutFolder
from napari_amseg.cli.progress import err
from napari_amseg.cli.segment import run_and_show
from napari_amseg.cli.simulate import write_phantom
from napari_amseg.io import read_stack
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.models import load_bundle
from napari_amseg.pipeline import RunRequest
from napari_amseg.sample import PhantomSettings
from napari_amseg.scores import Confusion


def demo(
    out: OutFolder = Path("amseg_demo"),
    model: Annotated[str, typer.Option(help="A shipped model or a bundle folder.")] = "fast",
) -> None:
    """Make a synthetic stack, segment it, measure it, and compare with the exact truth."""
    bundle = load_bundle(model)
    err.print("A synthetic laser-melting stack, then masks and numbers from it.")
    write_phantom(out, PhantomSettings(), drawn_labels=True)
    with read_stack(out / "phantom.tif") as stack:
        # Another stem than the exact labels of the phantom, which must stay.
        request = RunRequest(stack=stack, folder=out, stem="demo")
        run_and_show(request, bundle)
    _compare(out)


def _compare(out: Path) -> None:
    """Print how the masks and the keyhole numbers agree with the phantom's own."""
    import pandas as pd

    confusion, drawn_px = Confusion(DEFAULT_SCHEME), 0
    with (
        read_stack(out / "phantom_drawn_labels.tif") as truth,
        read_stack(out / "demo_labels.tif") as found,
    ):
        for t in range(len(truth)):
            drawn = truth.read(t)
            confusion.add(drawn, found.read(t))
            drawn_px += int(np.count_nonzero(drawn == Label.KEYHOLE))
    scores = confusion.to_json()
    per_class = ", ".join(f"{name} {iou:.3f}" for name, iou in scores["iou"].items())
    typer.echo(
        f"\nAgainst labels as people draw them: mean IoU {scores['mean_iou']:.3f} ({per_class})"
    )
    exact, measured = (
        pd.read_csv(out / f"{name}.csv") for name in ("phantom_truth", "demo_frames")
    )
    for quantity, unit in (("keyhole_area_um2", "um2"), ("keyhole_depth_um", "um")):
        there = exact["keyhole_area_px"] > 0
        error = (measured[quantity] - exact[quantity]).abs()[there].median()
        name = quantity.rsplit("_", 1)[0].replace("_", " ")
        typer.echo(
            f"{name}: measured {measured[quantity][there].mean():.4g} {unit} on average, "
            f"exact {exact[quantity][there].mean():.4g}; median error of a frame {error:.3g}"
        )
    seen = drawn_px / exact["keyhole_area_px"].sum()
    typer.echo(
        f"People and models draw the border half-way between the bright and the dark rim: "
        f"{seen:.0%} of the exact area lies within."
    )
    typer.echo(
        f"\nLook at {out / 'demo_overlay.png'} and {out / 'demo_series.png'};\n"
        f"masks are in {out / 'demo_labels.tif'}, numbers in {out / 'demo_frames.csv'}, "
        f"{out / 'demo_pores.csv'} and {out / 'demo_summary.json'}."
    )
