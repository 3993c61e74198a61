"""The command line: ``amseg``."""

from napari_amseg.cli.app import app

__all__ = ["app"]
