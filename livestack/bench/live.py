"""A `livestack watch` in a process of its own, fed with files, and its clocks."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

import livestack
from livestack.bench.frames import Made
from livestack.errors import NothingStacked, SessionError
from livestack.events import Looked, Record, StackSaved, SubAccepted, SubRejected
from livestack.journal import Journal

SETTLE_S = 0.1
POLL_S = 0.004
PATIENCE_S = 900.0
"""So long nothing may happen: a first start compiles."""
PROGRAM = ("-m", "livestack")


def cpu_s(pid: int) -> float:
    """CPU time that a process has taken in all its threads, s; NaN where the system does not tell (Linux does)."""
    if not sys.platform.startswith("linux"):
        return math.nan
    try:
        return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3)
    except OSError:
        return math.nan


def peak_bytes(pid: int) -> float:
    """Most memory a process has held since it began, or since `forget_peak`; NaN where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
        return float(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    return math.nan


def forget_peak(pid: int) -> None:
    """Begin the peak of a process' memory anew, where the system can."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


@dataclass(slots=True)
class Taken:
    """What became of a file. Times are Unix time, s; NaN = not seen.

    Attributes
    ----------
    readable_s : float
        It was found finished.
    told_s : float
        Its verdict was in the journal.
    shown_s : float
        The picture with it was there.
    cpu_s : float
        CPU time of the process by then.
    """

    event: SubAccepted | SubRejected
    readable_s: float
    told_s: float
    shown_s: float = math.nan
    cpu_s: float = math.nan


@dataclass(frozen=True, slots=True)
class Fed:
    """A group of files that came at once, from the moment before the first came: what became of them, and their CPU."""

    taken: tuple[Taken, ...]
    began_s: float
    cpu_s: float

    @property
    def answer_s(self) -> float:
        """From the first file found finished to the first new picture."""
        return self.taken[0].shown_s - self.taken[0].readable_s

    @property
    def step_s(self) -> float:
        """From verdict to verdict, while others wait."""
        return (self.taken[-1].told_s - self.taken[0].told_s) / (len(self.taken) - 1)


class Live:
    """A watching livestack. Use it as a context; leaving it stops the process.

    Parameters
    ----------
    folder : Path
        New: for its captures, session and output.
    first : sequence of Path
        Files that are there when it starts.
    program : sequence of str
        What Python runs.
    """

    def __init__(
        self,
        folder: Path,
        made: Made,
        first: Sequence[Path] = (),
        program: Sequence[str] = PROGRAM,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.captures, self.session = folder / "captures", folder / "session"
        self.captures.mkdir(parents=True)
        self._output = (folder / "output.txt").open("wb")
        for path in first:
            self._bring(path)
        masters = [word for kind, path in made.masters.items() for word in (f"--{kind}", str(path))]
        options = ["--session", str(self.session), "--viewer", "none", "--settle", str(SETTLE_S), *masters]
        root = str(Path(livestack.__file__).resolve().parents[1])
        paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self.started_s = time.time()
        self.process = subprocess.Popen(
            [sys.executable, *program, "watch", str(self.captures), *options],
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": paths, **(environment or {})},
            cwd=folder,
        )
        self.looks: list[Looked] = []
        self._n_fed = len(first)
        self._arrived: list[float] = []
        self._told: list[Taken] = []
        self._saved = self._seq = self._n_waited = 0
        self._journal: Journal | None = None

    def __enter__(self) -> Live:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._journal is not None:
            self._journal.close()
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._output.close()

    def feed(self, paths: Sequence[Path] = ()) -> Fed:
        """Bring files, and wait until a picture shows all that came so far.

        Raises
        ------
        NothingStacked
            The process ended, or nothing happened for very long.
        """
        began_s, cpu = time.time(), self._cpu_s()
        for path in paths:
            self._bring(path)
        self._n_fed += len(paths)
        first, shown = self._n_waited, 0
        for _ in self._polls():
            shown = self._note_picture(shown)
            accepted = sum(isinstance(taken.event, SubAccepted) for taken in self._told)
            if len(self._told) == self._n_fed and shown >= accepted:
                break
        self._n_waited = self._n_fed
        time.sleep(10 * POLL_S)  # what is written beside the picture
        return Fed(tuple(self._told[first:]), began_s, self._cpu_s() - (0.0 if math.isnan(cpu) else cpu))

    def wait_until_saved(self) -> tuple[float, float]:
        """Have the stack file hold what was accepted, and wait for it; returns (wall, CPU) seconds from now on."""
        began_s, cpu = time.time(), self._cpu_s()
        accepted = sum(isinstance(taken.event, SubAccepted) for taken in self._told)
        if self._journal is not None and self._saved < accepted:
            self._journal.ask("save", {})
        for _ in self._polls():
            if self._saved >= accepted:
                break
        return time.time() - began_s, self._cpu_s() - cpu

    @property
    def stack(self) -> Path:
        """The stack file."""
        return next(iter((self.session / "stack").glob("*.fits")))

    def peak_bytes(self) -> float:
        """Most memory held since the last call."""
        peak = peak_bytes(self.process.pid)
        forget_peak(self.process.pid)
        return peak

    def _cpu_s(self) -> float:
        return cpu_s(self.process.pid)

    def _bring(self, path: Path) -> None:
        """Put a file into the capture folder, whole at once."""
        try:
            os.link(path, self.captures / path.name)
        except OSError:
            shutil.copyfile(path, self.captures / path.name)

    def _polls(self) -> Iterator[None]:
        """Read what is new, again and again."""
        heard_s = time.monotonic()
        while True:
            if self._read():
                heard_s = time.monotonic()
            yield
            if self.process.poll() is not None or time.monotonic() - heard_s > PATIENCE_S:
                raise NothingStacked(f"the bench's own run ended early: {self._last_words()}")
            time.sleep(POLL_S)

    def _read(self) -> bool:
        """Read what is new in the journal; returns whether there was something."""
        if self._journal is None:
            if not (self.session / "journal.sqlite").is_file():
                return False
            try:
                self._journal = Journal(self.session / "journal.sqlite")
            except SessionError:
                return False  # it is being made
        n_arrived = int(self._journal.rows("SELECT count(*) AS n FROM arrival")[0]["n"])
        self._arrived += [time.time()] * (n_arrived - len(self._arrived))
        records = self._journal.follow(self._seq)
        for record in records:
            self._seq = record.seq
            self._hear(record)
        return bool(records)

    def _hear(self, record: Record) -> None:
        event = record.event
        if isinstance(event, SubAccepted | SubRejected) and event.no > len(self._told):
            told_s = datetime.fromisoformat(record.time_utc).timestamp()
            self._told.append(Taken(event, self._arrived[len(self._told)], told_s))
        elif isinstance(event, Looked):
            self.looks.append(event)
        elif isinstance(event, StackSaved):
            self._saved = event.n_subs

    def _note_picture(self, before: int) -> int:
        """Note when the picture with the newest sub came, once; returns how many subs it shows."""
        path = self.session / "cache" / "picture.npy"
        try:
            with path.open("rb") as file:
                written_s = os.fstat(file.fileno()).st_mtime
                file.seek(-1000, os.SEEK_END)
                tail = file.read()
            shown = int(json.loads(tail[tail.rindex(b'{"scale"') :])["n_subs"])
        except (OSError, ValueError):
            return before
        accepted = [taken for taken in self._told if isinstance(taken.event, SubAccepted)]
        if 0 < shown <= len(accepted) and math.isnan(accepted[shown - 1].shown_s):
            accepted[shown - 1].shown_s, accepted[shown - 1].cpu_s = written_s, self._cpu_s()
        return shown

    def _last_words(self) -> str:
        self._output.flush()
        said = Path(self._output.name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return said[-1].removeprefix("livestack: ") if said else "it said nothing"
