"""The command line: ``amseg``."""

import os
import signal
import threading


def _leave(*_: object) -> None:
    """Ctrl-C while the program loads: nothing was begun, and nobody wants a traceback."""
    os.write(2, b"cancelled.\n")
    os._exit(130)


_loading = (
    threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler
)
if _loading:
    signal.signal(signal.SIGINT, _leave)
try:
    from napari_amseg.cli.app import app
finally:
    if _loading:
        signal.signal(signal.SIGINT, signal.default_int_handler)

__all__ = ["app"]
