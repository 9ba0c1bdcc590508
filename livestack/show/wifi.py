"""The Wi-Fi that guests may join, told by the user."""

from __future__ import annotations

from dataclasses import dataclass, field

from livestack.errors import SettingsError

_LONGEST_NAME, _SHORTEST, _LONGEST = 32, 8, 63


@dataclass(frozen=True, slots=True)
class Wifi:
    """Its name and password; "" = it has none."""

    name: str
    password: str = field(default="", repr=False)

    @property
    def code(self) -> str:
        """What a phone's camera reads to join it."""
        if not self.password:
            return f"WIFI:T:nopass;S:{_escaped(self.name)};;"
        return f"WIFI:T:WPA;S:{_escaped(self.name)};P:{_escaped(self.password)};;"


def parse_wifi(text: str) -> Wifi | None:
    """Read NAME:PASSWORD, or NAME where it has no password; None of "".

    Raises
    ------
    SettingsError
        It cannot be that of a Wi-Fi.
    """
    if not text:
        return None
    name, _, password = text.partition(":")
    if not name.strip() or len(name.encode()) > _LONGEST_NAME:
        raise SettingsError("wifi: give NAME:PASSWORD, a name of at most 32 letters")
    if password and not _SHORTEST <= len(password) <= _LONGEST:
        raise SettingsError(f"wifi: a password has {_SHORTEST} to {_LONGEST} letters")
    return Wifi(name, password)


def _escaped(text: str) -> str:
    for sign in '\\;,:"':
        text = text.replace(sign, f"\\{sign}")
    return text
