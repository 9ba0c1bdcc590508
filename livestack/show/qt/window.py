"""The viewer's window: top bar, picture, subs, glance bar."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.settings import PRESET, Settings
from livestack.show.qt.audience import Audience
from livestack.show.qt.bars import Glance, TopBar
from livestack.show.qt.canvas import Canvas
from livestack.show.qt.choice import Choice
from livestack.show.qt.commands import COMMANDS, menu_here
from livestack.show.qt.compare import BLINK, BLINK_FOR_MS, WIPE
from livestack.show.qt.develop import DevelopPanel
from livestack.show.qt.drawer import Drawer, Middle
from livestack.show.qt.hand import Hand
from livestack.show.qt.held import Held
from livestack.show.qt.kept import kept, kept_number
from livestack.show.qt.live import Live, Parts
from livestack.show.qt.marks import Marks
from livestack.show.qt.night import keep_night_level, night_level, worn
from livestack.show.qt.noise import NoisePanel
from livestack.show.qt.overlays import Help, Switcher, Tag, Waiting
from livestack.show.qt.plots import PlotsPanel
from livestack.show.qt.settings import SettingsSheet
from livestack.show.qt.side import Side
from livestack.show.qt.sizes import BIG_TEXT, fit_to_text
from livestack.show.qt.subs import SubsPanel
from livestack.show.qt.theme import dress
from livestack.show.qt.tongue import speak
from livestack.show.qt.trails import TrailLines
from livestack.show.source import Source
from livestack.show.state import SubRow
from livestack.show.tokens import DARK, LIGHT, NIGHT, Palette
from livestack.show.views import LAST, STACK
from livestack.show.words import percent


class Window(QtWidgets.QMainWindow):
    """What is where, and what can be opened and closed. `live` keeps it up to date."""

    night: bool
    live: Live
    top: TopBar
    canvas: Canvas
    subs: SubsPanel
    plots: PlotsPanel
    noise: NoisePanel
    drawer: Drawer
    develop: DevelopPanel
    lines: TrailLines
    marks: Marks
    help: Help
    audience: Audience
    asked: QtCore.Signal

    recoloured = QtCore.Signal(object)  # by hand, to this palette
    asked = QtCore.Signal(str)  # "start": for another folder or night; "end": for an end of the session

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.night = False
        QtWidgets.QApplication.instance().setProperty("textScale", BIG_TEXT if kept_number("big text", 0) else 1.0)
        self._held = Held(self)
        self._developing = False
        self.sheet: SettingsSheet | None = None
        self.setWindowTitle("livestack")
        self.setMinimumSize(800, 600)
        self.top, self.glance = TopBar(DARK), Glance(DARK)
        self.choice = Choice()
        self.canvas, self.subs, self.noise = Canvas(DARK), SubsPanel(DARK, self.choice), NoisePanel(DARK)
        self.plots = PlotsPanel(DARK, self.choice)
        self.drawer = Drawer(self.plots, self.subs, self.noise)
        self.develop = DevelopPanel(source.preset, DARK)
        self.marks, self.lines = Marks(self.canvas, DARK), TrailLines(self.canvas, DARK)
        self.hand = Hand(self.canvas)
        self.waiting, self.tag = Waiting(self.canvas, DARK), Tag(self.canvas, DARK)
        self.switcher = Switcher(self.canvas, self.set_view)
        named = [command for command in COMMANDS if command.keys and command.text]
        shown = [(command.shown or command.keys[0].replace("-", "−"), command.text) for command in named]
        self._lay_out()
        self.help = Help(self.centralWidget(), shown)
        self._bind()
        over = (self.waiting, self.tag, self.lines, self.marks)
        self.live = Live(source, Parts(self.top, self.canvas, *over, self.subs, self.noise, self.plots, self.glance))
        self.develop.chose.connect(self.live.set_recipe)
        self.develop.held.connect(self.canvas.hold)
        self.develop.closed.connect(lambda: self.set_develop(False))
        self.canvas.lit.connect(self.develop.set_light)
        self._bind_subs()
        self.audience = Audience(self, self.live, self.canvas, DARK)
        self.develop.shown_to_guests.connect(lambda _: self.audience.publish())
        self.menu.addSeparator()
        self.audience.ticks.fill(self.menu)
        speak(self)
        self.set_palette(DARK)
        self.live.tick()

    def _lay_out(self) -> None:
        self.middle = Middle(self.canvas, self.drawer)
        self.side = Side(self.middle, self.develop, (self.canvas, self.drawer))
        whole = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top)
        column.addWidget(self.side, 1)
        column.addWidget(self.glance)
        self.setCentralWidget(whole)

    def _bind(self) -> None:
        """Give every command its keys, and the icons and the menu what they do."""
        menu = self.menu = QtWidgets.QMenu(self)
        self._blinks = QtCore.QTimer(self, singleShot=True, interval=BLINK_FOR_MS)
        self._blinks.timeout.connect(lambda: self.set_compare(""))
        runs: dict[str, tuple[str, Callable[[], None]]] = {}
        for command in COMMANDS:
            run = _bound(command.run, self)
            for key in command.keys:
                shortcut = QtWidgets.QShortcut(
                    QtGui.QKeySequence(key), self.canvas if command.on_picture else self, run
                )
                shortcut.setAutoRepeat(command.repeats)
                if command.on_picture:
                    shortcut.setContext(QtCore.Qt.ShortcutContext.WidgetShortcut)
            if command.in_menu:
                menu.addAction(command.text + (f"\t{command.keys[0]}" if command.keys else ""), run)
            runs[command.keys[0] if command.keys else command.text] = command.text, run
        self.icons = {}
        for icon, key, checkable in (
            ("sliders", "D", True),
            ("chart", "P", True),
            ("list", "L", True),
            ("screen", "Shift+F", False),
            ("moon", "N", True),
            ("full", "F", False),
        ):
            text, run = runs[key]
            self.icons[icon] = self.top.add_icon(icon, text, key, checkable=checkable)
            self.icons[icon].clicked.connect(run)
            if icon == "list":  # what one sees in this window is apart from how, and where
                self.top.add_divider()
        more = self.top.add_icon("menu", "Menu")
        more.setMenu(menu)
        more.setPopupMode(QtWidgets.QToolButton.ToolButtonPopupMode.InstantPopup)
        self.canvas.touched.connect(self._touched)
        self.side.arranged.connect(self._cover)
        self.hand.began_to_wipe.connect(lambda: self.set_compare(WIPE))
        self.hand.asked_menu.connect(lambda place: menu_here(self, place))
        self.glance.grain.clicked.connect(lambda: self.set_noise(not self.noise.isVisible()))
        self.subs.trails.chose.connect(self.lines.set_chosen)

    def _bind_subs(self) -> None:
        """Let a sub be chosen, looked at and asked for from table, plots and ribbon."""
        ribbon = self.glance.ribbon
        self.subs.asked.connect(self.live.ask_subs)
        self.subs.folder.connect(self._open_folder)
        self.plots.unit.clicked.connect(self.live.show_all)
        ribbon.set_choice(self.choice)
        for steps in (ribbon.step, self.plots.field.step):
            steps.connect(self.step)
        for look in (self.subs.look, ribbon.look):
            look.connect(self.live.looking.at)

    def set_view(self, view: str) -> None:
        """Show one of the six views, by itself."""
        self.live.looking.leave()
        self.switcher.buttons[view].setChecked(True)
        self.set_compare("")
        self.live.set_view(view)

    def set_compare(self, mode: str) -> None:
        """Wipe between the last sub and the stack, or blink the two; "" = neither."""
        self.live.compare = mode
        if mode:
            self.live.view = STACK
            self.switcher.buttons[STACK].setChecked(True)
            self.canvas.setFocus(QtCore.Qt.FocusReason.OtherFocusReason)
        self._blinks.start() if mode == BLINK else self._blinks.stop()
        self.live.show_picture()

    def set_overlays(self, shown: bool) -> None:
        """Draw trails, stars and the way north on the picture, or not."""
        self.lines.set_shown(shown)
        self.marks.set_shown(shown)
        if shown and not self.lines.trails:
            self.live.say("Overlays are on. No trail was removed yet.")

    def set_list(self, shown: bool) -> None:
        """Open or close the tables."""
        self._open(self.subs, shown)
        (self.subs.table if shown else self.canvas).setFocus()
        if not shown:
            self.subs.trails.clearSelection()

    def set_plots(self, shown: bool) -> None:
        """Open or close the night plots."""
        self._open(self.plots, shown)

    def step(self, by: int) -> None:
        """Choose the sub before or after; where one is looked at, look at that one."""
        self.subs.step(by)
        if self.live.looking.no is not None and self.choice.chosen is not None:
            self.live.looking.at(self.choice.chosen)

    def set_develop(self, shown: bool) -> None:
        """Open or close the panel on which one chooses how the picture is developed."""
        self.icons["sliders"].setChecked(shown)
        if not shown:
            self._leave(self.develop)
        self.develop.setVisible(shown)
        self.canvas.hold(False)  # no hand has hold of a knob that is not there
        self.live.set_turned(shown)

    def set_noise(self, shown: bool) -> None:
        """Open or close the page that tells where the noise comes from."""
        self._open(self.noise, shown)
        self.live.show_noise()

    def _open(self, panel: QtWidgets.QWidget, shown: bool) -> None:
        """Open or close a panel of the drawer."""
        if not shown:
            self._leave(panel)
        self.drawer.set_open(panel, shown)
        for icon, its in (("list", self.subs), ("chart", self.plots)):
            self.icons[icon].setChecked(its in self.drawer.open)
        self.middle.settle()

    def _leave(self, panel: QtWidgets.QWidget) -> None:
        """Let the keys go to the picture, where they went to a panel that is closed now."""
        focused = self.focusWidget()
        if focused is panel or (focused is not None and panel.isAncestorOf(focused)):
            self.canvas.setFocus()

    def set_image_only(self, only: bool) -> None:
        """Show nothing but the picture, or everything again."""
        self.top.setVisible(not only)
        self.glance.setVisible(not only)
        if only:
            self._developing = self.develop.isVisible()
        self.drawer.setVisible(bool(self.drawer.open) and not only)
        self.middle.settle()
        self.set_develop(self._developing and not only)

    def set_night(self, night: bool) -> None:
        """Change to night colours, red on black, or back to the dark ones."""
        self.recolour(NIGHT if night else DARK)

    def recolour(self, palette: Palette) -> None:
        """Change all colours by hand."""
        self.set_palette(palette)
        self.recoloured.emit(palette)

    def set_palette(self, palette: Palette) -> None:
        """Change all colours at once; what lies over the picture stays dark in the light."""
        self.palette_now, self.night = palette, palette is NIGHT
        palette = worn(palette)
        self.setUpdatesEnabled(False)
        dress(palette)
        fit_to_text(self)
        over = (self.canvas, self.waiting, self.tag, self.lines, self.marks, self.audience)
        for part in over:
            part.set_palette(DARK if palette is LIGHT else palette)
        sheets = (self.top, self.glance, self.subs, self.plots, self.noise, self.develop, self.audience.code)
        for part in sheets:
            part.set_palette(palette)
        if self.sheet is not None:
            self.sheet.set_palette(palette)
        self.icons["moon"].setChecked(self.night)
        self.setUpdatesEnabled(True)

    @property
    def settings_are_open(self) -> bool:
        """Whether the sheet of settings is open."""
        return self.sheet is not None and self.sheet.isVisible()

    def set_settings(self, shown: bool) -> None:
        """Open or close the sheet of settings."""
        if self.sheet is None:
            self.sheet = SettingsSheet(self.centralWidget(), worn(self.palette_now))
            self.sheet.changed.connect(self._take_settings)
        self.sheet.set_open(shown)

    def _take_settings(self, settings: Settings) -> None:
        """Develop as the settings say, which is all of them that a running session can take."""
        self.develop.presets.setCurrentIndex(PRESET.index(settings.showing.preset))

    def set_night_level(self, by: int) -> None:
        """Make the night's red brighter or darker."""
        share = keep_night_level(night_level() + by)
        self.set_palette(NIGHT)
        self.live.say(f"Night colours at {percent(share)}.")

    def set_big_text(self, big: bool) -> None:
        """Make all text larger, and all that is pressed; or as it was."""
        QtWidgets.QApplication.instance().setProperty("textScale", BIG_TEXT if big else 1.0)
        kept().setValue("big text", int(big))
        self.set_palette(self.palette_now)
        self._fit()
        self.live.show_all()

    def peek(self) -> None:
        """Change between stack and last sub: for good, or for as long as the key is held."""
        view, compare = self.live.view, self.live.compare

        def back() -> None:
            self.set_view(view)
            self.set_compare(compare)

        self.set_view(STACK if view == LAST else LAST)
        self._held.press(back)

    def _open_folder(self, row: SubRow) -> None:
        from livestack.read import file_of

        folder = file_of(Path(row.path)).parent
        if not folder.is_dir():
            self.live.say(f"The folder of sub {row.no:,} is not there: {folder}.")
        else:
            QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(str(folder)))

    def _touched(self) -> None:
        self._cover()
        if self.live.picture is not None:
            self.switcher.appear()

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Give way on small windows."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.glance.fit(self.size())
        self.drawer.fit(self.size())
        self.side.arrange()
        if self.sheet is not None:
            self.sheet.fit()

    def _cover(self) -> None:
        """Keep what lies over the whole picture as large as what is seen of it."""
        for part in (self.waiting, self.lines, self.marks):
            part.resize(self.canvas.contentsRect().size())

    def stop_blinking(self) -> bool:
        """Let any key end it; returns whether there was something to end."""
        blinks = self.live.compare == BLINK
        if blinks:
            self.set_compare("")
        return blinks

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """End a blinking, whichever key it is."""
        self.stop_blinking()
        super().keyPressEvent(event)

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Stop following."""
        self._held.forget()
        self.live.close()
        self.audience.close()
        self.canvas.close_room()
        super().closeEvent(event)


def _bound(run: Callable[[Window], None], window: Window) -> Callable[[], None]:
    """Return a command for a signal that may bring arguments of its own."""

    def call(*_: object) -> None:
        if not window.stop_blinking():
            run(window)

    return call
