"""All commands, put together; one module each."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from napari_amseg import __version__
from napari_amseg.cli.annotate import annotate
from napari_amseg.cli.batch import batch
from napari_amseg.cli.command import register
from napari_amseg.cli.compare import compare
from napari_amseg.cli.correlate import correlate
from napari_amseg.cli.dataset import dataset
from napari_amseg.cli.demo import demo
from napari_amseg.cli.evaluate import evaluate
from napari_amseg.cli.explain import explain
from napari_amseg.cli.import_weights import import_weights
from napari_amseg.cli.info import info
from napari_amseg.cli.laser import laser
from napari_amseg.cli.models import models
from napari_amseg.cli.preprocess import preprocess
from napari_amseg.cli.quantify import quantify
from napari_amseg.cli.segment import segment
from napari_amseg.cli.simulate import simulate
from napari_amseg.cli.spectrum import spectrum
from napari_amseg.cli.train import train
from napari_amseg.cli.video import video
from napari_amseg.cli.watch import watch

app = typer.Typer(
    name="amseg",
    help="From a raw high-speed X-ray stack of laser melting to keyhole and pore numbers.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for function in (
    demo,
    info,
    preprocess,
    segment,
    quantify,
    batch,
    correlate,
    spectrum,
    train,
    evaluate,
    compare,
    explain,
    laser,
    simulate,
    video,
    watch,
    models,
):
    register(app, function)
register(app, import_weights, name="import-weights")
app.add_typer(dataset, name="dataset")
app.add_typer(annotate, name="annotate")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"napari-amseg {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """From a raw high-speed X-ray stack of laser melting to keyhole and pore numbers.

    Try **amseg demo** first: it makes a synthetic stack and takes it all the way.
    """
    if threading.current_thread() is threading.main_thread():
        # A cluster that ends a job asks first: leave as on Ctrl-C, with nothing half-written.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
