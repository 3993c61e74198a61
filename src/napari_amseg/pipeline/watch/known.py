"""Whether a stack in a watched folder has its results already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

from napari_amseg.models import Bundle
from napari_amseg.pipeline.earlier_results import segment_record
from napari_amseg.pipeline.watch.events import StackKnown, WatchRequest
from napari_amseg.pipeline.watch.scan import Source
from napari_amseg.provenance import sha256


def known_results(
    request: WatchRequest, bundle: Bundle, source: Source, *, settled: bool
) -> StackKnown | None:
    """The results of these very files in the output folder, whatever made them; None if there are
    none.

    settled : whether the files are complete, so that their hashes may be compared with those of
    results that ``amseg segment`` wrote, which do not tell sizes and times.
    """
    record = segment_record(request.out / f"{source.stem}_run.json")
    if not record or not source.is_named(record.get("source")):
        return None
    if not (request.out / f"{source.stem}_labels.tif").exists():
        return None
    same = record.get("watched") == source.state()
    if not same and not (settled and _same_bytes(source, record)):
        return None
    return StackKnown(source.stem, source.name, _differences(request, bundle, record))


def name_owners(sources: Sequence[Source], at_work: Container[str], out: Path) -> dict[str, Source]:
    """Which of the stacks that would give their results one name may: the one whose results there
    are, else the one that is at work, else the first.

    at_work : keys of sources. out : folder of the results.
    """
    same: dict[str, list[Source]] = defaultdict(list)
    for source in sources:
        same[source.stem].append(source)
    owners = {stem: group[0] for stem, group in same.items()}
    for stem, group in same.items():
        if len(group) > 1:
            theirs = segment_record(out / f"{stem}_run.json").get("source")
            owned = [s for s in group if s.is_named(theirs)]
            owned += [s for s in group if s.key in at_work]
            owners[stem] = (owned or group)[0]
    return owners


def _same_bytes(source: Source, record: dict[str, Any]) -> bool:
    inputs, state = record.get("inputs"), source.state()
    files = [Path(path) for path, *_ in source.seen]
    if not isinstance(inputs, list) or len(inputs) != len(files):
        return False
    if record.get("watched", state).get("bytes") != state["bytes"]:
        return False  # no need to read it
    return all(
        entry == {"name": path.name, "sha256": sha256(path)}
        for entry, path in zip(inputs, files, strict=True)
    )


def _differences(request: WatchRequest, bundle: Bundle, record: dict[str, Any]) -> str:
    """What the earlier run did otherwise, in words; empty if nothing."""
    model = record.get("model") or {}
    experiment = record.get("experiment") or {}
    other = []
    if model.get("sha256") != bundle.weights_sha256:
        other.append(f"model {model.get('name')}")
    stages = ("segment", "maps", "post", "measure")
    if record.get("settings") != {name: getattr(request, name).to_json() for name in stages}:
        other.append("settings")
    if any(v is not None and experiment.get(k) != v for k, v in request.known().items()):
        other.append("pixel size, frame rate or scan speed")
    steps = [step.kind for step in request.chain.steps]
    chain = (record.get("preprocessing") or {}).get("steps") or []
    if [step.get("step") for step in chain] != steps:
        other.append("preprocessing")
    return " and ".join(other)
