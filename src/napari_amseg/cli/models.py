"""``amseg models``: what can segment."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from napari_amseg.models import ARCHITECTURES, bundled_models, load_bundle


def models() -> None:
    """List the shipped models and the networks that can be built."""
    table = Table("model", "network", "classes", "mean IoU (other phantoms)", "folder")
    for name, folder in bundled_models().items():
        card = load_bundle(name).card
        arguments = ", ".join(f"{k}={v}" for k, v in card.arguments.items())
        score = card.scores.get("other_experiments", {}).get("mean_iou")
        table.add_row(
            name,
            f"{card.architecture} ({arguments})",
            ", ".join(card.scheme.names),
            "" if score is None else f"{score:.3f}",
            str(folder),
        )
    console = Console()
    console.print(table)
    for name, entry in ARCHITECTURES.items():
        console.print(f"network [bold]{name}[/]: {entry.summary}")
