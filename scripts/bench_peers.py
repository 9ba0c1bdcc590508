"""Other ways to stack the same files, each in a process of its own, frame by frame: for scripts/bench.py.

plain
    What one writes first: astropy, NumPy calibration, OpenCV's bilinear debayering, astroalign, a float64 Welford mean.
seiza
    ``LiveStacker.push`` of the PyPI package; only the push is timed. What it is given is calibrated and debayered as in
    plain, and that is not counted.
siril
    siril-cli, a batch: calibrate and debayer, register, stack with Winsorised rejection; per frame.

The worker's own protocol: a path per line in, a line of JSON out; ``=FILE`` saves the stack, (H, W) or (H, W, 3), as
a .npy file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from astropy.io import fits

Array = np.ndarray[Any, Any]

PEDESTAL_ADU = 400.0
"""Keeps what is calibrated above 0 where a debayering wants unsigned numbers."""
POLL_S = 0.05
SIRIL = """requires 1.0.0
setext fit
preprocess light_ -dark=dark -flat=flat {colour}
setref pp_light_ 1
register pp_light_
stack r_pp_light_ rej 3 3 -norm=addscale -out=result
"""


class Calibrated:
    """Reads frames and calibrates them with the masters of a folder."""

    def __init__(self, masters: dict[str, str], cfa: str | None) -> None:
        self._dark, flat = self._read(masters["dark"]), self._read(masters["flat"]) - self._read(masters["bias"])
        self.cfa = cfa
        for part in [np.s_[j::2, k::2] for j in (0, 1) for k in (0, 1)] if cfa else [np.s_[:, :]]:
            flat[part] /= flat[part].mean(dtype=np.float64)
        self._flat = flat

    def __call__(self, path: str) -> Array:
        """Return a frame, calibrated and debayered: (H, W) or (H, W, 3) float32, `PEDESTAL_ADU` above its level."""
        data = (self._read(path) - self._dark) / self._flat + np.float32(PEDESTAL_ADU)
        if self.cfa is None:
            return np.asarray(data)
        whole = np.clip(np.rint(data), 0, 65535).astype(np.uint16)
        # OpenCV names the pattern by the second row and column
        return np.asarray(cv2.cvtColor(whole, cv2.COLOR_BayerBG2RGB), np.float32)

    @staticmethod
    def _read(path: str) -> Array:
        data: Array = fits.getdata(path).astype(np.float32)
        return data


class Plain:
    """The plain pipeline."""

    def __init__(self, calibrated: Calibrated) -> None:
        import astroalign

        self._astroalign, self._calibrated = astroalign, calibrated
        self._first: Array | None = None
        self._n = 0

    def push(self, path: str) -> tuple[float, float, Any]:
        """Add a frame; returns wall and CPU seconds, and its matrix to the first one."""
        began = time.perf_counter(), time.process_time()
        frame, matrix = self._calibrated(path), np.eye(3)
        if self._first is None:
            self._first, self.mean, self.m2 = frame, np.zeros(frame.shape), np.zeros(frame.shape)
        else:
            transform, _ = self._astroalign.find_transform(frame, self._first)
            frame, _ = self._astroalign.apply_transform(transform, frame, self._first)
            matrix = transform.params
        self._n += 1
        delta = frame - self.mean
        self.mean += delta / self._n
        self.m2 += delta * (frame - self.mean)
        return time.perf_counter() - began[0], time.process_time() - began[1], matrix.tolist()

    def stack(self) -> Array:
        """Return the mean."""
        return self.mean.astype(np.float32)


class Seiza:
    """seiza's live stacker."""

    def __init__(self, calibrated: Calibrated) -> None:
        import seiza  # type: ignore[import-not-found]

        self._seiza, self._calibrated = seiza, calibrated
        self._stacker: Any = None

    def push(self, path: str) -> tuple[float, float, Any]:
        """Add a frame; returns wall and CPU seconds of the push, and its matrix to the first one where it is told."""
        frame = np.ascontiguousarray(self._calibrated(path))
        began = time.perf_counter(), time.process_time()
        told = None
        if self._stacker is None:
            self._stacker = self._seiza.LiveStacker.from_array(frame)
        else:
            told = self._stacker.push(frame)
            if not told.accepted:
                raise ValueError(told.reason)
        taken = time.perf_counter() - began[0], time.process_time() - began[1]
        return *taken, _matrix(told)

    def stack(self) -> Array:
        """Return the mean."""
        return np.asarray(self._stacker.snapshot().image, np.float32)


def _matrix(told: Any) -> Any:
    """Similarity that seiza tells of a frame, as a matrix; None = it tells none."""
    if told is None:
        return np.eye(3).tolist()
    if told.scale is None or told.rotation_degrees is None:
        return None
    turn, scale = np.radians(told.rotation_degrees), told.scale
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return [[cos, -sin, told.translation_x], [sin, cos, told.translation_y], [0.0, 0.0, 1.0]]


def serve(kind: str, masters: dict[str, str], cfa: str | None) -> None:
    """Answer a line with a line until there is none."""
    calibrated = Calibrated(masters, cfa)
    peer: Plain | Seiza = Plain(calibrated) if kind == "plain" else Seiza(calibrated)
    for line in sys.stdin:
        word = line.rstrip("\n")
        answer: dict[str, Any] = {}
        try:
            if word.startswith("="):
                np.save(word[1:], peer.stack())
            else:
                wall, cpu, matrix = peer.push(word)
                answer = {"wall_s": wall, "cpu_s": cpu, "matrix": matrix}
        except Exception as error:  # whatever it is, it is told
            answer = {"error": f"{type(error).__name__}: {error}"}
        answer["peak_bytes"] = peak_bytes(os.getpid())
        print(json.dumps(answer), flush=True)


def peak_bytes(pid: int) -> float:
    """Most memory of a process since its program began; 0 = it has ended. getrusage would tell its parent's, too."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return max((1024.0 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), default=0.0)


class Worker:
    """A peer in a process of its own."""

    def __init__(self, kind: str, masters: dict[str, Path], cfa: str | None, path: str) -> None:
        told = json.dumps({"kind": kind, "masters": {k: str(v) for k, v in masters.items()}, "cfa": cfa})
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (path, os.environ.get("PYTHONPATH"))))}
        self._process = subprocess.Popen(
            [sys.executable, __file__, told],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, word: str) -> dict[str, Any]:
        """Send a path, or ``=FILE``; returns the answer."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the worker has pipes")
        try:
            self._process.stdin.write(word + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        answer: dict[str, Any] = json.loads(line) if line else {"error": "it ended"}
        return answer

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


@dataclass(frozen=True)
class Batch:
    """What siril-cli took for a batch of frames."""

    wall_s: float
    cpu_s: float
    peak_bytes: float
    stack: Path
    n: int


def siril(folder: Path, lights: list[Path], masters: dict[str, Path], cfa: str | None) -> Batch:
    """Run siril-cli on lights; everything it writes goes to a new folder.

    Raises
    ------
    ChildProcessError
        It made no stack.
    """
    folder.mkdir(parents=True)
    for no, path in enumerate(lights, 1):
        os.link(path, folder / f"light_{no:05d}.fit")
    shutil.copy(masters["dark"], folder / "dark.fit")
    data, header = fits.getdata(masters["flat"], header=True)
    above = np.clip(data.astype(np.float32) - fits.getdata(masters["bias"]), 0, 65535)
    fits.writeto(folder / "flat.fit", above.astype(np.uint16), header)
    script = folder / "stack.ssf"
    script.write_text(SIRIL.format(colour="-cfa -equalize_cfa -debayer" if cfa else ""), encoding="ascii")
    began = time.perf_counter()
    with (folder / "output.txt").open("wb") as output:
        command = ["siril-cli", "-d", str(folder), "-s", str(script)]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        peak, ended = 0.0, 0
        while not ended:
            time.sleep(POLL_S)
            peak = max(peak, peak_bytes(process.pid))
            ended, code, usage = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(code)
    wall_s = time.perf_counter() - began
    stack = folder / "result.fit"
    if not stack.is_file():
        said = (folder / "output.txt").read_text(encoding="utf-8", errors="replace").split("\n")
        raise ChildProcessError(f"siril-cli made no stack: {' / '.join(said[-6:])}")
    return Batch(wall_s, usage.ru_utime + usage.ru_stime, peak, stack, len(lights))


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    serve(asked["kind"], asked["masters"], asked["cfa"])
