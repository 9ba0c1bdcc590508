"""FITS as camera software writes it: one uint16 image. By hand, so that tests check it with a library."""

from __future__ import annotations

from livestack.frame import Array

_BLOCK = 2880

Value = str | int | float


def fits_bytes(data: Array, header: dict[str, Value]) -> bytes:
    """Return a whole FITS file.

    Parameters
    ----------
    data : ndarray of uint16
        (H, W).
    header : dict
        Keywords after the mandatory ones, in order.
    """
    height, width = data.shape
    cards = [_card("SIMPLE", "T"), _card("BITPIX", "16"), _card("NAXIS", "2")]
    cards += [_card("NAXIS1", str(width)), _card("NAXIS2", str(height)), _card("BZERO", "32768"), _card("BSCALE", "1")]
    cards += [_card(name, _text(value)) for name, value in header.items()]
    head = "".join([*cards, "END".ljust(80)]).encode("ascii")
    pixels = (data ^ 0x8000).astype(">u2").tobytes()
    return head + b" " * (-len(head) % _BLOCK) + pixels + b"\0" * (-len(pixels) % _BLOCK)


def _card(name: str, text: str) -> str:
    value = text.ljust(20) if text.startswith("'") else text.rjust(20)
    return f"{name:<8}= {value}".ljust(80)


def _text(value: Value) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''").ljust(8) + "'"
    return repr(value).upper()
