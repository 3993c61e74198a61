"""Is the uncertainty of a frame high where its mask is wrong? On simulated frames, varied.

    python benchmarks/uncertainty.py [--model fast] [--stacks 24] [--frames 4] [-o out.png]
        [--data FOLDER]

Simulates stacks of varied keyholes, pores, contrast and noise, far into what a model cannot see,
segments some frames of each, and compares `uncertainty` with the true error of the cavities,
1 - IoU averaged over keyhole and pores where they are present in truth or prediction: once against
all there is, and once without what noise hides from everybody (as labels for training leave it
out). Prints Spearman's rank correlation and the true error of the frames in thirds of the score as
JSON; draws the second error against the score. With --data, the folder of the real frames that
benchmarks/accuracy.py tests on, also the scores and errors of those.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from accuracy import cases
from scipy.stats import spearmanr

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.models import Bundle, load_bundle
from napari_amseg.pipeline import segment_stack
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.sample.experiments import between, training_frame
from napari_amseg.scores import Confusion
from napari_amseg.segment import Engine, make_engine

CAVITIES = ("keyhole", "pore")
N_FRAMES = 24
LEAST_FRAMES = 5  # for a rank correlation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="fast")
    parser.add_argument("--stacks", type=int, default=24)
    parser.add_argument("--frames", type=int, default=4, help="of each stack")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--data", type=Path, help="folder of real frames")
    parser.add_argument("-o", "--out", type=Path, default=Path("uncertainty.png"))
    given = parser.parse_args()
    bundle = load_bundle(given.model)
    engine = make_engine(bundle)
    scores, errors_of_all, errors = run(given, bundle, engine)
    record = {
        "model": given.model,
        "of_what_can_be_seen": summary(scores, errors),
        "of_all": summary(scores, errors_of_all),
    }
    if given.data:
        record["of_real_frames"] = real(given.data, bundle, engine)
    print(json.dumps(record, indent=1))
    draw(scores, errors, given.out)


def varied(rng: np.random.Generator) -> PhantomSettings:
    """A small stack; width and radius set the contrast, photons and blur what is left of it."""
    return PhantomSettings(
        seed=int(rng.integers(2**31)),
        n_frames=N_FRAMES,
        height_px=192,
        width_px=384,
        keyhole_depth_um=float(rng.uniform(50, 200)),
        keyhole_width_um=between(rng, 12, 60),
        pore_every_frames=5,
        pore_radius_um=float(rng.uniform(6, 24)),
        powder_layer_um=float(rng.choice([0.0, 70.0])),
        photons=between(rng, 200, 20_000),
        blur_px=float(rng.uniform(0.3, 2)),
        slit_transmission=float(rng.uniform(0.15, 0.8)),
        window_particles=int(rng.integers(0, 120)),
    )


def run(
    given: argparse.Namespace, bundle: Bundle, engine: Engine
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Uncertainty of every frame; its true error, in all and of what can be seen."""
    rng, rows = np.random.default_rng(given.seed), []
    for _ in range(given.stacks):
        phantom = simulate(varied(rng))
        chosen = sorted(rng.choice(N_FRAMES, given.frames, replace=False).tolist())
        for found in segment_stack(phantom.stack, bundle, engine=engine, order=chosen):
            truths = phantom.drawn.read(found.frame), training_frame(phantom, found.frame)[1]
            errors = [cavity_error(truth, found.labels) for truth in truths]
            rows.append((found.row["uncertainty"], *errors))
    scores, errors_of_all, errors_seen = np.array(rows).T
    return scores, errors_of_all, errors_seen


def real(data: Path, bundle: Bundle, engine: Engine) -> dict[str, object]:
    """Uncertainty and true error of labelled real frames, median by stack."""
    record: dict[str, object] = {}
    for case in cases(data):
        if case.name == "phantom":
            continue
        found = list(segment_stack(case.stack, bundle, engine=engine))
        scores = np.array([result.row["uncertainty"] for result in found])
        pairs = [(truth, r.labels) for truth, r in zip(case.truth, found, strict=True)]
        errors = np.array([cavity_error(*pair) for pair in pairs])
        in_truth = np.array([cavity_error(*pair, in_truth=True) for pair in pairs])
        record[case.name] = {
            "n_frames": len(found),
            "median_score": round(float(np.median(scores)), 3),
            "median_error": round(float(np.median(errors)), 3),
            "median_error_of_cavities_in_the_truth": round(float(np.median(in_truth)), 3),
        }
        if len(found) >= LEAST_FRAMES:
            rank = spearmanr(scores, in_truth).statistic
            record[case.name]["spearman_with_the_latter"] = round(float(rank), 3)
    return record


def cavity_error(truth: np.ndarray, labels: np.ndarray, *, in_truth: bool = False) -> float:
    """1 - mean IoU of keyhole and pores where there are any; 0 where there are none.

    in_truth : only of those that the truth has, whatever else was found.
    """
    confusion = Confusion(DEFAULT_SCHEME)
    confusion.add(truth, labels)
    ious = confusion.to_json()["iou"]
    there = [name for name in CAVITIES if ious.get(name) is not None]
    if in_truth:
        there = [name for name in there if (truth == DEFAULT_SCHEME.code_of(name)).any()]
    return 1 - float(np.mean([ious[name] for name in there])) if there else 0.0


def summary(scores: np.ndarray, errors: np.ndarray) -> dict[str, object]:
    thirds = np.array_split(np.argsort(scores), 3)
    found = errors < 1
    return {
        "n_frames": len(scores),
        "spearman": round(float(spearmanr(scores, errors).statistic), 3),
        "spearman_where_something_was_found": round(
            float(spearmanr(scores[found], errors[found]).statistic), 3
        ),
        "median_error_by_third_of_the_score": [
            round(float(np.median(errors[third])), 3) for third in thirds
        ],
        "frames_missed_altogether": int((~found).sum()),
        "of_these_with_a_score_below_0.1": int((scores[~found] < 0.1).sum()),
    }


def draw(scores: np.ndarray, errors: np.ndarray, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 4), layout="constrained")
    ax = figure.subplots()
    ax.plot([0, 1], [0, 1], color="0.8", lw=1)
    ax.scatter(scores, errors, s=14, color="#541352", alpha=0.6, lw=0)
    ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="Uncertainty", ylabel="1 - IoU of the cavities")
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
