"""The drawer below the picture: night plots, subs, or both side by side; or the page of the noise."""

# mypy: allow-subclassing-any
from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

from livestack.show.qt.kept import kept, kept_number
from livestack.show.qt.noise import NoisePanel
from livestack.show.qt.plots import PLOTS_PX, PlotsPanel
from livestack.show.qt.sizes import is_small
from livestack.show.qt.subs import SubsPanel
from livestack.show.qt.theme import scaled

HEIGHT, LEAST = 308, 200
_SUBS_LEAST = 360  # beside the plots
_STEP_PX = 16
_KEY = "drawer/height"


class Drawer(QtWidgets.QWidget):
    """Panels that dock below the picture. Where there is no room for two, tabs change between them."""

    def __init__(self, plots: PlotsPanel, subs: SubsPanel, noise: NoisePanel) -> None:
        super().__init__()
        self.plots, self.subs, self.noise = plots, subs, noise
        self.open: frozenset[QtWidgets.QWidget] = frozenset()
        self._front: QtWidgets.QWidget = subs
        self._is_small = False
        self.tabs = QtWidgets.QTabBar(objectName="tabs", drawBase=False)
        for name in ("Night plots", "Subs"):
            self.tabs.addTab(name)
        self.tabs.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        self.tabs.currentChanged.connect(self._to_front)
        self._divider = QtWidgets.QFrame(objectName="divider")
        self._divider.setFixedWidth(1)
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(0)
        for part in (plots, self._divider, subs, noise):
            row.addWidget(part)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tabs)
        column.addLayout(row, 1)
        self._arrange()

    def set_open(self, panel: QtWidgets.QWidget, shown: bool) -> None:
        """Open or close a panel; the page of the noise stands alone."""
        others = self.open - {panel}
        if shown:
            others = frozenset() if self.noise in (*others, panel) else others
            self._front = panel
        self.open = others | ({panel} if shown else frozenset())
        self._arrange()

    @property
    def has_tabs(self) -> bool:
        """Whether plots and subs are both open, and only one of them has room."""
        has_room = self.contentsRect().width() >= scaled(PLOTS_PX + _SUBS_LEAST) + 1 and not self._is_small
        return self.open == {self.plots, self.subs} and not has_room

    def fit(self, window: QtCore.QSize) -> None:
        """Give way on small windows."""
        self._is_small = is_small(window)
        self._arrange()

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Give way where it is made narrow."""
        super().resizeEvent(event)
        self._arrange()

    def _to_front(self, place: int) -> None:
        self._front = (self.plots, self.subs)[place]
        self._arrange()

    def _arrange(self) -> None:
        tabs = self.has_tabs
        both = self.open == {self.plots, self.subs} and not tabs
        if both:
            self.plots.setFixedWidth(scaled(PLOTS_PX))
        else:
            self.plots.setMinimumWidth(0)
            self.plots.setMaximumWidth(16_777_215)
        shown = {self._front} if tabs else self.open
        for panel in (self.plots, self.subs, self.noise):
            panel.setVisible(panel in shown)
        self._divider.setVisible(both)
        self.tabs.setVisible(tabs)
        self.tabs.blockSignals(True)
        self.tabs.setCurrentIndex(0 if self._front is self.plots else 1)
        self.tabs.blockSignals(False)
        self.setVisible(bool(self.open))


class Middle(QtWidgets.QSplitter):
    """The picture, and below it the drawer; how high that is made by hand is kept."""

    def __init__(self, picture: QtWidgets.QWidget, drawer: Drawer) -> None:
        super().__init__(QtCore.Qt.Orientation.Vertical, childrenCollapsible=False)
        self._drawer = drawer
        self.setHandleWidth(1)
        self.addWidget(picture)
        self.addWidget(drawer)
        self.setStretchFactor(0, 1)
        self.setStretchFactor(1, 0)
        self.splitterMoved.connect(self._keep)

    def settle(self) -> None:
        """Give the drawer its height: as it was left, never more than half."""
        most = max(self.height() // 2, 1)
        self._drawer.setMinimumHeight(min(LEAST, most))
        self._drawer.setMaximumHeight(most)
        high = min(max(kept_number(_KEY, HEIGHT), LEAST), most)
        self.setSizes([self.height() - high, high])

    def resize_by(self, steps: int) -> None:
        """Make the drawer higher by so many steps, or lower."""
        high = self._drawer.height() + steps * scaled(_STEP_PX)
        self.setSizes([self.height() - high, high])
        self._keep()

    def _keep(self, *_: int) -> None:
        kept().setValue(_KEY, self._drawer.height())

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Keep the drawer as high as it was made."""
        super().resizeEvent(event)
        if self._drawer.isVisible():
            self.settle()
