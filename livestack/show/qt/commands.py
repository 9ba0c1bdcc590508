"""Everything a key or the menu does, in one table: shortcuts, menu and help are all made from it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
from pyqtgraph.Qt import QtCore, QtWidgets

from livestack.frame import Array
from livestack.show.qt.canvas import FILL, FIT, ZOOM_STEP
from livestack.show.words import count

if TYPE_CHECKING:
    from livestack.show.qt.window import Window


@dataclass(frozen=True)
class Command:
    """Something to do: its keys (the first is shown), what it is called, how; whether a held key repeats it."""

    keys: tuple[str, ...]
    text: str
    run: Callable[[Window], None]
    in_menu: bool = False
    repeats: bool = False


def hold_or_go(window: Window) -> None:
    """Ask the engine to hold after the sub in hand, or to go on."""
    if window.live.state.stopped is not None:
        window.live.say("Nothing runs here now: watch the folder again to go on.")
    elif window.live.state.held is not None:
        window.live.ask("go", "Going on with the subs that wait.")
    else:
        window.live.ask("hold", "Pausing after the sub in hand. R goes on.")


def start_over(window: Window) -> None:
    """Ask for a new stack; the old one is saved, and its subs can be put back."""
    window.live.ask("start_over", "A new stack begins with the next sub. The old one stays saved in the session.")


def save_stack(window: Window) -> None:
    """Ask for the stack file now."""
    window.live.ask("save", "Saving the stack.")


def save_picture(window: Window) -> None:
    """Choose a name and write what is shown, as PNG."""
    if not window.canvas.is_shown:
        window.live.say("There is no picture to save yet.")
        return
    pictures = QtCore.QStandardPaths.writableLocation(QtCore.QStandardPaths.StandardLocation.PicturesLocation)
    stacked = count(window.live.state.n_stacked, "sub")
    what = {"last": "one sub", "removed": f"removed from {stacked}"}.get(window.live.view, stacked)
    if window.live.looking.no is not None:
        what = f"sub {window.live.looking.no}"
    name = f"{window.live.state.target or 'Stack'}, {what}.png"
    dialog = QtWidgets.QFileDialog(window, "Save picture as…", str(Path(pictures or Path.home()) / name))
    dialog.setAcceptMode(QtWidgets.QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilter("Pictures (*.png)")
    dialog.setDefaultSuffix("png")
    dialog.setOption(QtWidgets.QFileDialog.Option.DontUseNativeDialog, True)
    dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda path: write_picture(window, Path(path)))
    dialog.open()


def write_picture(window: Window, path: Path) -> None:
    """Write what is shown to a PNG file, in its full size and true colours."""

    def write(image: Array) -> None:
        coded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image)[1]
        path.write_bytes(coded.tobytes())

    def tell(written: Future[None]) -> None:
        try:
            written.result()
        except OSError as error:
            window.live.say(f"{path.name} could not be written: {error.strerror}. Choose another folder.")
        else:
            window.live.say(f"Saved {path.name} in {path.parent}.")

    window.canvas.rendered(write, tell)


def _full_screen(window: Window) -> None:
    window.showNormal() if window.isFullScreen() else window.showFullScreen()


def _escape(window: Window) -> None:
    if window.help.isVisible():
        window.help.toggle()
    elif not window.top.isVisible():
        window.set_image_only(False)
    elif window.live.looking.no is not None:
        window.live.looking.leave()
    elif window.noise.isVisible():
        window.set_noise(False)
    elif window.develop.isVisible():
        window.set_develop(False)
    elif window.live.view != "stack":
        window.set_view("stack")
    elif window.subs.isVisible():
        window.set_list(False)
    elif window.plots.isVisible():
        window.set_plots(False)
    elif window.isFullScreen():
        window.showNormal()


def _press_or_look(window: Window) -> None:
    """Press the button that has the focus, else look at the chosen sub."""
    focused = QtWidgets.QApplication.focusWidget()
    if isinstance(focused, QtWidgets.QAbstractButton):
        focused.click()
    else:
        window.subs.look_at()


def _full_size(window: Window) -> None:
    window.canvas.zoom_to(1.0 / window.canvas.devicePixelRatioF())


def _zoom(window: Window, factor: float) -> None:
    window.canvas.zoom_to(window.canvas.look.zoom * factor)


COMMANDS = (
    Command(("R",), "Pause or go on", hold_or_go, in_menu=True),
    Command(
        ("Space",),
        "Last sub or stack",
        lambda w: w.set_view("stack" if w.live.view == "last" else "last"),
        in_menu=True,
    ),
    Command(("A",), "Stack", lambda w: w.set_view("stack"), in_menu=True),
    Command(("M",), "What was removed", lambda w: w.set_view("removed"), in_menu=True),
    Command(("O",), "Overlays: trails", lambda w: w.set_overlays(not w.lines.shown), in_menu=True),
    Command(("S",), "Save the stack now", save_stack, in_menu=True),
    Command(("Ctrl+S",), "Save picture as…", save_picture, in_menu=True),
    Command((), "Start over", start_over, in_menu=True),
    Command(("D",), "Develop", lambda w: w.set_develop(not w.develop.isVisible())),
    Command(("P",), "Night plots", lambda w: w.set_plots(w.plots not in w.drawer.open)),
    Command(("L",), "Subs", lambda w: w.set_list(w.subs not in w.drawer.open)),
    Command(("Shift+V",), "Where the noise comes from", lambda w: w.set_noise(not w.noise.isVisible()), in_menu=True),
    Command(("0", "Ctrl+0"), "Whole picture", lambda w: w.canvas.go(FIT), in_menu=True),
    Command(("1", "Ctrl+1"), "100\u202f%", _full_size, in_menu=True),
    Command(("G",), "Fill the window", lambda w: w.canvas.go(FILL), in_menu=True),
    Command(("+", "=", "Y"), "Zoom in", lambda w: _zoom(w, ZOOM_STEP), repeats=True),
    Command(("-", "H"), "Zoom out", lambda w: _zoom(w, 1 / ZOOM_STEP), repeats=True),
    Command(("F", "F11"), "Full screen", _full_screen),
    Command(("I",), "Picture only", lambda w: w.set_image_only(w.top.isVisible()), in_menu=True),
    Command(("N", "Ctrl+N"), "Night colours", lambda w: w.set_night(not w.night)),
    Command((",",), "Previous sub", lambda w: w.step(-1), repeats=True),
    Command((".",), "Next sub", lambda w: w.step(1), repeats=True),
    Command(("Return", "Enter"), "Look at the chosen sub", _press_or_look),
    Command(("Del",), "Drop the chosen subs", lambda w: w.subs.ask("drop")),
    Command(("Ins",), "Put the chosen subs back", lambda w: w.subs.ask("restore")),
    Command(("Ctrl+Z",), "Take the last of these back", lambda w: w.live.undo(), in_menu=True),
    Command(("Ctrl+Return",), "Open the folder of the sub", lambda w: w.subs.open_folder()),
    Command(("Shift+L",), "All subs, left out, trails", lambda w: w.subs.next_list()),
    Command(("Ctrl+L",), "Sort the subs by the next column", lambda w: w.subs.sort_by_next()),
    Command(("?", "F1"), "Keys", lambda w: w.help.toggle(), in_menu=True),
    Command(("Esc",), "Close what is on top", _escape),
    Command(("Ctrl+Q",), "Quit, the session is saved", lambda w: w.close(), in_menu=True),
)
"""All of them."""
