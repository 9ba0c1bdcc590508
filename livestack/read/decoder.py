"""Child processes that decode camera RAW, so that a file on which LibRaw crashes or hangs costs one sub, not the night.

A child is started when it is first needed and then kept. It reads one request per line on its standard input and
answers on its standard output: one line of JSON, then the pixels. It ends when its input does, which also happens when
this process is killed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from livestack.errors import FrameError
from livestack.frame import Array
from livestack.read.files import MAX_SAMPLES

DECODE_LIMIT_S: Final = 60.0
CLOSE_LIMIT_S: Final = 2.0
CHILD: Final = "from livestack.read.raw import serve; serve()"
PACKAGE_ROOT: Final = str(Path(__file__).resolve().parents[2])


class ChildEndedError(Exception):
    """The child stopped answering: it crashed, or was ended at its time limit."""


class Child:
    """One decoding process."""

    def __init__(self) -> None:
        search = os.pathsep.join(filter(None, (PACKAGE_ROOT, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": search},
            # Ctrl-C on the terminal must not reach it: the sub in hand is finished first.
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ask(self, request: dict[str, Any], limit_s: float) -> tuple[dict[str, Any], Array | None]:
        """Send one request and wait for its answer.

        Raises
        ------
        ChildEndedError
            It crashed, or took longer than `limit_s` and was killed.
        """
        assert self._process.stdin and self._process.stdout
        late = threading.Event()
        watchdog = threading.Timer(limit_s, self._end, (late,))
        watchdog.daemon = True
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
            return answer, self._pixels(answer)
        except (OSError, ValueError) as error:
            self._process.kill()
            code = self._process.wait()
            why = f"took more than {limit_s:.0f} s" if late.is_set() else f"ended with code {code}"
            raise ChildEndedError(why) from error
        finally:
            watchdog.cancel()

    def _end(self, late: threading.Event) -> None:
        late.set()
        self._process.kill()

    def _pixels(self, answer: dict[str, Any]) -> Array | None:
        """Read the pixels that follow an answer with a shape."""
        if "shape" not in answer:
            return None
        data = np.empty(answer["shape"], answer["dtype"])
        assert self._process.stdout and data.size <= MAX_SAMPLES
        into = data.data.cast("B")
        done = 0
        while done < len(into):
            n_bytes = self._process.stdout.readinto(into[done:])  # type: ignore[attr-defined]
            if not n_bytes:
                raise OSError("the pixels end in the middle")
            done += n_bytes
        return data

    def close(self) -> None:
        """End it."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.close()
            self._process.wait(CLOSE_LIMIT_S)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


@dataclass
class Decoders:
    """The children that wait for work. A thread takes one, or starts one, and gives it back."""

    idle: list[Child] = field(default_factory=list)
    generation: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, path: Path, pixels: bool) -> tuple[dict[str, Any], Array | None]:
        """Decode one file, or only its header, in a child.

        Raises
        ------
        FrameError
            What the child found wrong with the file, or that the file ended the child.
        """
        with self.lock:
            generation = self.generation
            child = self.idle.pop() if self.idle else None
        child = child or Child()
        try:
            limit_s = DECODE_LIMIT_S
            answer, data = child.ask({"path": str(path), "pixels": pixels}, limit_s)
        except BaseException as error:
            child.close()
            if not isinstance(error, ChildEndedError):
                raise
            raise FrameError(
                "unreadable", f"{path.name} cannot be decoded: the RAW decoder {error}; copy the file again."
            ) from error
        with self.lock:
            keep = generation == self.generation
            if keep:
                self.idle.append(child)
        if not keep:
            child.close()
        if "reason" in answer:
            raise FrameError(answer["reason"], answer["sentence"])
        return answer, data

    def close(self) -> None:
        """End the children: the idle ones now, the others when they have answered."""
        with self.lock:
            self.generation += 1
            idle, self.idle = self.idle, []
        for child in idle:
            child.close()


DECODERS: Final = Decoders()
