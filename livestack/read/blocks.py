"""The skeleton of a FITS file: its HDUs, read header by header, without touching the data.

Works on a file that is still being written, and tells how long it will be.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, TypeGuard

from livestack.errors import FrameError
from livestack.read.keywords import shown

BLOCK: Final = 2880
CARD: Final = 80
MAX_HEADER_BLOCKS: Final = 4000
"""144 000 cards: whatever is longer is not a header."""
MAX_AXES: Final = 999
BITPIX: Final = (8, 16, 32, 64, -32, -64)
START: Final = b"SIMPLE  ="
EXTENSION: Final = b"XTENSION"
COMMENTARY: Final = ("COMMENT", "HISTORY", "")
INTEGER: Final = re.compile(r"[-+]?\d+")
REAL: Final = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([EeDd][-+]?\d+)?")
STRING: Final = re.compile(r"\s*'((?:[^']|'')*)(?:'|$)")

Cards = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hdu:
    """One header and where its data lie.

    Attributes
    ----------
    cards : dict
        Keyword → str, int, float, bool or None; of a repeated keyword the first; COMMENT and HISTORY joined by lines.
    data_start, data_bytes : int
        Offset and declared length of the data, bytes.
    """

    cards: Mapping[str, Any]
    data_start: int
    data_bytes: int

    @property
    def data_end(self) -> int:
        """Where the data end, bytes from the start of the file."""
        return self.data_start + self.data_bytes

    @property
    def next_start(self) -> int:
        """Where the next HDU begins: the data are filled up to whole blocks."""
        return self.data_start + -(-self.data_bytes // BLOCK) * BLOCK


def hdus(stream: BinaryIO, name: str, limit: int) -> Iterator[Hdu]:
    """Walk over the HDUs of a stream of at most `limit` bytes, seeking over the data.

    Raises
    ------
    FrameError
        truncated: the stream ends inside a header; unreadable: this is no FITS header.
    """
    start = 0
    while start <= limit:
        stream.seek(start)
        block = stream.read(BLOCK)
        if start and not _begins(block, EXTENSION):
            return
        if not start:
            _check_start(block, name)
        cards, n_blocks = _read_header(stream, block, name)
        hdu = Hdu(cards, start + n_blocks * BLOCK, _data_bytes(cards, name))
        yield hdu
        start = hdu.next_start


def _begins(block: bytes, mark: bytes) -> bool:
    """Whether a block, or what is there of it yet, begins with a mark."""
    return bool(block) and (block.startswith(mark) or mark.startswith(block))


def _check_start(block: bytes, name: str) -> None:
    if not block:
        raise FrameError("truncated", f"{name} unpacks to nothing; copy it again when it is finished.")
    if not any(block):
        raise FrameError("truncated", f"{name} begins with zeros: it was reserved but not written; copy it again.")
    if not _begins(block, START):
        raise FrameError("unreadable", f"{name} is not a FITS file: it does not begin with SIMPLE.")


def _read_header(stream: BinaryIO, block: bytes, name: str) -> tuple[Cards, int]:
    """Read blocks up to the END card; return the cards and the number of blocks."""
    lines: list[str] = []
    for n_blocks in range(1, MAX_HEADER_BLOCKS):
        if len(block) < BLOCK:
            raise FrameError("truncated", f"{name} ends inside its header; copy it again when it is finished.")
        text = block.decode("latin-1")
        cards = [text[at : at + CARD] for at in range(0, BLOCK, CARD)]
        for i, card in enumerate(cards):
            if card[:8].rstrip(" \0") == "END" and not card[8:].strip(" \0"):
                return parse_cards(lines + cards[:i]), n_blocks
        lines += cards
        block = stream.read(BLOCK)
    raise FrameError("unreadable", f"{name} has a header without an end: it is damaged; copy it again.")


def parse_cards(lines: list[str]) -> Cards:
    """Read header cards of 80 characters; a card that makes no sense is kept as text, never refused."""
    cards: Cards = {}
    last = ""
    for line in lines:
        key = line[:8].strip().upper()
        if key in COMMENTARY:
            if note := line[8:].rstrip():
                cards[key] = f"{cards[key]}\n{note}" if key in cards else note
        elif key == "CONTINUE" and isinstance(cards.get(last), str) and cards[last].endswith("&"):
            cards[last] = cards[last][:-1] + str(parse_value(line[8:]) or "")
        else:
            if key == "HIERARCH" and "=" in line:
                key, _, rest = line[8:].partition("=")
                key = key.strip().upper()
            else:
                rest = line[9:] if line[8:9] == "=" else ""
            last = key
            cards.setdefault(key, parse_value(rest))
    return cards


def parse_value(field: str) -> str | int | float | bool | None:
    """Read the value field of a card, up to its comment."""
    if match := STRING.match(field):
        return match[1].replace("''", "'").rstrip()
    word = field.partition("/")[0].strip()
    if not word:
        return None
    if word in ("T", "F"):
        return word == "T"
    if INTEGER.fullmatch(word) and len(word) < 40:
        return int(word)
    if REAL.fullmatch(word):
        return float(word.upper().replace("D", "E"))
    return word


def _data_bytes(cards: Mapping[str, Any], name: str) -> int:
    """Return the declared length of the data in bytes."""
    axes = axes_of(cards, name)
    bitpix = cards.get("BITPIX")
    if bitpix not in BITPIX:
        raise FrameError("unreadable", f"{name} has BITPIX = {shown(bitpix)}: its header is damaged; copy it again.")
    if not axes:
        return 0
    n_groups, n_parameters = (cards.get(key, default) for key, default in (("GCOUNT", 1), ("PCOUNT", 0)))
    if not _is_count(n_groups) or not _is_count(n_parameters):
        raise FrameError("unreadable", f"{name} has a damaged GCOUNT or PCOUNT; copy it again.")
    if cards.get("GROUPS") is True and axes[0] == 0:
        axes = axes[1:]
    return int(abs(bitpix) // 8 * n_groups * (n_parameters + math.prod(axes)))


def axes_of(cards: Mapping[str, Any], name: str) -> list[int]:
    """Return NAXIS1, NAXIS2, …: the fastest axis first."""
    n_axes = cards.get("NAXIS")
    if not _is_count(n_axes) or n_axes > MAX_AXES:
        raise FrameError("unreadable", f"{name} has NAXIS = {shown(n_axes)}: its header is damaged; copy it again.")
    axes = {f"NAXIS{i + 1}": cards.get(f"NAXIS{i + 1}") for i in range(n_axes)}
    for axis, length in axes.items():
        if not _is_count(length):
            raise FrameError(
                "unreadable", f"{name} has {axis} = {shown(length)}: its header is damaged; copy it again."
            )
    return [int(length or 0) for length in axes.values()]


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
