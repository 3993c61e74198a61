"""*As command…*: the ``amseg`` command that repeats what was clicked."""
