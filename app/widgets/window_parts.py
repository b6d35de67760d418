"""The frame around the pages: rail, menu bar, and the window about the program."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QAction, QActionGroup, QIcon, QKeySequence
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QMenu,
    QMenuBar,
    QMessageBox,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.i18n import LANGUAGES, tr
from app.widgets.labels import plain_tip

WIDTH_PX = 88
ICON_PX = 24


class Rail(QFrame):
    """Buttons for the pages, of which one is down, and for language and theme.

    Args:
        n_pages: How many; Ctrl+1, Ctrl+2, ... choose them from the keyboard.
    """

    page_chosen = Signal(int)
    language_pressed = Signal()
    theme_pressed = Signal()

    def __init__(self, n_pages: int) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setMinimumWidth(WIDTH_PX)
        self._pages = [_button() for _ in range(n_pages)]
        self._language, self._theme = _button(), _button()
        self._group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 10, 0, 10)
        layout.setSpacing(2)
        for index, button in enumerate(self._pages):
            button.setCheckable(True)
            button.setShortcut(QKeySequence(f"Ctrl+{index + 1}"))
            self._group.addButton(button, index)
            layout.addWidget(button)
        layout.addStretch()
        layout.addWidget(self._language)
        layout.addWidget(self._theme)
        self._group.idClicked.connect(self.page_chosen)
        self._language.clicked.connect(self.language_pressed)
        self._theme.clicked.connect(self.theme_pressed)

    def choose(self, page: int) -> None:
        """Press the button of `page` without telling anybody."""
        self._pages[page].setChecked(True)

    def show_words(self, pages: Sequence[str], language: str, theme: str) -> None:
        """Name the buttons."""
        for index, (button, name) in enumerate(zip(self._pages, pages, strict=True)):
            shortcut = QKeySequence(f"Ctrl+{index + 1}")
            button.setText(name)
            button.setToolTip(
                f"{name}  ({shortcut.toString(QKeySequence.SequenceFormat.NativeText)})"
            )
            button.setShortcut(shortcut)  # setText takes it away
        self._language.setText(language)
        self._theme.setText(theme)

    def show_icons(self, pages: Sequence[QIcon], language: QIcon, theme: QIcon) -> None:
        """Draw the buttons."""
        for button, icon in zip(
            [*self._pages, self._language, self._theme], [*pages, language, theme], strict=True
        ):
            button.setIcon(icon)


def _button() -> QToolButton:
    button = QToolButton()
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
    button.setIconSize(QSize(ICON_PX, ICON_PX))
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


class MenuBar(QMenuBar):
    """The menus; they tell what was chosen and decide nothing.

    Args:
        themes: The names that `theme_chosen` may give.
    """

    zip_wanted = Signal()
    folder_wanted = Signal()
    model_wanted = Signal()
    films_wanted = Signal()
    demo_wanted = Signal()
    recent_chosen = Signal(list)  # of str: the zips and folders of one dataset
    quit_wanted = Signal()
    about_wanted = Signal()
    guided_demo_wanted = Signal()
    help_wanted = Signal()
    tutorial_wanted = Signal()
    shortcuts_wanted = Signal()
    language_chosen = Signal(str)
    theme_chosen = Signal(str)

    def __init__(self, themes: Sequence[str]) -> None:
        super().__init__()
        self._file, self._view, self._help = QMenu(), QMenu(), QMenu()
        for menu in (self._file, self._view, self._help):
            self.addMenu(menu)
        self._zip = self._add(self._file, self.zip_wanted, "Ctrl+O")
        self._folder = self._add(self._file, self.folder_wanted, "Ctrl+Shift+O")
        self._recent = self._file.addMenu("")
        self._demo = self._add(self._file, self.demo_wanted)
        self._file.addSeparator()
        self._films = self._add(self._file, self.films_wanted, "Ctrl+R")
        self._model = self._add(self._file, self.model_wanted, "Ctrl+M")
        self._file.addSeparator()
        self._quit = self._add(self._file, self.quit_wanted, "Ctrl+Q")
        self._quit.setMenuRole(QAction.MenuRole.QuitRole)

        self._languages = self._add_choices(list(LANGUAGES), self.language_chosen)
        for action in self._languages.actions():
            action.setText(LANGUAGES[action.data()])  # each in its own words
        self._view.addSeparator()
        self._themes = self._add_choices(themes, self.theme_chosen)
        self._pages = self._add(self._help, self.help_wanted, "F1")
        self._tutorial = self._add(self._help, self.tutorial_wanted)
        self._shortcuts = self._add(self._help, self.shortcuts_wanted)
        self._guided_demo = self._add(self._help, self.guided_demo_wanted)
        self._help.addSeparator()
        self._about = self._add(self._help, self.about_wanted)
        self._about.setMenuRole(QAction.MenuRole.AboutRole)
        self.retranslate()

    def show_state(self, language: str, theme: str) -> None:
        """Tick the language and theme in use."""
        for group, current in ((self._languages, language), (self._themes, theme)):
            for action in group.actions():
                action.setChecked(action.data() == current)

    def show_recent(self, datasets: Sequence[Sequence[str]]) -> None:
        """Offer the datasets that were opened last."""
        self._recent.clear()
        self._recent.setEnabled(bool(datasets))
        for sources in datasets:
            names = ", ".join(Path(source).name for source in sources)
            action = self._recent.addAction(names.replace("&", "&&"))  # no shortcut in a name
            action.setToolTip(plain_tip("\n".join(sources)))
            action.triggered.connect(
                lambda _checked=False, chosen=list(sources): self.recent_chosen.emit(chosen)
            )

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every word."""
        self._file.setTitle(tr("File"))
        self._view.setTitle(tr("View"))
        self._help.setTitle(tr("Help"))
        self._zip.setText(tr("Open zip …"))
        self._folder.setText(tr("Open folder …"))
        self._recent.setTitle(tr("Open again"))
        self._demo.setText(tr("Open the built-in films"))
        self._films.setText(tr("Open X-rays …"))
        self._model.setText(tr("Open model …"))
        self._quit.setText(tr("Quit"))
        self._pages.setText(tr("Help for this page"))
        self._tutorial.setText(tr("Ten-minute tutorial"))
        self._shortcuts.setText(tr("Keyboard shortcuts"))
        self._guided_demo.setText(tr("Guided demo"))
        self._about.setText(tr("About PneumoScope"))
        names = {"dark": tr("Dark"), "light": tr("Light")}
        for action in self._themes.actions():
            action.setText(names[action.data()])

    def _add(self, menu: QMenu, signal: SignalInstance, shortcut: str = "") -> QAction:
        action = menu.addAction("")
        action.setShortcut(QKeySequence(shortcut))
        action.triggered.connect(lambda: signal.emit())  # without `checked`
        return action

    def _add_choices(self, values: Sequence[str], signal: SignalInstance) -> QActionGroup:
        group = QActionGroup(self)
        for value in values:
            action = self._view.addAction("")
            action.setData(value)
            action.setCheckable(True)
            group.addAction(action)
        group.triggered.connect(lambda action: signal.emit(action.data()))
        return group


def show_about(parent: QWidget) -> QMessageBox:
    """Open the window about the program, which blocks nothing; return it, shown."""
    box = QMessageBox(parent)
    box.setWindowTitle(tr("About PneumoScope"))
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(tr("PneumoScope trains and questions a ResNet on chest X-rays."))
    box.setInformativeText(
        tr("Research and teaching only, never diagnosis.")
        + "\n"
        + tr("Nothing leaves this computer.")
    )
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box
