"""Everything checked before the first training of a comparison."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from napari_amseg.compare.plan import TRANSFER, CompareRequest, Plan, Run
from napari_amseg.dataset.class_weights import count_labels
from napari_amseg.models import architecture, bundled_models, load_bundle
from napari_amseg.train.data import TrainingData


def make_plan(request: CompareRequest) -> tuple[Plan, tuple[str, ...]]:
    """The plan of a request, everything checked that can be without training; and remarks.

    Raises
    ------
    ValueError, OSError
        If benchmark, split, networks and `init` do not fit together; says why.
    """
    networks = tuple(dict.fromkeys(request.architectures))
    if not networks:
        raise ValueError("no network to compare: name some with --arch A,B.")
    for name in networks:
        architecture(name)
    init = None
    if request.init is not None:
        transferred, init = _transfer(request)
        networks = (*networks, transferred)
    data = TrainingData.read(request.benchmark, request.split, request.settings.class_weighting)
    held_out = count_labels(data.benchmark, data.split.of("test"))
    if not held_out.total.any():
        what = "test images" if not len(held_out.pixels) else "labelled pixel in its test images"
        raise ValueError(
            f"split {data.split.name!r} has no {what}, so networks cannot be compared: split "
            "again with a part for testing, such as 4:1:1."
        )
    plan = Plan(
        benchmark=str(request.benchmark.expanduser().resolve()),
        split=data.split.name,
        data_sha256=data.sha256 + held_out.sha256,
        networks=networks,
        filters=request.filters,
        init=init,
        settings=request.settings,
        augment=request.augment,
    )
    return plan, data.notes


def require_same_init(plan: Plan, todo: Iterable[Run]) -> None:
    """Raise ValueError if the model that transfer runs start from is another by now."""
    if plan.init is None or not any(run.network.endswith(TRANSFER) for run in todo):
        return
    if load_bundle(plan.init["model"]).weights_sha256 != plan.init["sha256"]:
        raise ValueError(
            f"{plan.init['model']}: this model has changed since the comparison began. Put the "
            "former one back, or start a new comparison in another folder (-o)."
        )


def _transfer(request: CompareRequest) -> tuple[str, dict[str, str]]:
    """Name of the network that starts from `init`, and the record of that model."""
    model = str(request.init)
    bundle = load_bundle(model)
    name, defaults = bundle.card.architecture, architecture(bundle.card.architecture).arguments
    if name not in request.architectures:
        raise ValueError(
            f"--init {model} is the network {name}, which is not to be compared: add it to --arch, "
            "so that there is one from scratch beside it."
        )
    has = {**defaults, **bundle.card.arguments}.get("filters")
    wanted = request.filters or defaults.get("filters")
    if has != wanted:
        raise ValueError(
            f"--init {model} has {has} filters, but {name} is to have {wanted}: transfer and "
            f"scratch must be of one width. Give --filters {has}, or another model."
        )
    where = model if model in bundled_models() else str(Path(model).expanduser().resolve())
    return f"{name}{TRANSFER}", {"model": where, "sha256": bundle.weights_sha256}
