"""Write the weighted mean of the weights of models of one architecture as a model.

    python scripts/average_models.py OUTPUT FIRST=2 SECOND=1 [--note TEXT]

Single epochs of a training on simulated frames differ by up to 0.1 of IoU on one real frame; means
of several differ less. The record of training is that of the last model, with a note; the scores
are computed anew, on the experiments of scripts/train_bundled_model.py that no training has seen.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from train_bundled_model import INPUT, scored

from napari_amseg.models.bundle import load_bundle, save_bundle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("models", nargs="+", metavar="MODEL=SHARE")
    parser.add_argument("--note", default="")
    given = parser.parse_args()
    try:
        names, numbers = zip(*(model.rsplit("=", 1) for model in given.models), strict=True)
        shares = [float(number) / sum(map(float, numbers)) for number in numbers]
    except (ValueError, ZeroDivisionError):
        parser.error(f"{given.models}: say MODEL=SHARE for each, with shares such as 2 and 1")
    bundles = [load_bundle(name) for name in names]
    kinds = [(b.card.architecture, b.card.arguments, b.card.scheme.codes) for b in bundles]
    if any(kind != kinds[0] for kind in kinds):
        parser.error("these models differ in network, width or classes: no mean of their weights")
    model, card = bundles[-1].model, bundles[-1].card
    weights = zip(*(bundle.model.get_weights() for bundle in bundles), strict=True)
    model.set_weights([sum(s * w for s, w in zip(shares, each, strict=True)) for each in weights])
    mean = ", ".join(
        f"{share:.3g} of {bundle.weights_sha256[:12]}"
        for share, bundle in zip(shares, bundles, strict=True)
    )
    notes = [f"mean of weights: {mean}", *([given.note] if given.note else [])]
    training = {**card.training, "script": "scripts/average_models.py", "notes": notes}
    scores = scored(model)
    card = replace(card, chain=INPUT, training={**training, "simulated_only": True}, scores=scores)
    save_bundle(given.output, model, card, overwrite=True)
    print(scores)


if __name__ == "__main__":
    main()
