"""A night that is disturbed: a real livestack, a camera, disks that are pulled, filled or taken away, and clocks."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from livestack.show.monitor.alerts import RULES
from livestack.show.monitor.scene import Delay
from tests.night import sessions

DELAYS = {rule.name: rule.delay for rule in RULES}
RULE_OF = {"SourceLost": "folder", "SourceBack": "folder"}
"""What the engine tells itself, by the rule that sends it on."""
STACKED = "(SELECT count(*) FROM event WHERE kind = 'SubAccepted')"
FEW, MANY, LOOK = 8, 14, 12
"""Subs of a night, of one that goes beyond the last look, where there is a checkpoint, and of that look."""
NO_OVERRIDE = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
"""Root as a user is: permissions hold."""


@dataclass
class Night:
    """A session that runs, the folder it watches, and a camera that writes into it.

    Attributes
    ----------
    frames : list of Path
        What the camera takes, in order.
    captures, session : Path
        Where it writes, and what livestack keeps.
    shelf : Path
        Where the disks of `captures` and `session` are whether they are plugged or not.
    """

    frames: list[Path]
    tmp: Path
    options: tuple[str, ...] = ()
    before: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    taken: int = 0

    def __post_init__(self) -> None:
        self.captures, self.session, self.shelf = self.tmp / "captures", self.tmp / "session", self.tmp / "shelf"
        self.captures.mkdir()
        self.session.mkdir()
        self.shelf.mkdir()

    def start(self, *options: str) -> None:
        """Start livestack on the folder."""
        command = [*self.before, sys.executable, "-m", "livestack", "watch", str(self.captures)]
        command += ["--session", str(self.session), "--viewer", "none", "--settle", "0.3", *self.options, *options]
        with (self.tmp / "said").open("a") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=said, env={**os.environ, **self.environment})

    def send(self, number: signal.Signals) -> None:
        """Send livestack a signal."""
        assert self.process
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM, code: int = 130) -> None:
        """End livestack by a signal."""
        assert self.process
        self.send(number)
        assert self.process.wait(60) == (-number if number == signal.SIGKILL else code), self.said

    @property
    def said(self) -> str:
        """Everything livestack said."""
        return (self.tmp / "said").read_text()

    def expose(self, n: int, folder: Path | None = None) -> None:
        """Take the next frames."""
        for frame in self.frames[self.taken : self.taken + n]:
            shutil.copyfile(frame, (folder or self.captures) / frame.name)
        self.taken += n

    def stacked(self, n: int | None = None) -> None:
        """Wait until so many subs are stacked, or all that were taken."""
        self.until(f"{STACKED} >= {self.taken if n is None else n}")

    def until(self, condition: str, timeout_s: float = 60) -> None:
        """Wait for a condition on the journal, in SQL."""
        try:
            sessions.wait_for(self.session, condition, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.said}") from None

    def told(self, kind: str, n: int = 1) -> None:
        """Wait until an event was told so often: twice the delay that is stated for what it tells of, and no longer."""
        kind, _, rule = kind.partition(" ")
        of = f" AND json_extract(body, '$.rule') = '{rule}'" if rule else ""
        delay = DELAYS.get(rule or RULE_OF.get(kind, ""), Delay(30))
        self.until(f"(SELECT count(*) FROM event WHERE kind = '{kind}'{of}) >= {n}", 2 * delay.at(0.0))

    def says(self, words: str) -> None:
        """Wait until livestack said something on its terminal."""
        until(lambda: words in self.said, lambda: f"not said: {words}\n{self.said}")

    def ask(self, kind: str) -> None:
        """Leave a request in the journal."""
        with sqlite3.connect(self.session / "journal.sqlite", timeout=30) as db:
            db.execute("INSERT INTO request(time_utc, kind, body) VALUES ('', ?, '{}')", (kind,))


Ready = Callable[[Night], None]


@dataclass(frozen=True)
class Row:
    """A fault: what it does, what is told of it, first and when it is over, what is made ready before, and its subs."""

    disturb: Callable[[Night], None]
    raised: str
    cleared: str
    options: tuple[str, ...]
    ready: Ready
    n: int


class Rows(list[Row]):
    """Faults, in the order they are written down."""

    def row(
        self, raised: str = "", cleared: str = "", *options: str, ready: Ready = lambda _: None, n: int = FEW
    ) -> Callable[[Callable[[Night], None]], None]:
        """Count a function among them: the events that tell of it, how livestack is started."""
        return lambda disturb: self.append(Row(disturb, raised, cleared, options, ready, n))


def until(condition: Callable[[], object], why: Callable[[], str] = str, timeout_s: float = 60) -> None:
    """Wait for a condition."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, why()
        time.sleep(0.02)


def digest(folder: Path) -> dict[str, str]:
    """What is in a folder: names, bytes and times."""
    return {
        str(path.relative_to(folder)): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def mount(*arguments: object) -> None:
    """Mount something, or skip: only root can, and not in every container."""
    if sys.platform != "linux" or not shutil.which("mount") or os.geteuid():
        pytest.skip("only root can mount a disk")
    done = subprocess.run(["mount", *map(str, arguments)], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")


def unmount(place: Path) -> None:
    """Pull a disk, whoever uses it."""
    subprocess.run(["umount", "--lazy", str(place)], check=False, capture_output=True)


def plug(disk: Path, place: Path) -> None:
    """Have a folder elsewhere, as a disk is."""
    mount("--bind", disk, place)


def small_disk(place: Path, megabytes: int) -> None:
    """Put a disk of so many MB on a folder."""
    mount("-t", "tmpfs", "-o", f"size={megabytes}m", "livestack-test", place)


def fill(place: Path, leave: int = 0) -> Path:
    """Write until a disk is full but for some bytes; returns the file that fills it."""
    ballast = place / ".ballast"
    free = shutil.disk_usage(place).free - leave
    with ballast.open("ab") as file:
        try:
            while free > 0:
                free -= file.write(b"\0" * min(free, 1 << 20))
                file.flush()
        except OSError:
            pass
    return ballast


@contextmanager
def disks(night: Night) -> Iterator[None]:
    """Leave nothing mounted, and nothing that runs."""
    try:
        yield
    finally:
        if night.process and night.process.poll() is None:
            night.process.kill()
            night.process.wait()
        for place in (night.captures, night.session):
            for _ in range(3):
                unmount(place)


def on_a_disk(what: str) -> Ready:
    """Have the captures, or the session, on a disk of their own."""
    return lambda night: plug(night.shelf, night.tmp / what)


def on_a_small_disk(megabytes: int) -> Ready:
    """Have the session on a disk that is soon full."""
    return lambda night: small_disk(night.session, megabytes)


def as_a_user(night: Night) -> None:
    """Have permissions hold for livestack, even where it runs as root."""
    if os.geteuid():
        return
    if not shutil.which("setpriv") or subprocess.run([*NO_OVERRIDE, "true"], check=False).returncode:
        pytest.skip("root is never refused, and setpriv cannot change that")
    night.before = NO_OVERRIDE


def without_watches(night: Night) -> None:
    """Have the system let livestack watch no folder."""
    script = 'echo 0 > /proc/sys/user/max_inotify_watches; exec "$@"'
    night.before = ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"]
    if not shutil.which("unshare") or subprocess.run([*night.before, "true"], check=False).returncode:
        pytest.skip("no user namespaces here")


def who() -> str:
    """This host, as a lock names it."""
    return socket.gethostname()


SHIM = Path(__file__).parent / "shim.c"


def with_a_shim(night: Night) -> None:
    """Put between livestack and the system what can step its clock and fail its session's disk."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    library = night.tmp / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, SHIM, "-ldl"], check=True)
    (night.tmp / "faults").write_bytes(bytes(16))
    night.environment = {
        "LD_PRELOAD": str(library),
        "SHIM_FAULTS": str(night.tmp / "faults"),
        "SHIM_DISK": f"{night.session}/",
    }


def set_fault(night: Night, *, clock_off_s: int = 0, disk_fails: bool = False) -> None:
    """Step the clock, and have the disk fail, from now on."""
    with (night.tmp / "faults").open("r+b") as file:
        file.write(clock_off_s.to_bytes(8, sys.byteorder, signed=True) + int(disk_fails).to_bytes(8, sys.byteorder))
