"""The right side of the start page: nights that were stacked before, and the demo."""

# mypy: allow-subclassing-any
from __future__ import annotations

from datetime import UTC, datetime

from pyqtgraph.Qt import QtCore, QtWidgets

from livestack.counted import count
from livestack.frame import Array
from livestack.show.nights import Night, past_nights, small_picture
from livestack.show.qt.aside import Aside
from livestack.show.qt.start_parts import THUMBNAIL, NightCard
from livestack.show.qt.theme import pixmap
from livestack.show.starts import OpenNight, PlayDemo
from livestack.show.tokens import Palette

MOST_CARDS, MOST_NIGHTS = 4, 60
_BACKDROP = (320, 200)


class PastNights(QtWidgets.QWidget):
    """Cards of past nights, newest first; `chose` tells which is to be opened, `backdrop` has the newest's picture."""

    chose = QtCore.Signal(object)
    backdrop = QtCore.Signal(object)

    def __init__(self, palette: Palette, aside: Aside) -> None:
        super().__init__()
        self._palette, self._aside = palette, aside
        self._nights: list[Night] = []
        self.cards: list[NightCard] = []
        self.none = QtWidgets.QLabel("None yet. The first one appears here.", objectName="label")
        self.older = QtWidgets.QPushButton(objectName="link")
        self.older.clicked.connect(lambda: self._show_cards(len(self._nights)))
        self.demo = QtWidgets.QPushButton("Play the demo night", objectName="link")
        self.demo.clicked.connect(lambda: self.chose.emit(PlayDemo()))
        self._lay_out()

    def _lay_out(self) -> None:
        self.none.hide()
        self.older.hide()
        self._list = QtWidgets.QVBoxLayout()
        self._list.setSpacing(8)
        self._star, without = QtWidgets.QLabel(), QtWidgets.QLabel("No telescope at hand?", objectName="tone")
        demo = QtWidgets.QHBoxLayout()
        demo.setSpacing(10)
        for part in (self._star, without, self.demo):
            demo.addWidget(part)
        demo.addStretch()
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(0)
        column.addWidget(QtWidgets.QLabel("Past nights", objectName="head"))
        column.addSpacing(20)
        column.addWidget(self.none)
        column.addLayout(self._list)
        column.addSpacing(12)
        column.addWidget(self.older, 0, QtCore.Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(16)
        column.addLayout(demo)
        column.addStretch()

    def look(self) -> None:
        """Find them."""
        self._aside.run(lambda: past_nights(datetime.now(UTC), MOST_NIGHTS), self._take)

    def _take(self, nights: list[Night]) -> None:
        self._nights = nights
        self.none.setVisible(not nights)
        self._show_cards(min(len(nights), MOST_CARDS))
        self.older.setText(f"All {count(len(nights), 'night')}")
        if nights:
            session = nights[0].session
            self._aside.run(lambda: small_picture(session, _BACKDROP), self.backdrop.emit)

    def _show_cards(self, n: int) -> None:
        ratio = self.devicePixelRatioF()
        size = round(THUMBNAIL[0] * ratio), round(THUMBNAIL[1] * ratio)
        for night in self._nights[len(self.cards) : n]:
            card = NightCard(self._palette, night)
            card.clicked.connect(lambda _=False, night=night: self.chose.emit(OpenNight(night.session)))
            self.cards.append(card)
            self._list.addWidget(card)
            self._show_picture(card, size)
        self.older.setVisible(len(self._nights) > n)

    def _show_picture(self, card: NightCard, size: tuple[int, int]) -> None:
        session = card.night.session

        def look() -> Array | None:
            return small_picture(session, size)

        self._aside.run(look, card.set_picture)

    def set_palette(self, palette: Palette) -> None:
        """Change colours."""
        self._palette = palette
        self._star.setPixmap(pixmap("star", palette.t2, 20, self.devicePixelRatioF()))
        for card in self.cards:
            card.set_palette(palette)
