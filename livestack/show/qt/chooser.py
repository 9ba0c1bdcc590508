"""Qt's own file chooser in the colours of the window: the system's would be white in the middle of a night."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.qt.red import redden
from livestack.show.qt.theme import pixmap
from livestack.show.tokens import Palette

_BUTTONS = {
    "backButton": "back",
    "forwardButton": "next",
    "toParentButton": "above",
    "newFolderButton": "plus",
    "listModeButton": "menu",
    "detailModeButton": "list",
}
_SIZE = QtCore.QSize(920, 560)


class _Icons(QtWidgets.QFileIconProvider):
    """Folders and files as outlines in one colour."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._folder = QtGui.QIcon(pixmap("folder", palette.t2, 20))
        self._file = QtGui.QIcon(pixmap("file", palette.t2, 20))

    def icon(self, of: object) -> QtGui.QIcon:
        """Return the icon of a kind of place, or of a file."""
        is_file = of.isFile() if isinstance(of, QtCore.QFileInfo) else of == self.IconType.File
        return self._file if is_file else self._folder


def chooser(parent: QtWidgets.QWidget, title: str, at: str, palette: Palette) -> QtWidgets.QFileDialog:
    """Return a file chooser that is still to be told what for, and opened.

    Parameters
    ----------
    at : str
        Where it begins: a folder, or a file that is proposed.
    """
    dialog = QtWidgets.QFileDialog(parent, title)
    dialog.setOption(QtWidgets.QFileDialog.Option.DontUseNativeDialog, True)
    dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
    icons = _Icons(palette)
    dialog.setIconProvider(icons)
    dialog.icons = icons  # Qt does not keep it
    for name, icon in _BUTTONS.items():
        button = dialog.findChild(QtWidgets.QToolButton, name)
        if button is not None:
            ratio = dialog.devicePixelRatioF()
            drawn = QtGui.QIcon(pixmap(icon, palette.t2, 20, ratio))
            drawn.addPixmap(pixmap(icon, palette.track, 20, ratio), QtGui.QIcon.Mode.Disabled)
            button.setIcon(drawn)
            button.setMinimumSize(32, 32)
    for field in dialog.findChildren(QtWidgets.QLineEdit):
        redden(field, palette)
    place = Path(at)
    dialog.setDirectory(str(place if place.is_dir() else place.parent))
    if not place.is_dir():
        dialog.selectFile(place.name)
    dialog.setSizeGripEnabled(False)  # grey at night
    dialog.resize(_SIZE)
    return dialog


def choose_folder(
    parent: QtWidgets.QWidget, title: str, at: Path, palette: Palette, then: Callable[[Path], None]
) -> None:
    """Let a folder be chosen; `then` hears which."""
    dialog = chooser(parent, title, str(at if at.is_dir() else Path.home()), palette)
    dialog.setFileMode(QtWidgets.QFileDialog.FileMode.Directory)
    for name in ("fileTypeLabel", "fileTypeCombo"):
        part = dialog.findChild(QtWidgets.QWidget, name)
        if part is not None:
            part.hide()
    dialog.setLabelText(QtWidgets.QFileDialog.DialogLabel.Accept, "Choose")
    dialog.setLabelText(QtWidgets.QFileDialog.DialogLabel.FileName, "Folder:")
    dialog.fileSelected.connect(lambda path: then(Path(path)))
    dialog.open()


def choose_file(
    parent: QtWidgets.QWidget, title: str, at: Path, palette: Palette, then: Callable[[Path], None]
) -> None:
    """Let a file be chosen; `then` hears which."""
    dialog = chooser(parent, title, str(at if at.is_dir() else Path.home()), palette)
    dialog.setFileMode(QtWidgets.QFileDialog.FileMode.ExistingFile)
    dialog.setLabelText(QtWidgets.QFileDialog.DialogLabel.Accept, "Choose")
    dialog.fileSelected.connect(lambda path: then(Path(path)))
    dialog.open()
