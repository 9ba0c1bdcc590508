"""A hand on a real screen that starts livestack without arguments and clicks until a stack grows; prints how it went.

It knows what a person would: the folder is in the home folder, and is called M 27.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from pyqtgraph.Qt import QtCore, QtTest, QtWidgets

from livestack.commands.starting import Desk

PATIENCE_S = 400.0
STACKED = 3


class Robot:
    """Does one step after the other, each as soon as it can be done."""

    def __init__(self, most: int) -> None:
        self.desk, self.clicks, self.stacked = Desk(), 0, 0
        self.shell = self.desk.shell
        choosing = [self.choose, self.choose_in_dialog, self.accept] if most > 2 else []
        self.todo: list[Callable[[], bool]] = [*choosing, self.begin, self.grows]
        self._until = time.monotonic() + PATIENCE_S
        self._clock = QtCore.QTimer(interval=200)
        self._clock.timeout.connect(self.go_on)
        self._clock.start()

    def go_on(self) -> None:
        if self.todo and self.todo[0]():
            self.todo.pop(0)
        if not self.todo or time.monotonic() > self._until:
            self.shell.close()

    def click(self, widget: QtWidgets.QWidget, place: QtCore.QPoint | None = None) -> None:
        self.clicks += 1
        QtTest.QTest.mouseClick(widget, QtCore.Qt.MouseButton.LeftButton, pos=place or widget.rect().center())

    def choose(self) -> bool:
        page = self.shell.page
        if page is None or not page.isVisible():
            return False
        self.click(page.zone.choose)
        return True

    def _dialog(self) -> QtWidgets.QFileDialog | None:
        return self.shell.page.findChild(QtWidgets.QFileDialog) if self.shell.page else None

    def choose_in_dialog(self) -> bool:
        dialog = self._dialog()
        for name in ("treeView", "listView"):
            view = dialog.findChild(QtWidgets.QAbstractItemView, name) if dialog else None
            if view is None or not view.isVisible():
                continue
            for row in range(view.model().rowCount(view.rootIndex())):
                index = view.model().index(row, 0, view.rootIndex())
                if index.data() == "M 27":
                    self.click(view.viewport(), view.visualRect(index).center())
                    return True
        return False

    def accept(self) -> bool:
        dialog = self._dialog()
        box = dialog.findChild(QtWidgets.QDialogButtonBox) if dialog else None
        button = next((each for each in box.buttons() if each.text() == "Choose"), None) if box else None
        if button is None or not button.isEnabled():
            return False
        assert button.icon().isNull(), "a desktop's icons have its colours, at night too"
        self.click(button)
        return True

    def begin(self) -> bool:
        page = self.shell.page
        if page is None or not page.start.isEnabled() or not page.chosen.all.text().startswith("Stack all 6"):
            return False
        self.click(page.start)
        return True

    def grows(self) -> bool:
        viewer = self.shell.viewer
        if viewer is None:
            return False
        self.stacked = max(self.stacked, viewer.live.state.n_stacked)
        return self.stacked >= STACKED and bool(viewer.canvas.is_shown)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    robot = Robot(int(sys.argv[1]))
    code = robot.desk.begin()
    print(robot.clicks, robot.stacked, code)
