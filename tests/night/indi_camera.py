"""A camera at a telescope under real stars: INDI's simulators, driven as camera software drives the real drivers.

Needs Debian's indi-bin and astrometry-data-tycho2, and Python. As a program::

    python tests/night/indi_camera.py CAPTURES --frames 10 --exposure 1
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.night import gsc

TOOLS = ("indiserver", "indi_setprop", "indi_getprop")
DRIVERS = ("indi_simulator_telescope", "indi_simulator_focus", "indi_simulator_ccd")
RA_HOURS, DEC_DEG = 20.010, 22.79
_FIELD_DEG = 1.5
_CCD, _MOUNT, _FOCUSER = "CCD Simulator", "Telescope Simulator", "Focuser Simulator"
_IN_FOCUS = 36700
_TOLD_S = 1.5
"""The telescope tells its place once a second."""


def missing() -> str | None:
    """Return what must be installed first, or None."""
    if not all(map(shutil.which, TOOLS + DRIVERS)):
        return "no INDI simulator: apt-get install --no-install-recommends indi-bin"
    if not gsc.INDEX.is_file():
        return "no star catalogue: apt-get install --no-install-recommends astrometry-data-tycho2"
    return None


@dataclass(frozen=True)
class IndiCamera:
    """A running simulator: a one-shot colour camera on a tracking telescope."""

    port: int

    def shoot(self, folder: Path, frames: int, exposure_s: float, dither_arcsec: float = 0.0) -> Iterator[Path]:
        """Expose lights into a folder, each at a place a little off the last; yield each file when it is finished."""
        folder.mkdir(parents=True, exist_ok=True)
        place = random.Random(1)
        self._set(f"{_CCD}.UPLOAD_MODE.UPLOAD_LOCAL=On")
        self._set(f"{_CCD}.UPLOAD_SETTINGS.UPLOAD_DIR;UPLOAD_PREFIX={folder};Light_XXX")
        self._set(f"{_CCD}.CCD_FRAME_TYPE.FRAME_LIGHT=On")
        for _ in range(frames):
            if dither_arcsec:
                east, north = place.uniform(-1, 1) * dither_arcsec, place.uniform(-1, 1) * dither_arcsec
                self.point(RA_HOURS + east / 15 / 3600, DEC_DEG + north / 3600)
            before = self._written()
            self._set(f"{_CCD}.CCD_EXPOSURE.CCD_EXPOSURE_VALUE={exposure_s}")
            _wait(lambda before=before: self._written() != before, exposure_s + 20, "the camera wrote no file")
            yield Path(self._written())

    def point(self, ra_hours: float, dec_deg: float) -> None:
        """Slew, and wait until the telescope tracks and the camera has heard of it."""
        self._set(f"{_MOUNT}.EQUATORIAL_EOD_COORD.RA;DEC={ra_hours:.6f};{dec_deg:.6f}")
        _wait(lambda: self._state(f"{_MOUNT}.EQUATORIAL_EOD_COORD") == "Ok", 30, "the telescope does not arrive")
        time.sleep(_TOLD_S)

    def set_up(self) -> None:
        """Connect the drivers, put the telescope at the field, in focus, and make the camera a colour camera."""
        for device, ready in (
            (_MOUNT, "EQUATORIAL_EOD_COORD"),
            (_FOCUSER, "ABS_FOCUS_POSITION"),
            (_CCD, "CCD_EXPOSURE"),
        ):
            _wait(lambda name=f"{device}.CONNECTION": self._state(name), 20, f"there is no {device}")
            self._set(f"{device}.CONNECTION.CONNECT=On")
            _wait(lambda name=f"{device}.{ready}": self._state(name), 20, f"the {device} does not connect")
        optics = "TELESCOPE_APERTURE;TELESCOPE_FOCAL_LENGTH;GUIDER_APERTURE;GUIDER_FOCAL_LENGTH=80;350;80;350"
        self._set(f"{_MOUNT}.TELESCOPE_PARK.UNPARK=On")
        self._set(f"{_MOUNT}.TELESCOPE_INFO.{optics}")
        self._set(f"{_MOUNT}.ON_COORD_SET.SYNC=On")
        self._set(f"{_MOUNT}.EQUATORIAL_EOD_COORD.RA;DEC={RA_HOURS};{DEC_DEG}")
        self._set(f"{_MOUNT}.ON_COORD_SET.TRACK=On")
        self._set(f"{_CCD}.SIMULATOR_SETTINGS.SIM_SATURATION;SIM_LIMITINGMAG;SIM_SKYGLOW;SIM_NOISE=9;13;19;10")
        self._set(f"{_CCD}.SIM_FOCUSING.SIM_SEEING=9")
        self._set(f"{_FOCUSER}.ABS_FOCUS_POSITION.FOCUS_ABSOLUTE_POSITION={_IN_FOCUS}")
        _wait(lambda: self._state(f"{_FOCUSER}.ABS_FOCUS_POSITION") == "Ok", 60, "the focuser does not arrive")
        self._set(f"{_CCD}.SIMULATE_BAYER.INDI_ENABLED=On")
        self._set(f"{_CCD}.CCD_OFFSET.OFFSET=200")
        self._set(f"{_CCD}.FITS_HEADER.FITS_OBJECT=M 27")
        self.point(RA_HOURS, DEC_DEG)

    def _written(self) -> str:
        return self._get(f"{_CCD}.CCD_FILE_PATH.FILE_PATH")

    def _state(self, name: str) -> str:
        return self._get(f"{name}._STATE")

    def _get(self, name: str) -> str:
        command = ["indi_getprop", "-p", str(self.port), "-t", "2", "-1", name]
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()

    def _set(self, spec: str) -> None:
        done = subprocess.run(
            ["indi_setprop", "-p", str(self.port), "-t", "5", spec], check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"INDI does not take {spec}: {done.stderr.strip()}")


@contextmanager
def indi_camera(work: Path) -> Iterator[IndiCamera]:
    """Run the simulators, with a home, a catalogue and a log in `work`; stop them at the end."""
    stars = work / "stars.txt"
    gsc.write_stars(stars, gsc.stars_near(RA_HOURS * 15, DEC_DEG, _FIELD_DEG))
    programs, home = work / "bin", work / "home"
    programs.mkdir()
    home.mkdir()
    answer = programs / "gsc"
    answer.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, gsc.__file__, str(stars)])} "$@"\n')
    answer.chmod(0o755)
    port = _free_port()
    environment = {**os.environ, "HOME": str(home), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    command = ["indiserver", "-p", str(port), "-u", str(work / "socket"), *DRIVERS]
    with (work / "indiserver.log").open("wb") as log:
        server = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        camera = IndiCamera(port)
        camera.set_up()
        yield camera
    finally:
        _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    """Stop the server and its drivers, whatever they wait for."""
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(happened: Callable[[], object], seconds: float, otherwise: str) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(0.1)


def main() -> None:
    """Read the command line and take the frames."""
    parser = argparse.ArgumentParser(description="Take frames with INDI's camera simulator.")
    parser.add_argument("folder", type=Path, help="made when it is not there")
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--exposure", type=float, default=1.0, metavar="S")
    parser.add_argument("--dither", type=float, default=15.0, metavar="ARCSEC")
    options = parser.parse_args()
    if needed := missing():
        parser.error(needed)
    with tempfile.TemporaryDirectory() as work, indi_camera(Path(work)) as camera:
        for path in camera.shoot(options.folder.resolve(), options.frames, options.exposure, options.dither):
            print(path.name, flush=True)


if __name__ == "__main__":
    main()
