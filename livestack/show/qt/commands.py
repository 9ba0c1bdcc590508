"""Everything a key or the menu does, in one table: shortcuts, menu and help are all made from it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.counted import count
from livestack.develop.export import write_png
from livestack.frame import Array
from livestack.show.qt.canvas import ZOOM_STEP
from livestack.show.qt.chooser import chooser
from livestack.show.qt.compare import BLINK, WIPE
from livestack.show.qt.look import FILL, FIT, FREE
from livestack.show.qt.theme import text_scale
from livestack.show.sky import position, sexagesimal
from livestack.show.tokens import DARK, LIGHT
from livestack.show.views import COVERAGE, DIFFERENCE, LAST, NOISE, REMOVED, STACK
from livestack.show.words import THIN

if TYPE_CHECKING:
    from livestack.show.qt.window import Window

_NO_NAME = str.maketrans(dict.fromkeys('/\\:*?"<>|', "-"))
"""What no file system takes in a name."""


@dataclass(frozen=True)
class Command:
    """Something to do: its keys (the first is shown), what it is called, how.

    `repeats` is whether a held key does it again, `on_picture` whether its keys are for the picture alone, `shown` how
    they are written in the help where that is not the first of them; what has no text is not in the help.
    """

    keys: tuple[str, ...]
    text: str
    run: Callable[[Window], None]
    in_menu: bool = False
    repeats: bool = False
    on_picture: bool = False
    shown: str = ""


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
    view = window.live.view
    what = {STACK: stacked, LAST: "one sub", REMOVED: f"removed from {stacked}"}.get(view, f"{view} of {stacked}")
    if window.live.looking.no is not None:
        what = f"sub {window.live.looking.no}"
    name = f"{(window.live.state.target or 'Stack').translate(_NO_NAME)}, {what}.png"
    dialog = chooser(window, "Save picture as…", str(Path(pictures or Path.home()) / name), window.palette_now)
    dialog.setAcceptMode(QtWidgets.QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilter("Pictures (*.png)")
    dialog.setDefaultSuffix("png")
    dialog.fileSelected.connect(lambda path: write_picture(window, Path(path)))
    dialog.open()


def write_picture(window: Window, path: Path) -> None:
    """Write what is shown to a PNG file, in its full size and true colours."""

    def write(image: Array) -> None:
        write_png(path, image)

    def tell(written: Future[None]) -> None:
        try:
            written.result()
        except OSError as error:
            window.live.say(f"{path.name} could not be written: {error.strerror}. Choose another folder.")
        else:
            window.live.say(f"Saved {path.name} in {path.parent}.")

    window.canvas.rendered(write, tell)


def copy_position(window: Window, place: QtCore.QPointF | None = None) -> None:
    """Copy where a place of the picture is on the sky, else which px it is; by default the pointer's, or the middle."""
    canvas = window.canvas
    if place is None:
        pointer = canvas.mapFromGlobal(QtGui.QCursor.pos())
        place = QtCore.QPointF(pointer if canvas.rect().contains(pointer) else canvas.rect().center())
    px = canvas.array_px_at(place)
    if px is None:
        window.live.say("There is no picture here.")
        return
    on_sky = position(window.live.grid, *px)
    text = sexagesimal(*on_sky) if on_sky else f"x {px[0]:.1f}, y {px[1]:.1f}{THIN}px"
    QtWidgets.QApplication.clipboard().setText(text)
    window.live.say(f"Copied {text}" + ("." if on_sky else ": where that is on the sky, the subs do not say."))


def menu_here(window: Window, place: QtCore.QPoint) -> None:
    """Open the small menu of a place of the picture."""
    if not window.canvas.is_shown:
        return
    at = QtCore.QPointF(place)
    menu = QtWidgets.QMenu(window.canvas, objectName="here")
    menu.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.addAction("Look here at 100\u202f%\t1", lambda: window.canvas.look_at(window.canvas.px_at(at)))
    menu.addAction("Copy position\tCtrl+C", lambda: copy_position(window, at))
    menu.addAction("Save picture as…\tCtrl+S", lambda: save_picture(window))
    menu.popup(window.canvas.mapToGlobal(place))


def _north_up(window: Window) -> None:
    if window.live.grid.matrix is None and not window.live.is_north_up:
        window.live.say("Where north is, the subs do not say: they are not solved.")
        return
    window.live.is_north_up = not window.live.is_north_up
    window.live.show_picture()


def _mirror(window: Window) -> None:
    window.live.is_mirrored = not window.live.is_mirrored
    window.live.show_picture()


def _along(right: float, down: float = 0.0) -> Callable[[Window], None]:
    """Return what moves the line of the wipe, else the view of a picture that is zoomed, by shares of its size."""

    def move(window: Window) -> None:
        canvas = window.canvas
        if window.live.compare == WIPE:
            canvas.wipe_to(canvas.compare.at + right)
        elif canvas.look.mode == FREE:
            canvas.move_by(QtCore.QPointF(-right * canvas.width(), -down * canvas.height()))

    return move


def _wider(wider: int, higher: int = 0) -> Callable[[Window], None]:
    """Return what makes the panel wider or the drawer higher, as a hand on its edge does."""

    def resize(window: Window) -> None:
        if higher and window.drawer.isVisible():
            window.middle.resize_by(higher)
        if wider and window.develop.isVisible():
            window.develop.resize_by(wider)

    return resize


def _toggle(mode: str) -> Callable[[Window], None]:
    return lambda window: window.set_compare("" if window.live.compare == mode else mode)


def _view(view: str) -> Callable[[Window], None]:
    return lambda window: window.set_view(view)


def _full_screen(window: Window) -> None:
    top = window.window()
    top.showNormal() if top.isFullScreen() else top.showFullScreen()


def _light(window: Window) -> None:
    window.recolour(DARK if window.palette_now is LIGHT else LIGHT)


def _escape(window: Window) -> None:
    close = next((close for is_open, close in _ON_TOP if is_open(window)), None)
    if close is not None:
        close(window)


_ON_TOP: tuple[tuple[Callable[[Window], bool], Callable[[Window], object]], ...] = (
    (lambda w: w.settings_are_open, lambda w: w.set_settings(False)),
    (lambda w: w.help.isVisible(), lambda w: w.help.toggle()),
    (lambda w: w.audience.code.isVisible(), lambda w: w.audience.code.hide()),
    (lambda w: not w.top.isVisible(), lambda w: w.set_image_only(False)),
    (lambda w: w.live.compare != "", lambda w: w.set_compare("")),
    (lambda w: w.live.looking.no is not None, lambda w: w.live.looking.leave()),
    (lambda w: w.noise.isVisible(), lambda w: w.set_noise(False)),
    (lambda w: w.develop.isVisible(), lambda w: w.set_develop(False)),
    (lambda w: w.live.view != STACK, lambda w: w.set_view(STACK)),
    (lambda w: w.subs.isVisible(), lambda w: w.set_list(False)),
    (lambda w: w.plots.isVisible(), lambda w: w.set_plots(False)),
    (lambda w: w.window().isFullScreen(), lambda w: w.window().showNormal()),
)
"""What can be closed, the topmost first: whether it is open, and how it is closed."""


def _pressed() -> bool:
    """Press the button, or open the list, that has the focus; returns whether one has."""
    focused = QtWidgets.QApplication.focusWidget()
    if isinstance(focused, QtWidgets.QAbstractButton):
        focused.click()
    elif isinstance(focused, QtWidgets.QComboBox):
        focused.showPopup()
    else:
        return False
    return True


def _press_or_look(window: Window) -> None:
    """Press what has the focus, else look at the chosen sub."""
    if not _pressed():
        window.subs.look_at()


def _press_or_peek(window: Window) -> None:
    """Press what has the focus, else change between stack and last sub."""
    if not _pressed():
        window.peek()


def _night(window: Window) -> None:
    window.set_night(not window.night)
    if window.night and not window.window().isFullScreen():
        window.live.say("Full screen hides the title bar. F")


def _brighter(window: Window, by: int) -> None:
    """Change the night's red; by day these keys are + and − of keyboards that have them on a shifted key."""
    if window.night:
        window.set_night_level(by)
    else:
        _zoom(window, ZOOM_STEP**by)


def _full_size(window: Window) -> None:
    window.canvas.zoom_to(1.0 / window.canvas.devicePixelRatioF())


def _zoom(window: Window, factor: float) -> None:
    window.canvas.zoom_to(window.canvas.look.zoom * factor)


COMMANDS = (
    Command(("R",), "Pause or go on", hold_or_go, in_menu=True),
    Command(
        ("Space",),
        "Last sub or stack",
        _press_or_peek,
        in_menu=True,
    ),
    Command(("W",), "Wipe from last sub to stack", _toggle(WIPE), in_menu=True),
    Command(("Right",), "Move the wipe or the view", _along(0.05), repeats=True, on_picture=True, shown="← → ↑ ↓"),
    *(
        Command((keys,), "", _along(*way), repeats=True, on_picture=True)
        for keys, way in (
            ("Left", (-0.05, 0.0)),
            ("Up", (0.0, -0.05)),
            ("Down", (0.0, 0.05)),
            ("Shift+Right", (0.01, 0.0)),
            ("Shift+Left", (-0.01, 0.0)),
            ("Shift+Up", (0.0, -0.01)),
            ("Shift+Down", (0.0, 0.01)),
        )
    ),
    Command(("B",), "Blink last sub and stack", _toggle(BLINK), in_menu=True),
    Command(("A",), "Stack", _view(STACK), in_menu=True),
    Command(("E",), "Difference", _view(DIFFERENCE), in_menu=True),
    Command(("V",), "Noise", _view(NOISE), in_menu=True),
    Command(("C",), "Coverage", _view(COVERAGE), in_menu=True),
    Command(("M",), "What was removed", _view(REMOVED), in_menu=True),
    Command(("O",), "Overlays: trails, stars, north", lambda w: w.set_overlays(not w.lines.shown), in_menu=True),
    Command(("U",), "North up", _north_up, in_menu=True),
    Command(("Shift+U",), "Mirrored", _mirror, in_menu=True),
    Command(("S",), "Save the stack now", save_stack, in_menu=True),
    Command(("Ctrl+S",), "Save picture as…", save_picture, in_menu=True),
    Command(("Ctrl+C",), "Copy position", copy_position),
    Command((), "Start over", start_over, in_menu=True),
    Command(("D",), "Develop", lambda w: w.set_develop(not w.develop.isVisible())),
    Command(("P",), "Night plots", lambda w: w.set_plots(w.plots not in w.drawer.open)),
    Command(("L",), "Subs", lambda w: w.set_list(w.subs not in w.drawer.open)),
    Command(("Shift+V",), "Where the noise comes from", lambda w: w.set_noise(not w.noise.isVisible()), in_menu=True),
    Command(("Ctrl+Up",), "Size of drawer and panel", _wider(0, 1), repeats=True, shown="Ctrl ↑ ↓ ← →"),
    *(
        Command((keys,), "", _wider(*way), repeats=True)
        for keys, way in (("Ctrl+Down", (0, -1)), ("Ctrl+Left", (1, 0)), ("Ctrl+Right", (-1, 0)))
    ),
    Command(("0", "Ctrl+0"), "Whole picture", lambda w: w.canvas.go(FIT), in_menu=True),
    Command(("1", "Ctrl+1"), "100\u202f%", _full_size, in_menu=True),
    Command(("G",), "Fill the window", lambda w: w.canvas.go(FILL), in_menu=True),
    Command(("+", "=", "Y"), "Zoom in", lambda w: _zoom(w, ZOOM_STEP), repeats=True),
    Command(("-", "H"), "Zoom out", lambda w: _zoom(w, 1 / ZOOM_STEP), repeats=True),
    Command(("F", "F11"), "Full screen", _full_screen),
    Command(("Shift+F",), "Screen for guests", lambda w: w.audience.toggle_stage(), in_menu=True),
    Command((), "Show to guests", lambda w: w.audience.publish(), in_menu=True),
    Command(("Q",), "Code for guests' phones", lambda w: w.audience.toggle_code(), in_menu=True),
    Command(("K",), "Quiet the alert", lambda w: w.audience.quiet(), in_menu=True),
    Command(("I",), "Picture only", lambda w: w.set_image_only(w.top.isVisible()), in_menu=True),
    Command(("N", "Ctrl+N"), "Night colours", _night),
    Command(("Shift++",), "Night brighter", lambda w: _brighter(w, 1), repeats=True, shown="Shift +"),
    Command(("Shift+-",), "Night darker", lambda w: _brighter(w, -1), repeats=True, shown="Shift −"),
    Command(("Ctrl+T",), "Big text", lambda w: w.set_big_text(text_scale() == 1), in_menu=True),
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
    Command((), "Light colours", _light, in_menu=True),
    Command(("Ctrl+,",), "Settings", lambda w: w.set_settings(not w.settings_are_open), in_menu=True),
    Command(("Ctrl+O",), "Another folder or night", lambda w: w.asked.emit("start"), in_menu=True),
    Command((), "End the session, it is saved", lambda w: w.asked.emit("end"), in_menu=True),
    Command(("Ctrl+Q",), "Quit, the session is saved", lambda w: w.window().close(), in_menu=True),
)
"""All of them."""
