"""Frames a second of every engine and network, beside plain Keras on the network of the paper.

    python benchmarks/inference.py [--frames 48] [--repeats 5] [--models paper fast]
        [--frames-of NAME=FILE ...] [-o inference.json]

The peer is ``model.predict`` of the paper's network, float32, in batches of 8. All ways see frames
of 256x512 that are in memory and in the range of their network, in one process, in turns; the best
and the median of the repeats are kept, ratios are of the best. Engines get as many calls at once
and frames a call as they ask for. Agreement is the share of pixels with the class that ``predict``
gives in float32. Of ``paper`` (see ``paper_network.py``) it says little, its weights being drawn:
give a folder of trained weights as a model to know, with its frames by ``--frames-of``.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from paper_network import level_frames, paper_bundle, phantom_frames
from records import give, in_turns, load, machine, rate

from napari_amseg.models import Bundle, load_bundle
from napari_amseg.overlap import ordered_map
from napari_amseg.segment import Engine, SegmentSettings, make_engine
from napari_amseg.segment.frames import frames_a_call
from napari_amseg.types import stack_from_array

ENGINES = ("keras f32", "openvino f32", "openvino bf16")
Floats = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", nargs="+", default=["paper", "fast"])
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=ENGINES)
    parser.add_argument("--frames-of", nargs="+", default=[], metavar="MODEL=STACK")
    parser.add_argument("--size", type=int, nargs=2, default=(256, 512))
    parser.add_argument("--filters", type=int, default=12, help="width of the paper's network")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    give(measured(given), given.out)


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """The record of a whole run."""
    shape, before = tuple(given.size), load()
    with TemporaryDirectory() as folder:
        paper = paper_bundle(Path(folder) / "paper", filters=given.filters)
        stacks = dict(text.split("=", 1) for text in given.frames_of)
        frames = {name: own_frames(name, stacks, shape) for name in {*given.models, "paper"}}
        ready = input_frames(paper, frames["paper"], given.frames)
        rows, ways = [], {"peer": partial(plain_predict, paper, ready)}
        ways["peer"]()  # once, so that its graph is there
        for name in given.models:
            bundle = paper if name == "paper" else load_bundle(name)
            ready = input_frames(bundle, frames[name], given.frames)
            truth = plain_predict(bundle, ready).argmax(axis=-1)
            truth = np.asarray(bundle.card.scheme.codes, np.uint8)[truth]
            for engine_name in given.engines:
                kind, precision = engine_name.split()
                engine = make_engine(bundle, kind, precision=precision)
                found = np.concatenate(list(engine_labels(engine, ready)))
                ways[f"{name}, {engine_name}"] = partial(exhaust, engine, ready)
                rows.append(
                    {
                        "network": name,
                        "engine": engine_name,
                        "device": engine.device,
                        "calls_at_once": engine.parallel,
                        "frames_a_call": frames_a_call(shape, engine, SegmentSettings()),
                        "agreement": round(float((found == truth).mean()), 6),
                        "ms_one_frame": one_frame_ms(engine, ready),
                    }
                )
        seconds = in_turns(ways, given.repeats)
    peer = rate(given.frames, seconds["peer"])
    for row in rows:
        found = rate(given.frames, seconds[f"{row['network']}, {row['engine']}"])
        row |= {"frames_per_second": found, "times_peer": round(found["best"] / peer["best"], 2)}
    return {
        "machine": machine(),
        "load_before": before,
        "frame": f"{shape[0]}x{shape[1]} float32",
        "frames": given.frames,
        "repeats": given.repeats,
        "peer": {"what": "keras predict, amsegnet, float32, batches of 8"} | peer,
        "rows": rows,
    }


def own_frames(name: str, stacks: dict[str, str], shape: tuple[int, int]) -> NDArray[Any]:
    """Frames that mean something to a model, those of the phantom unless others are given."""
    if name in stacks:
        from napari_amseg.io import read_stack

        with read_stack(stacks[name]) as stack:
            return np.stack([stack[t] for t in range(len(stack))])
    return level_frames(shape)[0] if name == "paper" else phantom_frames(shape)


def input_frames(bundle: Bundle, frames: NDArray[Any], n: int) -> Floats:
    """`n` frames (T, Y, X) in the range of the model, repeated if there are fewer."""
    ready = bundle.card.chain.apply(stack_from_array(frames))
    distinct = np.stack([ready.read(t) for t in range(min(n, len(ready)))]).astype(np.float32)
    return distinct[np.arange(n) % len(distinct)]


def plain_predict(bundle: Bundle, ready: Floats) -> Floats:
    """Keras as a script would use it."""
    found: Floats = bundle.model.predict(ready[..., np.newaxis], batch_size=8, verbose=0)
    return found


def engine_labels(engine: Engine, ready: Floats) -> Any:
    """Class maps (B, Y, X) of one batch after the other, calls at once as the engine likes it."""
    at_once = frames_a_call(ready.shape[1:], engine, SegmentSettings())
    rows, columns = (np.ones((at_once, n), np.float32) for n in ready.shape[1:])

    def labels(batch: Floats) -> NDArray[np.uint8]:
        n = len(batch)
        return engine.predict(batch, rows[:n], columns[:n]).labels

    batches = (ready[start : start + at_once] for start in range(0, len(ready), at_once))
    return ordered_map(labels, batches, workers=engine.parallel)


def exhaust(engine: Engine, ready: Floats) -> None:
    for _ in engine_labels(engine, ready):
        pass


def one_frame_ms(engine: Engine, ready: Floats, repeats: int = 5) -> float:
    """Median time of a frame that is alone, with nothing else to do meanwhile."""
    rows, columns = (np.ones((1, n), np.float32) for n in ready.shape[1:])
    call: Callable[[], Any] = lambda: engine.predict(ready[:1], rows, columns)  # noqa: E731
    call()
    return round(1e3 * statistics.median(in_turns({"one": call}, repeats)["one"]), 2)


if __name__ == "__main__":
    main()
