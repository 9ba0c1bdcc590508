"""The watch that starts by itself, also after a power cut: a unit of systemd, and what other systems have for it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from xml.sax.saxutils import escape

from livestack.atomic import write_atomically
from livestack.errors import SettingsError

NAME = "livestack"
LABEL = "org.livestack.watch"

UNIT = """\
[Unit]
Description=livestack stacks what comes into {folder}
# it tries for ever: a disk may take its time
StartLimitIntervalSec=0

[Service]
# Network and disks are not waited for here: livestack itself waits for the folder, and says so.
ExecStart={command}
Restart=on-failure
RestartSec=10
# stopped by hand it is saved, and that is no failure
SuccessExitStatus=130
# the sub in hand is finished and the stack saved
TimeoutStopSec=180

[Install]
WantedBy=default.target
"""

AGENT = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>{label}</string>
  <key>ProgramArguments</key>
  <array>{arguments}</array>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
</dict>
</plist>
"""


def watch_command(folder: Path) -> list[str]:
    """Return what starts the watch of a folder without a window; other options are the user's settings."""
    return [sys.executable, "-m", "livestack", "watch", str(folder), "--viewer", "none"]


def set_up(folder: Path, home: Path, platform: str = sys.platform) -> list[str]:
    """Have the watch of a folder start by itself, or say how; returns lines for the user.

    On Linux a unit of the user is written, and on macOS an agent; neither is started. On Windows nothing is written.

    Parameters
    ----------
    folder : Path
        Absolute.
    home : Path
        The user's home.

    Raises
    ------
    SettingsError
        The file cannot be written, or the folder's name cannot be said to this system.
    """
    if any(ord(letter) < 32 for letter in str(folder)):
        raise SettingsError(f"the name of {folder} has a line break or another control character")
    if platform == "win32":
        return _on_windows(watch_command(folder))
    if platform == "darwin":
        place = home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        _write(place, agent(folder))
        return [
            f"Wrote {place}. It starts when you log in; for that to happen after a power cut,",
            "switch on automatic login and “Start up automatically after a power failure”. To start it now:",
            f"  launchctl bootstrap gui/$(id -u) {shlex.quote(str(place))}",
            f"To take it back: launchctl bootout gui/$(id -u)/{LABEL}, and delete the file.",
        ]
    place = _configuration(home) / "systemd" / "user" / f"{NAME}.service"
    _write(place, unit(folder))
    return [
        f"Wrote {place}. To have it start with the computer, without anybody logging in:",
        "  systemctl --user daemon-reload",
        f"  systemctl --user enable --now {NAME}",
        "  loginctl enable-linger",
        f"What it does: journalctl --user -u {NAME} -f. To take it back: systemctl --user disable --now {NAME}",
    ]


def unit(folder: Path) -> str:
    """Return the unit for systemd."""
    words = " ".join(_quoted(word) for word in watch_command(folder))
    return UNIT.format(folder=str(folder).replace("%", "%%"), command=words)


def _quoted(word: str) -> str:
    """Quote a word of a command for systemd: also % and $ mean something to it."""
    for letter, instead in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(letter, instead)
    return f'"{word}"'


def agent(folder: Path) -> str:
    """Return the agent for launchd."""
    arguments = "".join(f"<string>{escape(word)}</string>" for word in watch_command(folder))
    return AGENT.format(label=LABEL, arguments=arguments)


def _on_windows(command: list[str]) -> list[str]:
    task = subprocess.list2cmdline(command)
    return [
        "In Windows the Task Scheduler starts it. In a console, in one line:",
        f"  schtasks /create /tn {NAME} /sc onlogon /tr {subprocess.list2cmdline([task])}",
        "Then open the task in the Task Scheduler: in Settings, tick “If the task fails, restart every: 1 minute” and",
        "untick “Stop the task if it runs longer than”; in Conditions, untick “Start only if on AC power”.",
        "For it to start after a power cut, have the computer start (BIOS: Restore on AC power loss) and log in by",
        "itself (netplwiz).",
        f"To take it back: schtasks /delete /tn {NAME}",
    ]


def _configuration(home: Path) -> Path:
    named = os.environ.get("XDG_CONFIG_HOME")
    return Path(named) if named else home / ".config"


def _write(place: Path, text: str) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, lambda file: file.write(text.encode()))
    except OSError as error:
        raise SettingsError(f"{place} cannot be written: {error.strerror}") from None
