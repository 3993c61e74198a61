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

CACHE_VARIABLE = "AMSEG_CACHE_FOLDER"
MOST_KEPT = 12
# What is compiled depends on these, so a change of theirs makes a new entry.
_SOURCES = ("openvino_engine.py", "openvino_network.py")


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
    options : how the network is compiled. confidence : whether it gives that map.
    """

    def __init__(
        self,
        bundle: Bundle,
        version: str,
        processor: str,
        options: Mapping[str, str],
        confidence: bool,
    ) -> None:
        card = bundle.card
        depends = {
            "weights": bundle.weights_sha256,
            "architecture": [card.architecture, dict(card.arguments)],
            "scheme": card.scheme.to_json(),
            "openvino": version,
            "processor": [processor, os.cpu_count()],
            "options": dict(options),
            "confidence": confidence,
            "sources": [_source_digest(name) for name in _SOURCES],
        }
        key = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:24]
        self.path = cache_folder() / f"{card.architecture}-{key}.blob"

    def load(self, core: Any, options: Mapping[str, str]) -> Any:
        """The compiled network; None if it is not there or cannot be used."""
        try:
            blob = self.path.read_bytes()
            os.utime(self.path)  # what was used last goes last
        except OSError:
            return None
        try:
            return core.import_model(blob, "CPU", dict(options))
        except Exception:  # of another build, or damaged: OpenVINO raises kinds of its own
            with suppress(OSError):
                self.path.unlink()
            return None

    def keep(self, compiled: Any) -> None:
        """Keep a compiled network, and only the latest few beside it."""
        with suppress(OSError, RuntimeError):
            blob = compiled.export_model().getvalue()
            with OutputFiles(self.path.parent) as files:
                files.path(self.path.name).write_bytes(blob)
            kept = sorted(self.path.parent.glob("*.blob"), key=lambda p: p.stat().st_mtime)
            for old in kept[:-MOST_KEPT]:
                old.unlink()


def _source_digest(name: str) -> str:
    return hashlib.sha256(Path(__file__).with_name(name).read_bytes()).hexdigest()
