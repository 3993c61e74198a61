"""H.264 videos written frame by frame, for players, browsers and slides."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Players of HD video take colours for BT.709; ffmpeg by itself writes BT.601.
_COLORS = (
    "-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709",
    "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
)  # fmt: skip
_SECONDS_TO_END = 10


def ffmpeg_path() -> str:
    """The ffmpeg program that comes with imageio-ffmpeg, or the one IMAGEIO_FFMPEG_EXE names.

    Raises
    ------
    ImportError
        If imageio-ffmpeg is not installed, or brings no ffmpeg for this computer.
    """
    remedy = "Videos need: pip install 'napari-amseg[video]'"
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError as error:
        raise ImportError(remedy) from error
    try:
        return str(get_ffmpeg_exe())
    except RuntimeError as error:
        raise ImportError(
            f"{remedy}; it brings no ffmpeg for this computer, so install ffmpeg yourself and name "
            "it in the environment variable IMAGEIO_FFMPEG_EXE."
        ) from error


class VideoWriter:
    """An MP4 file of H.264 frames, yuv420p, which every player knows.

    Use as a context manager; on an error or a cancel the encoder is ended and the file left
    unfinished, for its owner to remove.

    Parameters
    ----------
    path : the file, of any name. shape : rows and columns of a frame, both even.
    fps : frames a second when played. crf : 0 (lossless) to 51 (worst).

    Raises
    ------
    ImportError
        If there is no ffmpeg. ValueError if a side is odd.
    OSError
        If ffmpeg cannot write the file; what it said is in the message.
    """

    def __init__(self, path: Path, shape: tuple[int, int], *, fps: float, crf: int) -> None:
        if shape[0] % 2 or shape[1] % 2:
            raise ValueError(f"video frames are {shape}: H.264 needs even numbers of both.")
        self.path, self.shape = path, shape
        command = [
            ffmpeg_path(), "-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
            "-s", f"{shape[1]}x{shape[0]}", "-r", f"{fps:.10g}", "-i", "-", "-an", *_COLORS,
            "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", str(crf), "-preset", "veryfast",
            "-movflags", "+faststart", "-f", "mp4", str(path),
        ]  # fmt: skip
        # A pipe that nobody empties would block ffmpeg.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._ffmpeg = subprocess.Popen(
                command, stdin=subprocess.PIPE, stderr=self._said, **_apart()
            )
        except OSError:
            self._said.close()
            raise

    def append(self, frame: NDArray[np.uint8]) -> None:
        """Encode the next frame, uint8 (Y, X, 3) in RGB."""
        if frame.shape != (*self.shape, 3) or frame.dtype != np.uint8:
            raise ValueError(
                f"frame is {frame.shape} {frame.dtype}, the video is {(*self.shape, 3)} uint8."
            )
        assert self._ffmpeg.stdin is not None
        try:
            self._ffmpeg.stdin.write(np.ascontiguousarray(frame).data)
        except (BrokenPipeError, OSError):
            self._ffmpeg.wait(_SECONDS_TO_END)
            raise self._failure() from None

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is not None:
                self._kill()
            elif self._finish() != 0:
                raise self._failure()
        except BaseException:
            self._kill()
            raise
        finally:
            self._said.close()

    def _finish(self) -> int:
        """Let ffmpeg write what it holds back; its exit status."""
        self._close_input()
        return self._ffmpeg.wait()

    def _kill(self) -> None:
        self._ffmpeg.kill()
        self._ffmpeg.wait()
        self._close_input()

    def _close_input(self) -> None:
        assert self._ffmpeg.stdin is not None
        with suppress(OSError):  # it has ended already and will not take the last bytes
            self._ffmpeg.stdin.close()

    def _failure(self) -> OSError:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        why = "; ".join(lines[-3:]) or f"exit status {self._ffmpeg.returncode}"
        return OSError(f"ffmpeg could not write the video: {why}")


def _apart() -> dict[str, Any]:
    """Ctrl-C and console windows are not for ffmpeg: whoever started it ends it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": os.name == "posix"}
