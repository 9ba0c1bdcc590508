"""What the start page is made of: rows of folders, the drop zone, cards of nights, what was found, the one button."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pathlib import Path

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.frame import Array
from livestack.show.folders import Contents, Finding
from livestack.show.nights import Night
from livestack.show.qt.look import night_red
from livestack.show.qt.theme import font, pixmap
from livestack.show.tokens import Palette

THUMBNAIL = (128, 88)
ROW_PX, ZONE_PX, START_PX = 60, 72, 56
_ROUND = 10.0

Qt = QtCore.Qt


class Painted(QtWidgets.QAbstractButton):
    """A button that paints itself: ground, outline and words. `entered`: chosen, and to be gone on with."""

    entered = QtCore.Signal()

    def __init__(self, palette: Palette, high: int) -> None:
        super().__init__()
        self._palette = palette
        self.setFixedHeight(high)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take Return for what a double click means."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Do what it is for, at once."""
        self.entered.emit()

    def draw_ground(self, painter: QtGui.QPainter) -> None:
        """Draw the ground and the outline: of what is chosen, under the pointer, or has the focus."""
        colours, chosen = self._palette, self.isChecked()
        ring = self.hasFocus()
        ground = colours.accbg if chosen else colours.bg3 if self.underMouse() else colours.bg2
        outline = colours.t1 if ring else colours.acc if chosen else colours.line
        thick = 2.0 if chosen or ring else 1.0
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtGui.QPen(QtGui.QColor(outline), thick))
        painter.setBrush(QtGui.QColor(ground))
        edge = thick / 2
        painter.drawRoundedRect(QtCore.QRectF(self.rect()).adjusted(edge, edge, -edge, -edge), _ROUND, _ROUND)

    def draw_lines(self, painter: QtGui.QPainter, left: int, right: int, title: str, detail: str) -> None:
        """Write a title and a line below it, cut where they do not fit."""
        middle = self.height() // 2
        for text, size, weight, ink, base in (
            (title, 16, 500, self._palette.t1, middle - 3),
            (detail, 13, 400, self._palette.t2, middle + 16),
        ):
            painter.setFont(font(size, weight))
            painter.setPen(QtGui.QColor(ink))
            cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, right - left)
            painter.drawText(QtCore.QPointF(left, base), cut)

    def draw_icon(self, painter: QtGui.QPainter, name: str, ink: str, x: int) -> None:
        """Draw an icon in the middle of the height."""
        drawn = pixmap(name, ink, 20, self.devicePixelRatioF())
        painter.drawPixmap(QtCore.QPointF(x, (self.height() - 20) // 2), drawn)


class FolderRow(Painted):
    """A folder that can be chosen: its name, and how many pictures are in it, how old."""

    def __init__(self, palette: Palette, folder: Path, title: str) -> None:
        super().__init__(palette, ROW_PX)
        self.folder, self.title, self.detail = folder, title, ""
        self.contents: Contents | None = None
        self.setCheckable(True)
        self.setToolTip(str(folder))
        self.say("")

    def say(self, detail: str) -> None:
        """Tell what is in it."""
        self.detail = detail
        self.setAccessibleName(self.title)
        self.setAccessibleDescription(detail)
        self.update()

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw it."""
        painter = QtGui.QPainter(self)
        self.draw_ground(painter)
        chosen = self.isChecked()
        self.draw_icon(painter, "folder", self._palette.acc if chosen else self._palette.t2, 16)
        if chosen:
            self.draw_icon(painter, "check", self._palette.acc, self.width() - 36)
        self.draw_lines(painter, 50, self.width() - 50, self.title, self.detail)
        painter.end()


class NightCard(Painted):
    """A past night: its picture, what was stacked, when and of how much."""

    def __init__(self, palette: Palette, night: Night) -> None:
        super().__init__(palette, THUMBNAIL[1])
        self.night = night
        self._pixels: Array | None = None
        self.setAccessibleName(night.title)
        self.setAccessibleDescription(night.detail)
        self.setToolTip(f"Look at {night.title}")
        self.entered.connect(self.click)

    def set_picture(self, pixels: Array | None) -> None:
        """Show a picture of the night: (H, W, 3) uint8."""
        self._pixels = pixels
        self.update()

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw it."""
        painter = QtGui.QPainter(self)
        self.draw_ground(painter)
        self._draw_picture(painter)
        self.draw_icon(painter, "next", self._palette.t2, self.width() - 32)
        self.draw_lines(painter, THUMBNAIL[0] + 16, self.width() - 40, self.night.title, self.night.detail)
        painter.end()

    def _draw_picture(self, painter: QtGui.QPainter) -> None:
        edge = 2.0 if self.hasFocus() else 1.0
        place = QtCore.QRectF(edge, edge, THUMBNAIL[0] - edge, self.height() - 2 * edge)
        shape = QtGui.QPainterPath()
        shape.addRoundedRect(place, _ROUND - 1, _ROUND - 1)
        square = QtGui.QPainterPath()
        square.addRect(QtCore.QRectF(place.right() - _ROUND, place.top(), _ROUND, place.height()))
        shape = shape.united(square)
        if self._pixels is None:
            painter.fillPath(shape, QtGui.QColor(self._palette.bg0))
            return
        painter.save()
        painter.setClipPath(shape)
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, rgb_image(self._pixels, self._palette))
        painter.restore()


def rgb_image(pixels: Array, palette: Palette) -> QtGui.QImage:
    """Return (H, W, 3) uint8 as Qt has it; at night in red alone."""
    shown = np.ascontiguousarray(night_red(pixels) if palette.is_night else pixels)
    high, wide = shown.shape[:2]
    image = QtGui.QImage(shown.data, wide, high, 3 * wide, QtGui.QImage.Format.Format_RGB888)
    return image.copy()  # the array goes


class DropZone(QtWidgets.QFrame):
    """Where a folder may be dropped, and the button to choose one."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette, self._is_over = palette, False
        self.setFixedHeight(ZONE_PX)
        self.icon = QtWidgets.QLabel()
        self.words = QtWidgets.QLabel()
        self.choose = QtWidgets.QPushButton("Choose folder…", accessibleName="Choose folder")
        self.choose.setFixedHeight(40)
        self.choose.setToolTip("Choose the folder in which your camera program saves  Ctrl+O")
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(14)
        row.addWidget(self.icon)
        row.addWidget(self.words, 1)
        row.addWidget(self.choose)
        self.set_palette(palette)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.icon.setPixmap(pixmap("folder", palette.t2, 20, self.devicePixelRatioF()))
        choose = f"<span style='color:{palette.t2}'>, or choose one</span>"
        self.words.setText(f"<span style='font-size:16px'>Drop a folder here{choose}</span>")
        self.update()

    def set_over(self, over: bool) -> None:
        """Show that what is dragged would be taken."""
        self._is_over = over
        self.update()

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw the dashes."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        colours = self._palette
        pen = QtGui.QPen(QtGui.QColor(colours.acc if self._is_over else colours.line2), 2 if self._is_over else 1)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        if self._is_over:
            painter.setBrush(QtGui.QColor(colours.accbg))
        painter.drawRoundedRect(QtCore.QRectF(self.rect()).adjusted(1, 1, -1, -1), _ROUND, _ROUND)
        painter.end()


class Found(QtWidgets.QWidget):
    """A tick or a ring, what it stands for, and a line on it."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette, self._shown = palette, Finding(False, "", "")
        self.icon = QtWidgets.QLabel()
        self.head, self.detail = QtWidgets.QLabel(objectName="lead"), QtWidgets.QLabel(objectName="label")
        for words in (self.head, self.detail):
            words.setMinimumWidth(10)
            words.setWordWrap(True)
        self.detail.setAlignment(Qt.AlignmentFlag.AlignTop)
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        grid.addWidget(self.icon, 0, 0)
        grid.addWidget(self.head, 0, 1)
        grid.addWidget(self.detail, 1, 1)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(1, 1)

    def set_finding(self, finding: Finding) -> None:
        """Show it."""
        self._shown = finding
        self.head.setText(finding.head)
        self.detail.setText(finding.detail)
        self.setAccessibleName(("" if finding.found else "Not there: ") + f"{finding.head}. {finding.detail}")
        self.set_palette(self._palette)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        icon, ink = ("check", palette.acc) if self._shown.found else ("ring", palette.t2)
        drawn = pixmap(icon, ink, 20, self.devicePixelRatioF()) if self._shown.head else QtGui.QPixmap()
        self.icon.setPixmap(drawn)


class StartButton(QtWidgets.QAbstractButton):
    """The one primary button; a ring around it where the focus is."""

    def __init__(self, palette: Palette, text: str) -> None:
        super().__init__()
        self._palette = palette
        self.setText(text)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedHeight(START_PX + 8)

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802 - Qt's name
        """As wide as its words, and the ring."""
        words = QtGui.QFontMetrics(font(18, 600)).horizontalAdvance(self.text())
        return QtCore.QSize(words + 100, START_PX + 8)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Return starts, as the space bar does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw it: at night outlined, for no block is full of red."""
        colours, night = self._palette, self._palette.is_night
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        whole = QtCore.QRectF(self.rect())
        if self.hasFocus():
            painter.setPen(QtGui.QPen(QtGui.QColor(colours.t1), 2))
            painter.drawRoundedRect(whole.adjusted(1, 1, -1, -1), _ROUND + 2, _ROUND + 2)
        ground, ink, edge = QtGui.QColor(colours.acc), colours.ink, Qt.PenStyle.NoPen
        if not self.isEnabled():  # it can be read all the same
            ground, ink = QtGui.QColor(colours.bg3), colours.t1 if night else colours.t2
        elif night:
            ground, ink, edge = QtGui.QColor(colours.accbg), colours.t1, QtGui.QPen(QtGui.QColor(colours.acc), 2)
        elif self.underMouse():
            ground = ground.lighter(108)
        painter.setPen(edge)
        painter.setBrush(ground)
        painter.drawRoundedRect(whole.adjusted(4, 4, -4, -4), _ROUND - 2, _ROUND - 2)
        painter.setFont(font(18, 600))
        wide = painter.fontMetrics().horizontalAdvance(self.text())
        left = (self.width() - wide - 28) / 2
        painter.drawPixmap(
            QtCore.QPointF(left, self.height() / 2 - 10), pixmap("play", ink, 20, self.devicePixelRatioF())
        )
        painter.setPen(QtGui.QColor(ink))
        painter.drawText(whole.adjusted(left + 28, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.end()


class Sky(QtWidgets.QWidget):
    """The ground of the page: faint stars that stand still, or the newest night's picture, hardly to be seen."""

    SHARE = 0.13

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._pixels: Array | None = None
        sky = np.random.default_rng(27)
        self._stars = np.column_stack([sky.random((110, 2)), 0.4 + sky.pareto(2.6, 110).clip(0, 1.6)])

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self.update()

    def set_picture(self, pixels: Array | None) -> None:
        """Lay a picture under the page: (H, W, 3) uint8."""
        self._pixels = pixels
        self.update()

    def paintEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Draw it."""
        painter = QtGui.QPainter(self)
        is_dark = QtGui.QColor(self._palette.bg1).lightness() < 128
        painter.fillRect(self.rect(), QtGui.QColor(self._palette.bg0 if is_dark else self._palette.bg1))
        if is_dark and self._pixels is not None:
            painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
            painter.setOpacity(self.SHARE)
            high, wide = self._pixels.shape[:2]
            zoom = max(self.width() / wide, self.height() / high)
            place = QtCore.QRectF(0, 0, wide * zoom, high * zoom)
            place.moveCenter(QtCore.QRectF(self.rect()).center())
            painter.drawImage(place, rgb_image(self._pixels, self._palette))
        elif is_dark:
            self._draw_stars(painter)
        painter.end()

    def _draw_stars(self, painter: QtGui.QPainter) -> None:
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        colour = QtGui.QColor(self._palette.track)
        for x, y, size in self._stars:
            colour.setAlphaF(min(0.5, 0.15 + 0.2 * size))
            painter.setBrush(colour)
            painter.drawEllipse(QtCore.QPointF(x * self.width(), y * self.height()), size, size)
