"""The one window of a command: the start page, then the viewer of what was begun, and back, in the same place."""

# mypy: allow-subclassing-any
from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.counted import count
from livestack.garbage import collect, collect_by_hand, settle_objects, unsettle_objects
from livestack.priority import come_at_once, take_short_turns
from livestack.show.qt.kept import kept, kept_word
from livestack.show.qt.lost import outlived
from livestack.show.qt.night import worn
from livestack.show.qt.placing import keep_place, take_place
from livestack.show.qt.start import StartPage
from livestack.show.qt.theme import COLOURS, dress, name_of
from livestack.show.qt.tongue import load
from livestack.show.qt.window import Window
from livestack.show.source import Source
from livestack.show.starts import ChooseAgain, OpenNight, StackFolder, Wish
from livestack.show.tokens import Palette
from livestack.show.words import place

_TICK_MS = 150  # how soon a signal, or the end of a session, is seen
_COLLECT_MS = 1000
_SETTLE_MS = 700  # time a screenshot waits after the last change
_COLOURS = "colours"


class Shell(QtWidgets.QMainWindow):
    """A window whose content changes; what was there stays until the next is complete."""

    def __init__(self) -> None:
        pg.setConfigOptions(imageAxisOrder="row-major")
        take_short_turns()
        come_at_once()
        collect_by_hand()
        self._app = pg.mkQApp("livestack")
        self._app.setStyle("Fusion")
        self.palette_now: Palette = COLOURS[kept_word(_COLOURS, COLOURS)]
        dress(worn(self.palette_now))
        load(self._app)
        super().__init__()
        self.setWindowTitle("livestack")
        self.setMinimumSize(800, 600)
        self.pages = QtWidgets.QStackedWidget()
        self.setCentralWidget(self.pages)
        self.page: StartPage | None = None
        self.viewer: Window | None = None
        self.is_over = False
        self._wish: Wish | None = None
        self._loop = QtCore.QEventLoop()
        self._clock = QtCore.QTimer(self, interval=_TICK_MS)
        self._clock.timeout.connect(self._tick)
        self._garbage = QtCore.QTimer(self, interval=_COLLECT_MS)
        self._garbage.timeout.connect(collect)
        self._garbage.start()
        self._ended: Callable[[], bool] | None = None
        self._go_on: Callable[[], int] | None = None

    def start(self, said: str = "") -> Wish | None:
        """Show the start page until something is chosen, and return that; None when the window is closed.

        Parameters
        ----------
        said : str
            What became of what was done before.
        """
        self._show_start(said, None)
        if self.viewer is not None:
            self._drop(self.viewer)
            self.viewer = None
        return self._wait(None)

    def view(self, source: Source) -> Wish | None:
        """Show a session until something else is to be done, and return that; None when the window is closed.

        A session that runs in this process is ended before that, and stays on screen until it has.
        """
        viewer = self._show_viewer(source)
        self._go_on = source.go_on
        wish = self._wait(source.ended)
        if source.stop is not None:
            source.stop()
            if wish is not None and source.ended is not None:
                wish = self._until_ended(viewer, source.ended, wish)
        viewer.live.clock.stop()
        self._go_on = None
        return wish

    def _show_start(self, said: str, running: str | None) -> None:
        page = StartPage(worn(self.palette_now), said, running)
        page.chose.connect(self._choose)
        page.left.connect(self._leave_start)
        page.asked_colours.connect(lambda name: self.set_colours(COLOURS[name]))
        self._drop_start()
        self.page = page
        self._put(page, page.start)

    def _show_viewer(self, source: Source) -> Window:
        viewer = Window(source)
        settle_objects()
        viewer.set_palette(self.palette_now)
        viewer.recoloured.connect(self._keep_colours)
        viewer.asked.connect(lambda what: self._asked(source, what))
        before, self.viewer = self.viewer, viewer
        self._put(viewer, viewer.canvas)
        self._drop_start()
        if before is not None:
            self._drop(before)
        return viewer

    def _put(self, page: QtWidgets.QWidget, focused: QtWidgets.QWidget) -> None:
        """Show a page in the place of the one before, in one go."""
        self.pages.addWidget(page)
        self.pages.setCurrentWidget(page)
        focused.setFocus()
        if not self.isVisible():
            take_place(self)

    def _drop_start(self) -> None:
        if self.page is not None:
            self.page.close_room()
            self.pages.removeWidget(self.page)
            self.page.deleteLater()
            self.page = None

    def _drop(self, viewer: Window) -> None:
        viewer.close()
        self.pages.removeWidget(viewer)
        viewer.destroyed.connect(unsettle_objects)  # its pictures are garbage then
        viewer.deleteLater()

    def _asked(self, source: Source, what: str) -> None:
        """Do what the viewer was asked for: the start page, or an end of the session."""
        if self.viewer is None:
            return
        if what == "end" and source.stop is None:
            self.viewer.live.say("Nothing runs in this window. Ctrl+O opens another folder or night.")
        elif what == "end":
            self._finish(ChooseAgain())
        else:
            state = self.viewer.live.state
            goes_on = source.stop is not None and state.stopped is None
            self._show_start("", (state.target or place(state.folder) or "The session") if goes_on else "")

    def _leave_start(self) -> None:
        """Go back to what runs."""
        if self.viewer is not None:
            self.pages.setCurrentWidget(self.viewer)
            self.viewer.canvas.setFocus()
            self._drop_start()

    def _choose(self, wish: Wish) -> None:
        if isinstance(wish, OpenNight) and self.page is not None and self.page.running:
            # what runs is not ended for a look at another night
            subprocess.Popen([sys.executable, "-m", "livestack", "view", str(wish.session)], start_new_session=True)
            self.page.say("The past night is in a window of its own.")
        elif self._runs(wish):
            self._leave_start()
        else:
            self._finish(wish)

    def _runs(self, wish: Wish) -> bool:
        """Whether a wish is what runs already."""
        if not isinstance(wish, StackFolder) or self.viewer is None or self.page is None or not self.page.running:
            return False
        return Path(self.viewer.live.state.folder) == wish.folder

    def _finish(self, wish: Wish | None) -> None:
        self._wish = wish
        self._loop.quit()

    def _wait(self, ended: Callable[[], bool] | None) -> Wish | None:
        self._wish, self._ended = None, ended
        if self.is_over:
            return None
        with _signals_close(self), outlived(self._go_on):
            self._clock.start()
            self._loop.exec()
            self._clock.stop()
        return self._wish

    def _tick(self) -> None:
        """Let Python see signals; see whether the session has ended by itself."""
        if self._ended is not None and self._ended():
            self._finish(None)

    def _until_ended(self, viewer: Window, ended: Callable[[], bool], wish: Wish) -> Wish | None:
        """Keep the window alive while a session saves what it has; then tell the start page."""
        if self.page is not None:
            self.page.say("The stack is saved first.")
        while not (ended() or self.is_over):
            self._wait(ended)
        if not isinstance(wish, ChooseAgain) or self.is_over:
            return None if self.is_over else wish
        viewer.live.tick()
        stacked = count(viewer.live.state.n_stacked, "sub")
        return ChooseAgain(f"Saved, with {stacked} in the stack. Start the same folder again tonight to go on.")

    def set_colours(self, palette: Palette) -> None:
        """Change all colours, and keep which."""
        self._keep_colours(palette)
        self.setUpdatesEnabled(False)
        dress(worn(palette))
        if self.page is not None:
            self.page.set_palette(worn(palette))
        if self.viewer is not None:
            self.viewer.set_palette(palette)
        self.setUpdatesEnabled(True)

    def _keep_colours(self, palette: Palette) -> None:
        self.palette_now = palette
        kept().setValue(_COLOURS, name_of(palette))

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Keep where the window is; end."""
        keep_place(self)
        self.is_over = True
        self._drop_start()
        if self.viewer is not None:
            self.viewer.close()
        super().closeEvent(event)
        self._finish(None)


@contextmanager
def _signals_close(window: QtWidgets.QWidget) -> Iterator[None]:
    """Close the window on SIGINT and SIGTERM; a clock lets Python see them in time.

    In a turn of the loop of its own: a signal comes in the middle of anything, which then would go on without a window.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, lambda *_: QtCore.QTimer.singleShot(0, window.close)) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def show_window(source: Source, screenshot: Path | None = None) -> int:
    """Show a session in a window of its own until it is closed; see `livestack.show.qt.run_viewer`."""
    shell = Shell()
    if screenshot is not None:
        QtCore.QTimer.singleShot(_SETTLE_MS, lambda: _write(shell, screenshot))
    shell.view(source)
    return 0


def _write(shell: Shell, screenshot: Path) -> None:
    if shell.viewer is None or shell.viewer.canvas.is_busy:
        QtCore.QTimer.singleShot(_SETTLE_MS, lambda: _write(shell, screenshot))
        return
    shell.grab().save(str(screenshot), "PNG")
    shell.close()
