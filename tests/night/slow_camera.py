"""Camera software as it behaves at the telescope: frames come into a folder slowly, with other files between them.

Needs nothing but Python. Prints the name of each frame when its last byte is written::

    python tests/night/slow_camera.py CAPTURES frames/*.fits --shuffle 7 --chunks 20 --pause 0.05 --junk text,half
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

WAYS = ("in-place", "append", "preallocate", "rename")
JUNK = ("text", "empty", "hidden", "thumbnail", "half")


@dataclass(frozen=True)
class Camera:
    """How frames are written: `chunks` pieces with `pause_s` between them, `interval_s` between frames."""

    folder: Path
    chunks: int = 20
    pause_s: float = 0.02
    interval_s: float = 0.0
    way: str = "in-place"
    junk: tuple[str, ...] = ()

    def take(self, sources: list[Path]) -> Iterator[str]:
        """Deliver frames in order; yield each one's name when it is finished."""
        half_done: Path | None = None
        for turn, source in enumerate(sources):
            kind = self.junk[turn % len(self.junk)] if self.junk else ""
            if kind == "half" and half_done is None and source is not sources[-1]:
                content = source.read_bytes()
                (self.folder / source.name).write_bytes(content[: len(content) // 2])
                half_done = source
            else:
                self.litter(kind, source, turn)
                self.expose(source)
                yield source.name
                if half_done:
                    self.complete(half_done)
                    yield half_done.name
                    half_done = None
            time.sleep(self.interval_s)

    def expose(self, source: Path) -> None:
        """Write one frame."""
        content, target = source.read_bytes(), self.folder / source.name
        if self.way == "append":
            target.write_bytes(b"")
            for piece in self.pieces(content):
                with target.open("ab") as file:
                    file.write(piece)
            return
        name = target.with_name(f"{target.name}.tmp") if self.way == "rename" else target
        with name.open("wb") as file:
            if self.way == "preallocate":
                file.truncate(len(content))
            self.write(file, content)
        name.rename(target)

    def complete(self, source: Path) -> None:
        """Write what is missing of a frame that was left half done."""
        target = self.folder / source.name
        with target.open("ab") as file:
            self.write(file, source.read_bytes()[target.stat().st_size :])

    def write(self, file: BinaryIO, content: bytes) -> None:
        """Write slowly; each piece reaches the system at once."""
        for piece in self.pieces(content):
            file.write(piece)
            file.flush()

    def pieces(self, content: bytes) -> Iterator[bytes]:
        """Cut into chunks, with a pause before each but the first."""
        size = max(1, -(-len(content) // self.chunks))
        for start in range(0, len(content), size):
            if start:
                time.sleep(self.pause_s)
            yield content[start : start + size]

    def litter(self, kind: str, source: Path, turn: int) -> None:
        """Leave a file that is no frame."""
        if kind == "text":
            (self.folder / f"{source.stem}.CameraSettings.txt").write_text(f"Exposure = 30 s\nturn {turn}\n")
        elif kind == "empty":
            (self.folder / f"empty_{turn}{source.suffix}").touch()
        elif kind == "hidden":
            (self.folder / f".{source.name}").write_bytes(source.read_bytes()[:4096])
        elif kind == "thumbnail":
            (self.folder / f"{source.stem}_thn.jpg").write_bytes(
                bytes.fromhex("ffd8ffe000104a464946000101") + b"\0" * 99
            )


def main() -> None:
    """Read the command line and take the frames."""
    parser = argparse.ArgumentParser(description="Write frames into a folder as camera software does.")
    parser.add_argument("folder", type=Path, help="made when it is not there")
    parser.add_argument("frames", type=Path, nargs="+")
    parser.add_argument("--shuffle", type=int, metavar="SEED", help="another order than the one given")
    parser.add_argument("--chunks", type=int, default=20, help="pieces per frame (20)")
    parser.add_argument("--pause", type=float, default=0.02, metavar="S", help="between pieces (0.02)")
    parser.add_argument("--interval", type=float, default=0.0, metavar="S", help="between frames (0)")
    parser.add_argument("--way", choices=WAYS, default="in-place")
    parser.add_argument("--junk", default="", metavar=",".join(JUNK), help="what to leave between frames, in turn")
    options = parser.parse_args()
    junk = tuple(filter(None, options.junk.split(",")))
    if not set(junk) <= set(JUNK):
        parser.error(f"--junk: choose from {', '.join(JUNK)}")
    if missing := [str(path) for path in options.frames if not path.is_file()]:
        parser.error(f"no such file: {missing[0]}")
    if options.shuffle is not None:
        random.Random(options.shuffle).shuffle(options.frames)
    options.folder.mkdir(parents=True, exist_ok=True)
    camera = Camera(options.folder, options.chunks, options.pause, options.interval, options.way, junk)
    for name in camera.take(options.frames):
        print(name, flush=True)


if __name__ == "__main__":
    main()
