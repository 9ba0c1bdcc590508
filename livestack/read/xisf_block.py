"""Data blocks of XISF files: where the bytes of an element lie, whether they are sound, and how they are unpacked."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element

import numpy as np

from livestack.errors import FrameError
from livestack.frame import Array
from livestack.read.keywords import shown

SHUFFLED: Final = "+sh"
CHECKSUMS: Final = {
    "sha1": "sha1",
    "sha256": "sha256",
    "sha512": "sha512",
    "sha3256": "sha3_256",
    "sha3512": "sha3_512",
}
"""As files name them, without hyphens → as hashlib does."""

CHUNK: Final = 1 << 16
OTHER_LENGTH: Final = "its compressed pixels are of another length"

Unpack = Callable[[Array, int], Array]


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


def read_block(stream: BinaryIO, name: str, element: Element, n_bytes: int) -> Array:
    """Return the bytes that an element stands for, checked and unpacked.

    Parameters
    ----------
    n_bytes : int
        How many there must be; no more are ever unpacked.

    Returns
    -------
    ndarray of uint8, (n_bytes,)

    Raises
    ------
    FrameError
        unreadable: damaged, or packed in a way that needs a package; mismatched: in another file.
    """
    try:
        holder = _holder(element)
        block = _stored(stream, name, element, holder, n_bytes)
        _check_sum(block, holder.get("checksum", ""))
        if packing := holder.get("compression"):
            # rebinding lets go of the packed bytes before the next copy is made
            block = _unpacked(block, name, packing, holder.get("subblocks"), n_bytes)
            block = _unshuffled(block, packing)
        if block.nbytes != n_bytes:
            raise Damaged(f"{block.nbytes} bytes of pixels where its size asks for {n_bytes}")
    except (Damaged, zlib.error, binascii.Error, ValueError, MemoryError) as error:
        raise FrameError(
            "unreadable", f"{name} is damaged ({shown(str(error) or 'too large')}); copy it again."
        ) from error
    return block


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


def _stored(stream: BinaryIO, name: str, element: Element, holder: Element, n_bytes: int) -> Array:
    kind, _, rest = element.get("location", "").partition(":")
    if kind == "attachment":
        start, length = whole_numbers(rest, 2)
        if not holder.get("compression") and length != n_bytes:
            raise Damaged(f"{length} bytes of pixels where its size asks for {n_bytes}")
        return _read(stream, name, start, length)
    if kind in ("inline", "embedded"):
        encoding, content = rest or holder.get("encoding"), holder.text or ""
        if encoding not in ("base64", "hex"):
            raise Damaged(f"pixels written as {encoding}")
        return np.frombuffer(base64.b64decode(content) if encoding == "base64" else bytes.fromhex(content), np.uint8)
    raise FrameError(
        "mismatched",
        f"{name} keeps its pixels in another file ({shown(kind) or 'nowhere'}); save it as one file.",
    )


def _read(stream: BinaryIO, name: str, start: int, length: int) -> Array:
    size = stream.seek(0, 2)
    if start + length > size:
        raise FrameError(
            "truncated",
            f"{name} has {size} bytes but its picture needs {start + length}; copy it again when it is finished.",
        )
    block = np.empty(length, np.uint8)
    stream.seek(start)
    done = stream.readinto(block.data)  # type: ignore[attr-defined]
    if done != length:
        raise FrameError("truncated", f"{name} ends in the middle; copy it again when it is finished.")
    return block


def _check_sum(block: Array, said: str) -> None:
    """Compare the checksum of the bytes as stored; one that nobody knows is passed over."""
    algorithm, _, digest = said.partition(":")
    known = CHECKSUMS.get(algorithm.strip().lower().replace("-", ""))
    if known and hashlib.new(known, block.data, usedforsecurity=False).hexdigest() != digest.strip().lower():
        raise Damaged("its checksum is wrong")


def _unpacked(block: Array, name: str, packing: str, subblocks: str | None, n_bytes: int) -> Array:
    codec, _, rest = packing.partition(":")
    if whole_numbers(rest.partition(":")[0], 1)[0] != n_bytes:
        raise Damaged(f"compression {packing[:40]!r} for {n_bytes} bytes")
    unpack = _codec(name, codec.removesuffix(SHUFFLED))
    if not subblocks:
        return unpack(block, n_bytes)
    lengths = [whole_numbers(pair.replace(",", ":"), 2) for pair in subblocks.split(":")]
    if (sum(packed for packed, _ in lengths), sum(plain for _, plain in lengths)) != (block.nbytes, n_bytes):
        raise Damaged("its subblocks do not add up")
    whole, source, target = np.empty(n_bytes, np.uint8), 0, 0
    for packed, plain in lengths:
        whole[target : target + plain] = unpack(block[source : source + packed], plain)
        source, target = source + packed, target + plain
    return whole


def _unshuffled(block: Array, packing: str) -> Array:
    """Put the bytes of each sample together again: first came the first byte of all, then the second of all."""
    codec, *sizes = packing.split(":")
    if not codec.endswith(SHUFFLED):
        return block
    (item,) = whole_numbers(":".join(sizes[1:]), 1)
    if item < 2 or item > block.nbytes:
        return block
    count = block.nbytes // item
    plain = np.empty_like(block)
    plain[: count * item].reshape(count, item)[:] = block[: count * item].reshape(item, count).T
    plain[count * item :] = block[count * item :]
    return plain


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


def _unpack_zlib(block: Array, n_bytes: int) -> Array:
    stream, plain, done = zlib.decompressobj(), np.empty(n_bytes, np.uint8), 0
    for at in range(0, block.nbytes, CHUNK):
        piece = stream.decompress(block[at : at + CHUNK].data, CHUNK)
        while piece:
            if done + len(piece) > n_bytes:
                raise Damaged(OTHER_LENGTH)
            plain[done : done + len(piece)] = np.frombuffer(piece, np.uint8)
            done += len(piece)
            piece = stream.decompress(stream.unconsumed_tail, CHUNK)
    # Only behind the end of the stream has its checksum been compared.
    if done != n_bytes or not stream.eof:
        raise Damaged(OTHER_LENGTH)
    return plain


def _lz4() -> Unpack:
    import lz4.block

    def unpack(block: Array, n_bytes: int) -> Array:
        try:
            return _exactly(lz4.block.decompress(block.data, uncompressed_size=n_bytes), n_bytes)
        except lz4.block.LZ4BlockError as error:
            raise Damaged(error) from error

    return unpack


def _zstd() -> Unpack:
    import zstandard

    def unpack(block: Array, n_bytes: int) -> Array:
        try:
            # What the block says of its own length is what the package would allocate.
            if zstandard.frame_content_size(block.data) not in (n_bytes, -1):
                raise Damaged(OTHER_LENGTH)
            return _exactly(zstandard.ZstdDecompressor().decompress(block.data, max_output_size=n_bytes), n_bytes)
        except zstandard.ZstdError as error:
            raise Damaged(error) from error

    return unpack


def _exactly(plain: bytes, n_bytes: int) -> Array:
    if len(plain) != n_bytes:
        raise Damaged(OTHER_LENGTH)
    return np.frombuffer(plain, np.uint8)
