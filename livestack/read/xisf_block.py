"""Data blocks of XISF files: where the bytes of an element lie, whether they are sound, and how they are unpacked."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element

import numpy as np

from livestack.errors import FrameError
from livestack.read.keywords import shown
from livestack.read.streams import PIECE_BYTES, Pieces, drain, fill, inflated, joined, pieces_of

SHUFFLED: Final = "+sh"
CHECKSUMS: Final = {
    "sha1": "sha1",
    "sha256": "sha256",
    "sha512": "sha512",
    "sha3256": "sha3_256",
    "sha3512": "sha3_512",
}
"""As files name them, without hyphens → as hashlib does."""

OTHER_LENGTH: Final = "its compressed pixels are of another length"

LEAST_WINDOW_BYTES: Final = 1 << 23
"""How far back every reader of zstd must be able to look."""

Unpack = Callable[[BinaryIO, int, int], Pieces]
"""(packed block, its length, unpacked length) → what is in it, in pieces."""


class Damaged(Exception):  # noqa: N818 - it says what was found
    """A block, or what is said of it, makes no sense."""


def attachments(root: Element) -> Iterator[tuple[int, int]]:
    """Walk over (start, end) in bytes of every block that lies behind the header."""
    for element in root.iter():
        location = element.get("location", "")
        if location.startswith("attachment:"):
            try:
                start, length = whole_numbers(location.partition(":")[2], 2)
            except Damaged:
                continue
            yield start, start + length


@contextmanager
def opened_block(stream: BinaryIO, name: str, element: Element, n_bytes: int) -> Iterator[tuple[BinaryIO, int]]:
    """Open the bytes that an element stands for; gives (stream, shuffle).

    The stream has `n_bytes` bytes, unpacked as they are read, and is read to its end at last, whatever was left. Where
    shuffle is not 1, it has the first byte of all samples of so many bytes, then the second of all, and so on.

    Raises
    ------
    FrameError
        unreadable: damaged, or packed in a way that needs a package; mismatched: in another file.
    """
    try:
        holder = _holder(element)
        length, stored = _stored(stream, name, element, holder)
        packing = holder.get("compression", "")
        if not packing and length != n_bytes:
            raise Damaged(f"{length} bytes of pixels where its size asks for {n_bytes}")
        _check_sum(stored(), holder.get("checksum", ""))
        block = joined(_unpacked(stored(), length, name, holder, n_bytes) if packing else stored())
        yield block, _shuffle(packing)
        drain(block)
    except EOFError as error:
        raise FrameError("truncated", f"{name} ends in the middle; copy it again when it is finished.") from error
    except (Damaged, zlib.error, MemoryError) as error:
        raise FrameError(
            "unreadable", f"{name} is damaged ({shown(str(error) or 'too large')}); copy it again."
        ) from error


def whole_numbers(words: str, count: int) -> tuple[int, ...]:
    """Read numbers with colons between them.

    Raises
    ------
    Damaged
        Not `count` of them, or not numbers.
    """
    parts = words.split(":")
    if len(parts) != count or not all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts):
        raise Damaged(f"{words[:40]!r} where {count} numbers belong")
    return tuple(int(part) for part in parts)


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _holder(element: Element) -> Element:
    """Return the element that tells how the block is packed: of an embedded block, the Data below."""
    if element.get("location") != "embedded":
        return element
    data = next((child for child in element if local_name(child) == "Data"), None)
    if data is None:
        raise Damaged("its embedded pixels are missing")
    return data


def _stored(stream: BinaryIO, name: str, element: Element, holder: Element) -> tuple[int, Callable[[], Pieces]]:
    """Return the length of a block as stored, in bytes, and what reads it, piece by piece, as often as it is called."""
    kind, _, rest = element.get("location", "").partition(":")
    if kind == "attachment":
        start, length = whole_numbers(rest, 2)
        size = stream.seek(0, 2)
        if start + length > size:
            raise FrameError(
                "truncated",
                f"{name} has {size} bytes but its picture needs {start + length}; copy it again when it is finished.",
            )
        return length, lambda: _attached(stream, start, length)
    if kind in ("inline", "embedded"):
        content = _decoded(rest or holder.get("encoding"), holder.text or "")
        return len(content), lambda: iter([content])
    raise FrameError(
        "mismatched",
        f"{name} keeps its pixels in another file ({shown(kind) or 'nowhere'}); save it as one file.",
    )


def _attached(stream: BinaryIO, start: int, length: int) -> Pieces:
    stream.seek(start)
    yield from pieces_of(stream, length)


def _decoded(encoding: str | None, words: str) -> bytes:
    """Return the bytes that are written as text."""
    if encoding not in ("base64", "hex"):
        raise Damaged(f"pixels written as {encoding}")
    try:
        return base64.b64decode(words) if encoding == "base64" else bytes.fromhex(words)
    except ValueError as error:
        raise Damaged(error) from error


def _check_sum(block: Pieces, said: str) -> None:
    """Compare the checksum of the bytes as stored; one that nobody knows is passed over."""
    algorithm, _, digest = said.partition(":")
    known = CHECKSUMS.get(algorithm.strip().lower().replace("-", ""))
    if not known:
        return
    found = hashlib.new(known, usedforsecurity=False)
    for piece in block:
        found.update(piece)
    if found.hexdigest() != digest.strip().lower():
        raise Damaged("its checksum is wrong")


def _unpacked(block: Pieces, length: int, name: str, holder: Element, n_bytes: int) -> Pieces:
    """Unpack a block of `length` bytes, which may be packed in parts; it must hold `n_bytes`."""
    packing, subblocks = holder.get("compression", ""), holder.get("subblocks")
    codec, _, rest = packing.partition(":")
    if whole_numbers(rest.partition(":")[0], 1)[0] != n_bytes:
        raise Damaged(f"compression {packing[:40]!r} for {n_bytes} bytes")
    parts: list[tuple[int, ...]] = [(length, n_bytes)]
    if subblocks:
        parts = [whole_numbers(pair.replace(",", ":"), 2) for pair in subblocks.split(":")]
    if (sum(packed for packed, _ in parts), sum(plain for _, plain in parts)) != (length, n_bytes):
        raise Damaged("its subblocks do not add up")
    unpack = _codec(name, codec.removesuffix(SHUFFLED))
    return _unpacked_parts(joined(block), unpack, parts)


def _unpacked_parts(block: BinaryIO, unpack: Unpack, parts: list[tuple[int, ...]]) -> Pieces:
    """Unpack parts, each (packed, unpacked) bytes long."""
    for packed, plain in parts:
        part = joined(pieces_of(block, packed))
        done = 0
        for piece in unpack(part, packed, plain):
            done += len(piece)
            if done > plain:
                raise Damaged(OTHER_LENGTH)
            yield piece
        if done != plain:
            raise Damaged(OTHER_LENGTH)
        drain(part)


def _shuffle(packing: str) -> int:
    """Return of how many bytes the samples are whose bytes were sorted by their place; 1 where they were not."""
    codec, *sizes = packing.split(":")
    return max(1, whole_numbers(":".join(sizes[1:]), 1)[0]) if codec.endswith(SHUFFLED) else 1


def _codec(name: str, codec: str) -> Unpack:
    try:
        match codec:
            case "zlib":
                return _unpack_zlib
            case "lz4" | "lz4hc":
                return _lz4()
            case "zstd":
                return _zstd()
    except ImportError as error:
        raise FrameError(
            "unreadable",
            f"{name} is compressed with {codec}, which needs the package {error.name} (livestack's extra xisf); "
            "install it, or save uncompressed or with zlib.",
        ) from error
    raise Damaged(f"compression {codec[:20]!r} is unknown")


def _unpack_zlib(block: BinaryIO, _length: int, _n_bytes: int) -> Pieces:
    try:
        yield from inflated(block)
    except EOFError as error:
        raise Damaged(OTHER_LENGTH) from error


def _lz4() -> Unpack:
    import cramjam

    def unpack(block: BinaryIO, length: int, n_bytes: int) -> Pieces:
        packed, plain = np.empty(length, np.uint8), np.empty(n_bytes, np.uint8)
        fill(block, packed.data)
        try:
            # a block is unpacked whole; with the length, it is not looked for in front of it
            done = cramjam.lz4.decompress_block_into(packed.data, plain.data, output_len=n_bytes)
        except cramjam.DecompressionError as error:
            raise Damaged(error) from error
        del packed
        yield plain[:done].data

    return unpack


def _zstd() -> Unpack:
    import zstandard

    def unpack(block: BinaryIO, _length: int, n_bytes: int) -> Pieces:
        # What the block says of the window is what the package would allocate.
        unzip = zstandard.ZstdDecompressor(max_window_size=max(LEAST_WINDOW_BYTES, 2 * n_bytes))
        try:
            yield from unzip.read_to_iter(block, read_size=PIECE_BYTES, write_size=PIECE_BYTES)
        except zstandard.ZstdError as error:
            raise Damaged(error) from error

    return unpack
