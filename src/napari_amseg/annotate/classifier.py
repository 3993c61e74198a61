"""A classifier of pixels that learns from scribbles on a few frames, for the rest of the stack."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.clean_up import ClassProbability, clean_labels
from napari_amseg.annotate.features import Floats, normalised, pixel_features, smoothed
from napari_amseg.labels import LabelScheme
from napari_amseg.settings import Settings, setting
from napari_amseg.types import Stack

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

Image = NDArray[Any]
Codes = NDArray[np.uint8]
_EDGE_BLUR_PX = 0.7


@dataclass(frozen=True, slots=True)
class ClassifierSettings(Settings):
    """How pixels are classified from scribbles."""

    trees: int = setting(50, low=1, high=500, help="Trees of the random forest.")
    depth: int = setting(12, low=1, high=50, help="Most decisions in a row in a tree.")
    leaf_px: int = setting(
        3, low=1, unit="px", help="Fewest scribbled pixels at the end of a branch."
    )
    finest_px: float = setting(
        1.0, low=0.3, high=8, unit="px", help="Finest scale looked at; each next one is twice it."
    )
    scales: int = setting(5, low=1, high=7, help="Number of scales looked at.")
    max_pixels: int = setting(
        3000, low=10, unit="px", help="Most scribbled pixels taken of a class, over all frames."
    )
    seed: int = setting(0, low=0, help="The same seed gives the same classifier.")
    clean_up: bool = setting(
        True,
        help="Gas above metal, one keyhole that opens into the gas, no specks; if off, each pixel "
        "is what it looks like.",
    )
    smooth_px: float = setting(
        1.0, low=0, high=5, unit="px", help="Blur of the class probabilities in the clean-up."
    )
    edge_level: float = setting(
        0.5, low=0, high=0.95,
        help="The clean-up moves edges of keyhole and pores to this part of the way from the grey "
        "value outside (0) to that inside (1); 0 leaves them where the classes change.",
    )  # fmt: skip
    smallest_pore_px: int = setting(
        12, low=0, unit="px", help="The clean-up drops pores with fewer pixels."
    )
    smallest_part_px: int = setting(
        40, low=0, unit="px", help="It gives smaller parts of other classes to what is around."
    )

    @property
    def sigmas_px(self) -> tuple[float, ...]:
        """The scales, fine to coarse."""
        return tuple(self.finest_px * 2**i for i in range(self.scales))


class PixelClassifier:
    """Tells the class of a pixel from how its surroundings look, as scribbles taught it.

    A random forest on multi-scale features, as in ilastik (Berg et al., Nat. Methods 16 (2019)
    1226). It lives in memory only; to have it again, fit it again: the seed makes it the same.

    Parameters
    ----------
    scheme : the classes that `codes` speaks of; its roles guide the clean-up.
    n_jobs : cores.
    """

    def __init__(
        self,
        scheme: LabelScheme,
        settings: ClassifierSettings | None = None,
        *,
        n_jobs: int = 1,
    ) -> None:
        self.scheme, self.settings = scheme, settings or ClassifierSettings()
        self.n_jobs = n_jobs
        self._forest: RandomForestClassifier | None = None

    @property
    def codes(self) -> tuple[int, ...]:
        """The codes it can tell apart; empty before :meth:`fit`."""
        return () if self._forest is None else tuple(int(c) for c in self._forest.classes_)

    def fit(self, samples: Iterable[tuple[Image, Codes]]) -> PixelClassifier:
        """Learn from scribbled frames, one at a time; returns itself.

        Parameters
        ----------
        samples : pairs of a grey-value frame (Y, X) and the scribbles on it, uint8 codes of equal
            shape, 0 where there are none.

        Raises
        ------
        ValueError
            If shapes differ, a code is not of the scheme, or fewer than two classes are scribbled.
        """
        from sklearn.ensemble import RandomForestClassifier

        rng = np.random.default_rng(self.settings.seed)
        features, codes = self._balanced(self._scribbled(samples, rng), rng)
        forest = RandomForestClassifier(
            self.settings.trees,
            max_depth=self.settings.depth,
            min_samples_leaf=self.settings.leaf_px,
            class_weight="balanced",
            random_state=self.settings.seed,
            n_jobs=self.n_jobs,
        )
        self._forest = forest.fit(features, codes)
        return self

    def predict(self, image: Image) -> Codes:
        """Codes of one frame, uint8 (Y, X).

        Raises
        ------
        ValueError
            If nothing was learnt yet, or the image is not (Y, X).
        """
        return self.predict_with_confidence(image)[0]

    def predict_with_confidence(self, image: Image) -> tuple[Codes, Codes]:
        """Codes of one frame, and the probability of each pixel's code times 255; uint8 (Y, X)."""
        settings = self.settings
        probability = self._probability(image)
        if settings.clean_up:
            if settings.smooth_px:
                for plane in probability.values:
                    plane[...] = smoothed(plane, settings.smooth_px)
            codes = clean_labels(
                probability,
                self.scheme,
                smoothed(normalised(image), _EDGE_BLUR_PX),
                edge_level=settings.edge_level,
                smallest_pore_px=settings.smallest_pore_px,
                smallest_part_px=settings.smallest_part_px,
            )
        else:
            codes = probability.likeliest()
        chosen = probability.of(codes)
        return codes, np.rint(np.clip(chosen, 0, 1) * 255).astype(np.uint8)

    def predict_frames(
        self, stack: Stack, frames: Iterable[int] | None = None
    ) -> Generator[tuple[int, Codes]]:
        """Codes of frames of a stack, one by one, all in turn by default.

        Yields
        ------
        frame index, codes uint8 (Y, X). Closing the generator stops after the frame at hand.
        """
        for t in range(len(stack)) if frames is None else frames:
            yield t, self.predict(stack.read(t))

    def _probability(self, image: Image) -> ClassProbability:
        if self._forest is None:
            raise ValueError("the classifier knows nothing yet: scribble, then fit it.")
        features = pixel_features(image, self.settings.sigmas_px)
        rows = np.ascontiguousarray(features.reshape(len(features), -1).T)
        values = self._forest.predict_proba(rows).astype(np.float32).T
        return ClassProbability(
            np.ascontiguousarray(values).reshape(-1, *image.shape),
            self._forest.classes_.astype(np.uint8),
        )

    def _scribbled(
        self, samples: Iterable[tuple[Image, Codes]], rng: np.random.Generator
    ) -> Generator[tuple[int, Floats]]:
        """Code and features (n, F) of the scribbled pixels, a class of a frame at a time."""
        for image, codes in samples:
            if image.shape != codes.shape:
                raise ValueError(
                    f"the image is {image.shape}, its scribbles are {codes.shape}: "
                    "both must be the same frame (Y, X)."
                )
            found = np.unique(codes[codes != 0])
            strange = sorted(set(found.tolist()) - set(self.scheme.codes))
            if strange:
                raise ValueError(
                    f"scribbles hold code {strange[0]}; the scheme has "
                    f"{', '.join(f'{c.code} {c.name}' for c in self.scheme.classes)}."
                )
            if not found.size:
                continue
            features = pixel_features(image, self.settings.sigmas_px)
            for code in found:
                y, x = np.nonzero(codes == code)
                kept = _some(len(y), self.settings.max_pixels, rng)
                yield int(code), features[:, y[kept], x[kept]].T

    def _balanced(
        self, scribbled: Iterable[tuple[int, Floats]], rng: np.random.Generator
    ) -> tuple[Floats, Codes]:
        """At most `max_pixels` of each class: features (n, F), codes (n,)."""
        of_class: dict[int, list[Floats]] = {}
        for code, features in scribbled:
            of_class.setdefault(code, []).append(features)
        if len(of_class) < 2:
            names = {c.code: c.name for c in self.scheme.classes}
            there = ", ".join(names[code] for code in of_class) or "nothing"
            raise ValueError(
                f"{there} is scribbled: scribble at least two classes, for example a keyhole and "
                "the substrate beside it."
            )
        parts, codes = [], []
        for code, pieces in sorted(of_class.items()):
            pixels = np.concatenate(pieces)
            parts.append(pixels[_some(len(pixels), self.settings.max_pixels, rng)])
            codes.append(np.full(len(parts[-1]), code, np.uint8))
        return np.concatenate(parts), np.concatenate(codes)


def _some(n: int, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of at most `most` of n, each as likely as any other, in order."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))
