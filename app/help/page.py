"""Help: a list of pages at the left, the page at the right, links between them."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QUrl, Slot, qVersion
from PySide6.QtGui import QColor, QImage, QKeySequence, QResizeEvent, QShortcut, QTextDocument
from PySide6.QtWidgets import QApplication, QListWidget, QListWidgetItem, QPushButton, QTextBrowser

from app import theme as styling
from app.help.contents import anchors_of, page_file, page_names, page_text, page_title
from app.help.viewmodel import HelpViewModel
from app.i18n import language, tr
from app.settings import Theme
from app.widgets.layouts import h_box
from app.widgets.page import Page

LIST_PX = 200
MAX_TEXT_PX = 820
MARGIN_PX = 24


class HelpBrowser(QTextBrowser):
    """Shows one page; pictures are never wider than its text."""

    def __init__(self) -> None:
        super().__init__()
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self.folder = Path()  # from which pictures are read

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Read a picture beside the page; nothing else, and nothing from the network."""
        if kind != int(QTextDocument.ResourceType.ImageResource.value):
            return None
        path = QUrl(name).path() if isinstance(name, str) else name.path()
        image = QImage(str(self.folder / path))
        width = self.viewport().width() - 2 * MARGIN_PX - 12
        if image.width() > max(200, width):
            smooth = Qt.TransformationMode.SmoothTransformation
            image = image.scaledToWidth(max(200, width), smooth)
        return image


class HelpPage(Page):
    """The pages of resources/help in the language of the window."""

    def __init__(self, model: HelpViewModel) -> None:
        super().__init__()
        self._model = model
        self._name = "start"
        self._visited: list[str] = []  # before this page, the newest last
        self._list = QListWidget()
        self._list.setObjectName("contents")
        self._list.setFixedWidth(LIST_PX)
        self.browser = HelpBrowser()
        self.browser.setMaximumWidth(MAX_TEXT_PX)
        self._back, self._diagnose = QPushButton(), QPushButton()
        self._copied = False
        self.add_to_head(self._diagnose, self._back)
        self.body.addLayout(h_box(self._list, (self.browser, 1), None, spacing=16), 1)
        self._back.clicked.connect(self._on_back_clicked)
        self._diagnose.clicked.connect(model.diagnose)
        model.changed.connect(self._show_state)
        model.diagnosed.connect(self._on_model_diagnosed)
        self._list.currentItemChanged.connect(self._on_list_current_changed)
        self.browser.anchorClicked.connect(self._on_browser_anchor_clicked)
        back = QShortcut(QKeySequence(QKeySequence.StandardKey.Back), self)
        back.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        back.activated.connect(self._on_back_clicked)
        self.retranslate()

    @property
    def name(self) -> str:
        """The page that is shown."""
        return self._name

    def show_help(self, name: str, anchor: str = "") -> None:
        """Show a page, at one of its headings.

        Args:
            name: A file of resources/help, without its ending; unknown ones show the first.
            anchor: The heading as links write it.
        """
        name = name if name in page_names() else "start"
        if name != self._name:
            self._visited.append(self._name)
        self._show(name)
        if anchor:
            self._scroll_to(anchor)

    def apply_theme(self, theme: Theme) -> None:
        colours = styling.colours(theme)
        palette = self.browser.palette()
        palette.setColor(palette.ColorRole.Link, QColor(colours["accent"]))
        palette.setColor(palette.ColorRole.Text, QColor(colours["text"]))
        self.browser.setPalette(palette)
        self._show(self._name)  # links take their colour when they are laid out

    def retranslate(self) -> None:
        self.title.setText(tr("Help"))
        self._back.setText(tr("Back"))
        self._diagnose.setToolTip(
            tr(
                "Versions, devices, disk, fonts and a self-test of ten seconds, without names or "
                "paths of X-rays"
            )
        )
        self._show_state()
        self._list.setAccessibleName(tr("Pages of the help"))
        self.browser.setAccessibleName(tr("Help"))
        self._list.blockSignals(True)
        self._list.clear()
        for name in page_names():
            item = QListWidgetItem(page_title(name, language()))
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setSizeHint(QSize(0, self.fontMetrics().lineSpacing() + 12))
            self._list.addItem(item)
        self._list.blockSignals(False)
        self._show(self._name)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            place = self.browser.verticalScrollBar().value()
            self._show(self._name)  # pictures are as wide as there is room
            self.browser.verticalScrollBar().setValue(place)

    def _show(self, name: str) -> None:
        self._name = name
        self.browser.folder = page_file(name, language()).parent
        document = self.browser.document()
        document.setDocumentMargin(MARGIN_PX)
        self.browser.setMarkdown(page_text(name, language()))
        self._back.setEnabled(bool(self._visited))
        self._list.blockSignals(True)
        self._list.setCurrentRow(page_names().index(name))
        self._list.blockSignals(False)

    def _scroll_to(self, anchor: str) -> None:
        block = self.browser.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel() and anchor in anchors_of(block.text()):
                layout = self.browser.document().documentLayout()
                top = int(layout.blockBoundingRect(block).top())
                self.browser.verticalScrollBar().setValue(top - 8)
                return
            block = block.next()

    @Slot()
    def _show_state(self) -> None:
        is_busy = self._model.is_busy
        self._diagnose.setText(tr("Testing …") if is_busy else tr("Copy diagnostics"))
        self._diagnose.setEnabled(not is_busy)
        self.subtitle.setText(
            tr("Diagnostics are on the clipboard.") if self._copied and not is_busy else ""
        )

    @Slot(str)
    def _on_model_diagnosed(self, text: str) -> None:
        QApplication.clipboard().setText(f"{text}\n{_window_words()}\n")
        self._copied = True
        self._show_state()

    @Slot(QUrl)
    def _on_browser_anchor_clicked(self, link: QUrl) -> None:
        if link.isRelative() and (link.path().endswith(".md") or not link.path()):
            name = Path(link.path()).stem or self._name
            self.show_help(name, link.fragment())

    @Slot()
    def _on_back_clicked(self) -> None:
        if self._visited:
            self._show(self._visited.pop())

    @Slot()
    def _on_list_current_changed(self) -> None:
        item = self._list.currentItem()
        if item is not None:
            self.show_help(str(item.data(Qt.ItemDataRole.UserRole)))


def _window_words() -> str:
    """Tell of Qt, the screens and the fonts, in English as the rest."""
    screens = ", ".join(
        f"{one.size().width()}x{one.size().height()} at {one.devicePixelRatio():g}"
        for one in QApplication.screens()
    )
    fonts = ", ".join(QApplication.font().families())
    lines = (
        f"Qt {qVersion()}, {QApplication.platformName()}, language {language()}",
        f"screens: {screens}",
        f"fonts: {fonts}",
    )
    return "\n".join(lines)
