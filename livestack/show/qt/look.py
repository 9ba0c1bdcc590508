"""Where one looks: from px of a picture to px of the screen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from pyqtgraph.functions import ndarray_to_qimage
from pyqtgraph.Qt import QtCore, QtGui

from livestack.frame import Array
from livestack.show.tokens import Palette

FILL, FIT, FREE = "fill", "fit", "free"
_NIGHT_PEAK = 0.88

Size = tuple[float, float]
"""(width, height)."""


@dataclass
class Look:
    """Where the view is: centre in stack px, zoom in screen px per stack px, and whether it keeps to the picture.

    The picture is mirrored, where it is, and then turned clockwise.
    """

    mode: str = FILL
    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    turn_deg: float = 0.0
    mirrored: bool = False

    def transform(self, room: Size) -> QtGui.QTransform:
        """Return the way from px of the upright stack, whose first px is from 0 to 1, to a widget of a size."""
        way = QtGui.QTransform()
        way.translate(room[0] / 2, room[1] / 2)
        way.rotate(self.turn_deg)
        way.scale(-self.zoom if self.mirrored else self.zoom, self.zoom)
        way.translate(-self.x, -self.y)
        return way

    def place(self, picture: Size, room: Size) -> None:
        """Move so that the picture fills the room, or all of it is seen, unless a hand chose otherwise."""
        if self.mode != FREE:
            self.x, self.y = picture[0] / 2, picture[1] / 2
            self.zoom = filling(picture, room, self.turn_deg) if self.mode == FILL else self.whole(picture, room)

    def whole(self, picture: Size, room: Size) -> float:
        """Return the zoom at which all of the picture is seen."""
        return 1.0 / filling(room, picture, self.turn_deg)


def filling(picture: Size, room: Size, turn_deg: float) -> float:
    """Return the zoom at which a picture that is turned covers a room."""
    cos, sin = (abs(part) for part in (math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))))
    return max((room[0] * cos + room[1] * sin) / picture[0], (room[0] * sin + room[1] * cos) / picture[1])


def on_screen(image: Array, way: QtGui.QTransform, picture: Size, screen: tuple[int, int], ground: int) -> Array:
    """Draw an image of a picture at the px of a screen: (H, W, 4) uint8; `ground` is what is around it, 0xRRGGBB.

    Parameters
    ----------
    image : ndarray of uint8
        (h, w, 4), of all of the picture.
    way : QTransform
        From px of the picture to those of the screen.
    """
    high, wide = image.shape[:2]
    across, down = picture[0] / wide, picture[1] / high
    # px of an image are counted from the middle of the first one
    from_image = QtGui.QTransform(across, 0.0, 0.0, down, across / 2, down / 2)
    whole = from_image * way
    matrix = np.array([[whole.m11(), whole.m21(), whole.dx() - 0.5], [whole.m12(), whole.m22(), whole.dy() - 0.5]])
    border = (ground & 255, ground >> 8 & 255, ground >> 16 & 255, 255)
    return np.asarray(cv2.warpAffine(image, matrix, screen, flags=cv2.INTER_LINEAR, borderValue=border))


@dataclass(frozen=True, slots=True)
class View:
    """What of a picture is seen, where on a screen and in which colours.

    Attributes
    ----------
    way : QTransform
        From px of the upright stack to those of the screen.
    picture : (float, float)
        Width and height of the stack, px.
    screen : (int, int)
        Width and height, px.
    palette : Palette
    """

    way: QtGui.QTransform
    picture: Size
    screen: tuple[int, int]
    palette: Palette

    def layer(self, image: Array) -> Array:
        """Return an image as it is drawn from, (H, W, 4) uint8, in red at night."""
        seen = night_red(image, self.palette.brightness) if self.palette.is_night else image
        return np.asarray(cv2.cvtColor(seen, cv2.COLOR_GRAY2BGRA if seen.ndim == 2 else cv2.COLOR_RGB2BGRA))

    def at_screen(self, layer: Array) -> Array:
        """Return it at the px of the screen."""
        return on_screen(layer, self.way, self.picture, self.screen, int(self.palette.bg0[1:], 16))


def to_qimage(pixels: Array, ratio: float) -> QtGui.QImage:
    """Return (H, W, 4) blue, green, red, unused as Qt has it; it shares their memory, and keeps it.

    It is told that it may write there, though nobody does: else a ratio that is not 1 would cost a copy.
    """
    image = ndarray_to_qimage(pixels, QtGui.QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    return image


def night_red(image: Array, brightness: float = 1.0) -> Array:
    """Turn uint8 grey or RGB into red alone, dimmed: green and blue are zero in every pixel."""
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    red = np.zeros((*grey.shape, 3), np.uint8)
    red[..., 0] = cv2.LUT(np.ascontiguousarray(grey), _reds(brightness))
    return red


def _reds(brightness: float) -> Array:
    return np.asarray(np.round(_NIGHT_PEAK * brightness * np.arange(256)), np.uint8)


def moved(look: Look, way: QtGui.QTransform, by: QtCore.QPointF) -> None:
    """Move the picture by so many px of the widget."""
    back, _ = way.inverted()
    step = back.map(by) - back.map(QtCore.QPointF())
    look.mode, look.x, look.y = FREE, look.x - step.x(), look.y - step.y()
