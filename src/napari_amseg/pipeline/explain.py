"""Grad-CAM of one frame: to files on disk, or for the viewer, in the compute process."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.explain import ExplainSettings, Explanation, GradCam, make_gradcam, named_class
from napari_amseg.io import OutputFiles, TiffStackWriter, write_json
from napari_amseg.models import Bundle, load_bundle
from napari_amseg.pipeline.command_line import explain_words, recorded
from napari_amseg.pipeline.earlier_results import source_of
from napari_amseg.pipeline.jobs import Explained, ExplainJob, LayerNames, ListLayers
from napari_amseg.pipeline.prepare import Prepared, prepare
from napari_amseg.preprocess import Chain
from napari_amseg.provenance import InputHashes, StageClock, run_record
from napari_amseg.report import gradcam_figure
from napari_amseg.types import Stack


@dataclass(frozen=True, slots=True)
class ExplainRequest:
    """What to explain and where its files go.

    Attributes
    ----------
    stack : the raw stack. frame : counts from 0. class_name : of the model's classes.
    folder, stem : results are ``folder/<stem>_gradcam_<class>_<frame>*``.
    chain : the user's preprocessing, before the model's own.
    overwrite : replace earlier results of this class and frame.
    """

    stack: Stack
    frame: int
    class_name: str
    folder: Path
    stem: str
    chain: Chain = field(default_factory=Chain)
    settings: ExplainSettings = field(default_factory=ExplainSettings)
    overwrite: bool = False

    @property
    def names(self) -> tuple[str, str, str]:
        """The files written: heat map, figure, run record."""
        safe = "".join(c if c.isalnum() or c in "-." else "_" for c in self.class_name.casefold())
        name = f"{self.stem}_gradcam_{safe}_{self.frame}"
        return f"{name}.tif", f"{name}.png", f"{name}_run.json"


def explain_to_files(request: ExplainRequest, bundle: Bundle) -> dict[str, Any]:
    """Write the heat map, a figure and what made them; returns the run record.

    All files appear at the end, or none does.

    Raises
    ------
    ValueError
        If there is no such frame, class or layer, or preprocessing does not fit the stack.
    OSError
        If the files exist and are not to be replaced, or the folder cannot be written to.
    """
    clock, stack = StageClock(), request.stack
    _check(request, bundle)
    with OutputFiles(request.folder) as files, InputHashes(stack.files) as hashes:
        files.check(request.names)
        with clock.stage("preprocess_fit"):
            prepared = prepare(stack, request.chain, bundle)
            frame = prepared.stack.read(request.frame)
        with clock.stage("load_model"):
            gradcam = make_gradcam(bundle)
        with clock.stage("explain"):
            found = gradcam.explain(frame, request.class_name, request.settings)
        heat, figure, record = (files.path(name) for name in request.names)
        with TiffStackWriter(heat, (1, *found.heat.shape), "float32", stack.experiment) as writer:
            writer.append(found.heat)
        with clock.stage("figure"):
            gradcam_figure(
                frame,
                found,
                figure,
                title=f"{request.stem}, frame {request.frame}",
                scheme=bundle.card.scheme,
                pixel_size_um=stack.experiment.pixel_size_um,
            )
        run = _record(request, prepared, found, hashes, clock)
        run["command"] = recorded(
            lambda: explain_words(replace(request, chain=prepared.chain), bundle)
        )
        write_json(record, run)
    return run


def _check(request: ExplainRequest, bundle: Bundle) -> None:
    """What can be told before the network is loaded."""
    n_frames = len(request.stack)
    if not 0 <= request.frame < n_frames:
        raise ValueError(
            f"there is no frame {request.frame}: the stack has {n_frames} frames, "
            f"0 to {n_frames - 1}."
        )
    named_class(bundle.card.scheme, request.class_name)
    there = [name for name in request.names if (request.folder / name).exists()]
    if there and not request.overwrite:
        raise FileExistsError(
            f"{request.folder / there[0]}: exists already; choose another folder or --overwrite."
        )


def _record(
    request: ExplainRequest,
    prepared: Prepared,
    found: Explanation,
    hashes: InputHashes,
    clock: StageClock,
) -> dict[str, Any]:
    from napari_amseg.models.backend import device

    return run_record(
        inputs=hashes.records(),
        source=source_of(request.stack),
        settings={"explain": request.settings.to_json()},
        chain=prepared.chain.to_json(),
        model=prepared.model,
        engine={"name": "keras", "device": device()},
        clock=clock,
        notes=prepared.stack.notes,
        experiment=request.stack.experiment.to_json(),
        explanation={
            "frame": request.frame,
            "class": found.label.name,
            "layer": found.layer,
            "pixels": found.pixels,
            "n_pixels": found.n_pixels,
            "peak": found.peak,
            "notes": list(found.notes),
        },
    )


def explain_answer(request: ListLayers | ExplainJob) -> LayerNames | Explained:
    """What the compute process says to a request of the viewer.

    Raises
    ------
    ValueError, OSError, ImportError
        As loading the model and :meth:`.GradCam.explain` do.
    """
    from napari_amseg.models.backend import device

    bundle = load_bundle(request.bundle)
    gradcam = _kept(bundle.folder, bundle.weights_sha256)
    if isinstance(request, ListLayers):
        return LayerNames(gradcam.layers, gradcam.default_layer)
    frame = np.load(request.frame, mmap_mode="r")
    found = gradcam.explain(frame, request.class_name, request.settings)
    out = np.lib.format.open_memmap(request.out, mode="r+")
    out[:] = found.heat
    out.flush()
    return Explained(found.layer, found.pixels, found.n_pixels, device(), found.notes)


@lru_cache(maxsize=1)
def _kept(folder: Path, weights_sha256: str) -> GradCam:
    """The network of the last request, for the next frame or class."""
    return make_gradcam(load_bundle(folder))
