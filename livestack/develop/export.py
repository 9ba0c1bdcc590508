"""Pictures into files."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import cv2

from livestack.atomic import write_atomically
from livestack.frame import Array


def write_png(path: Path, picture: Array) -> None:
    """Write (H, W) or (H, W, 3) RGB uint8 or uint16 atomically as PNG."""
    bgr = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".png", bgr)
    if not done:
        raise OSError(f"{path.name} could not be encoded as PNG")

    def write(file: BinaryIO) -> None:
        file.write(encoded.tobytes())

    write_atomically(path, write)
