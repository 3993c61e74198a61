"""Compiled networks kept in the user's cache: a second run starts without Keras."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from napari_amseg.io import OutputFiles
from napari_amseg.models import Bundle
from napari_amseg.models.bundle import WEIGHTS
from napari_amseg.provenance import sha256

CACHE_VARIABLE = "AMSEG_CACHE_FOLDER"
MOST_KEPT = 12
_DIGEST_BYTES = 32
_SOURCES = ("openvino_network.py", "layer_weights.py")


def cache_folder() -> Path:
    """Where compiled networks lie: in the user's cache, or where ``AMSEG_CACHE_FOLDER`` says."""
    stated = os.environ.get(CACHE_VARIABLE)
    if stated:
        return Path(stated)
    from platformdirs import user_cache_path

    return user_cache_path("napari-amseg", appauthor=False)


class CompiledCache:
    """One compiled network in the cache, named after all that it depends on.

    Whatever goes wrong with the cache, the network is compiled anew: it only ever saves time.

    Parameters
    ----------
    bundle : the model. version, processor : of OpenVINO and of the machine.
    options : how the network is compiled.
    """

    def __init__(
        self,
        bundle: Bundle,
        version: str,
        processor: str,
        options: Mapping[str, str],
    ) -> None:
        card = bundle.card
        depends = {
            "weights": bundle.weights_sha256,
            "architecture": [card.architecture, dict(card.arguments)],
            "classes": len(card.scheme.classes),
            "openvino": version,
            "processor": processor,
            "options": dict(options),
            "program": _program_digest(),
        }
        key = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:24]
        self.path = cache_folder() / f"{card.architecture}-{key}.blob"

        self._weights, self._weights_sha256 = bundle.folder / WEIGHTS, bundle.weights_sha256

    def load(self, core: Any, options: Mapping[str, str]) -> Any:
        """The compiled network; None if it is not there or cannot be used.

        The weights in the bundle are checked as they would be without a cache.
        """
        try:
            entry = self.path.read_bytes()
            os.utime(self.path)  # what was used last goes last
            intact = sha256(self._weights) == self._weights_sha256
        except OSError:
            return None
        digest, blob = entry[:_DIGEST_BYTES], entry[_DIGEST_BYTES:]
        if not intact or hashlib.sha256(blob).digest() != digest:
            return None
        try:
            return core.import_model(blob, "CPU", dict(options))
        except Exception:  # of another build: OpenVINO raises kinds of its own
            return None

    def keep(self, compiled: Any) -> None:
        """Keep a compiled network, and only the latest few beside it."""
        with suppress(OSError, RuntimeError):
            blob = compiled.export_model().getvalue()
            with OutputFiles(self.path.parent) as files:
                files.path(self.path.name).write_bytes(hashlib.sha256(blob).digest() + blob)
            kept = sorted(self.path.parent.glob("*.blob"), key=lambda p: p.stat().st_mtime)
            for old in kept[:-MOST_KEPT]:
                old.unlink()


def _program_digest() -> str:
    """Of the code that the compiled network comes from: the builders and what rebuilds them."""
    package = Path(__file__).parents[1]
    rebuilt_by = [package / "segment" / name for name in _SOURCES]
    digest = hashlib.sha256()
    for source in (*sorted((package / "models").glob("*.py")), *rebuilt_by):
        digest.update(source.read_bytes())
    return digest.hexdigest()
