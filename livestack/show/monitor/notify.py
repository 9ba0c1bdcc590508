"""Where messages go: one function for each kind of address, by the standard library; all others by apprise."""

from __future__ import annotations

import json
import logging
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Mapping
from email.header import Header
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from livestack.errors import LivestackError, SettingsError
from livestack.show.monitor.mail import CannotMail, mail_to, send_mail
from livestack.show.monitor.message import Message
from livestack.show.sound import play, speak
from livestack.version import VERSION

WAIT_S = 15.0
COMMAND_S = 60.0
_PUBLIC_NTFY = "ntfy.sh"
_NOTES_MAC = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)
_NEEDS_EXTRA = "needs apprise: pip install 'livestack[notify]'"


class NotDelivered(LivestackError):  # noqa: N818 - it is an outcome
    """A message did not arrive, and why; never with a secret in it."""


def masked(url: str) -> str:
    """Return an address without what is secret in it: user, password, topic, token. Of unknown kinds only the kind."""
    scheme, _, rest = url.partition(":")
    scheme = scheme.lower()
    if scheme == "exec":
        words = rest.split()
        return f"exec:{Path(words[0]).name if words else ''}"
    if scheme in ("http", "https", "ntfys", "smtp", "smtps") and (host := _host_of(url)):
        return f"{scheme}://{host}/…"
    return f"{scheme}:…" if rest.strip("/") else scheme


def check(url: str) -> None:
    """Look whether an address can be meant.

    Raises
    ------
    SettingsError
        What is wrong with it, without what is secret in it.
    """
    scheme, _, rest = url.partition(":")
    scheme = scheme.lower()
    where = f"notify: {masked(url)}" if scheme.isalnum() and rest else "notify: the address"
    if scheme not in NOTIFIERS:
        if not rest:
            raise SettingsError(f"{where} is no address such as ntfy://topic, https://… or mailto:…")
        if not _apprise_knows(url):
            raise SettingsError(f"{where} is of no known kind, or lacks something")
    elif scheme in ("http", "https", "ntfy", "ntfys") and not _host_of(url):
        raise SettingsError(f"{where} names no host")
    elif scheme == "exec" and not rest.strip():
        raise SettingsError("notify: exec: names no command")
    elif scheme in _MAILS:
        try:
            mail_to(url)
        except CannotMail as error:
            raise SettingsError(f"{where} {error}") from None


def deliver(url: str, message: Message) -> None:
    """Send a message to an address; returns when it has arrived as far as that can be known.

    Raises
    ------
    NotDelivered
        Why not.
    """
    NOTIFIERS.get(url.partition(":")[0].lower(), _by_apprise)(url, message)


def _webhook(url: str, message: Message) -> None:
    parts = urlsplit(url)
    if parts.hostname == _PUBLIC_NTFY:
        _ntfy(url, message)
        return
    whole = f"{message.title}\n{message.text}"
    body = {
        "title": message.title,
        "message": message.text,
        "text": whole,  # what Slack, Mattermost and Google Chat show
        "content": whole,  # what Discord shows
        "rule": message.rule,
        "kind": message.kind,
        "urgent": message.urgent,
        "session": message.session,
        "target": message.target,
        "since": message.since.isoformat(),
        "time": message.at.isoformat(),
    }
    if message.picture:
        body["picture"] = "data:image/jpeg;base64," + b64encode(message.picture).decode()
    _post(parts, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _ntfy(url: str, message: Message) -> None:
    """Publish as ntfy does: the picture as an attachment, and as plain text where a server takes none."""
    parts = urlsplit(url)
    if parts.scheme in ("ntfy", "ntfys"):
        at, _, topic = parts.netloc, "", parts.path.strip("/")
        if not topic:
            at, topic = _PUBLIC_NTFY, parts.netloc
        scheme = "http" if parts.scheme == "ntfy" and at != _PUBLIC_NTFY else "https"
        parts = SplitResult(scheme, at, f"/{topic}", "", "")
    says = {"Title": _header(message.title), "Priority": "high" if message.urgent else "default", "Tags": "telescope"}
    if message.picture:
        try:
            words = {"Message": _header(message.text.replace("\n", "\\n")), "Filename": "night.jpg"}
            _post(parts, message.picture, says | words, "PUT")
            return
        except _Refused:
            pass
    _post(parts, message.text.encode(), says | {"Content-Type": "text/plain; charset=utf-8"})


def _header(text: str) -> str:
    """Return text as a header may hold it, in one line."""
    return text if text.isascii() else Header(text, "utf-8", maxlinelen=10**6).encode()


class _Refused(NotDelivered):
    """The server answered, and did not take it."""


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no other address: what is sent there would be asked for, not told."""

    def redirect_request(self, *args: Any, **more: Any) -> None:
        """Take it as an answer that is none."""


def _post(parts: SplitResult, body: bytes, headers: Mapping[str, str], method: str = "POST") -> None:
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    request = urllib.request.Request(url, body, {"User-Agent": f"livestack/{VERSION}", **headers}, method=method)
    if parts.username is not None:
        user, word = unquote(parts.username), unquote(parts.password or "")
        basic = "Basic " + b64encode(f"{user}:{word}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Bearer {user}" if not word else basic)
    try:
        with urllib.request.build_opener(_Straight).open(request, timeout=WAIT_S) as answer:
            answer.read(1000)
    except urllib.error.HTTPError as error:
        with error:
            raise _Refused(f"the server answered {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise NotDelivered(_why(error.reason)) from None
    except (OSError, ValueError) as error:
        raise NotDelivered(_why(error)) from None


def _why(error: object) -> str:
    """Say what went wrong in few words, without an address."""
    if isinstance(error, TimeoutError):
        return f"no answer in {WAIT_S:.0f} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    return type(error).__name__


def _mail(url: str, message: Message) -> None:
    try:
        send_mail(mail_to(url), message)
    except CannotMail as error:
        raise NotDelivered(str(error)) from None


def _exec(url: str, message: Message) -> None:
    """Run a command: the text on its input, the rest in its environment, the picture as a file while it runs."""
    command = shlex.split(url.partition(":")[2], posix=os.name == "posix")
    told = {
        "TITLE": message.title,
        "TEXT": message.text,
        "RULE": message.rule,
        "KIND": message.kind,
        "URGENT": "1" if message.urgent else "",
        "SESSION": message.session,
        "TARGET": message.target,
    }
    with tempfile.TemporaryDirectory(prefix="livestack-") as folder:
        if message.picture:
            told["PICTURE"] = str(_as_file(message, folder))
        _run(command, message.text, {f"LIVESTACK_{name}": value for name, value in told.items()}, COMMAND_S)


def _desktop(url: str, message: Message) -> None:
    """Show it on this computer's desktop."""
    if sys.platform == "win32":
        show = (
            "[void][Reflection.Assembly]::LoadWithPartialName('System.Windows.Forms');"
            "$n=New-Object System.Windows.Forms.NotifyIcon;$n.Icon=[System.Drawing.SystemIcons]::Information;"
            "$n.Visible=$true;$n.ShowBalloonTip(10000,$env:LIVESTACK_TITLE,$env:LIVESTACK_TEXT,'Info');Start-Sleep 10"
        )
        command = ["powershell", "-NoProfile", "-NonInteractive", "-Command", show]
    elif sys.platform == "darwin":
        command = ["osascript", *(part for line in _NOTES_MAC for part in ("-e", line)), message.title, message.text]
    else:
        urgency = "critical" if message.urgent else "normal"
        command = ["notify-send", "--app-name=livestack", f"--urgency={urgency}", message.title, message.text]
    if not shutil.which(command[0]):
        raise NotDelivered(f"{command[0]} is not installed")
    _run(command, "", {"LIVESTACK_TITLE": message.title, "LIVESTACK_TEXT": message.text}, WAIT_S)


def _run(command: list[str], text: str, told: Mapping[str, str], wait_s: float) -> None:
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=wait_s, check=False, env={**os.environ, **told}
        )
    except subprocess.TimeoutExpired:
        raise NotDelivered(f"{Path(command[0]).name} did not end in {wait_s:.0f} s") from None
    except (OSError, ValueError) as error:
        raise NotDelivered(f"{Path(command[0]).name}: {_why(error)}") from None
    if done.returncode:
        raise NotDelivered(f"{Path(command[0]).name} ended with {done.returncode}")


def _sound(url: str, message: Message) -> None:
    if not play():
        raise NotDelivered("nothing here plays a sound")


def _voice(url: str, message: Message) -> None:
    if not speak(message.title):
        raise NotDelivered("nothing here speaks")


def _by_apprise(url: str, message: Message) -> None:
    to = _apprise()
    if to is None:
        raise NotDelivered(_NEEDS_EXTRA)
    if not to.add(url):
        raise NotDelivered("apprise does not know the address")
    with tempfile.TemporaryDirectory(prefix="livestack-") as folder:
        picture = str(_as_file(message, folder)) if message.picture else None
        if not to.notify(body=message.text, title=message.title, attach=picture):
            raise NotDelivered("apprise could not deliver it")


def _apprise_knows(url: str) -> bool:
    to = _apprise()
    if to is None:
        raise SettingsError(f"notify: {masked(url)} {_NEEDS_EXTRA}")
    return bool(to.add(url))


def _apprise() -> Any:
    """Return an apprise that says nothing: what it logs holds addresses; None where it is not installed."""
    try:
        import apprise
    except ImportError:
        return None
    quiet = logging.getLogger("apprise")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    return apprise.Apprise()


def _as_file(message: Message, folder: str) -> Path:
    file = Path(folder) / "night.jpg"
    file.write_bytes(message.picture)
    return file


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return ""


_MAILS = ("mailto", "mailtos", "smtp", "smtps")
NOTIFIERS: Mapping[str, Callable[[str, Message], None]] = {
    "http": _webhook,
    "https": _webhook,
    "ntfy": _ntfy,
    "ntfys": _ntfy,
    **dict.fromkeys(_MAILS, _mail),
    "desktop": _desktop,
    "sound": _sound,
    "voice": _voice,
    "exec": _exec,
}
"""How a message goes to an address, by the scheme of that."""
