"""The kinds of findings in a list, each with the sign of its severity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem

from app.widgets.labels import plain_tip
from app.widgets.severity_sign import sign_icon
from core.data.audit.findings import Severity

SIGN_PX = 20
ROW_PX = 46


@dataclass(frozen=True, slots=True)
class ListedKind:
    """One line of the list."""

    key: str
    severity: Severity
    title: str
    words: str  # a second line: severity and counts


class FindingList(QListWidget):
    """Lists kinds in the order given; one is always chosen."""

    chosen = Signal(str)  # key

    def __init__(self) -> None:
        super().__init__()
        self._signs: dict[str, QIcon] = {}
        self.setIconSize(QSize(SIGN_PX, SIGN_PX))
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.currentItemChanged.connect(self._on_current_item_changed)

    @property
    def key(self) -> str:
        """What is chosen; empty where the list is."""
        item = self.currentItem()
        return item.data(Qt.ItemDataRole.UserRole) if item is not None else ""

    def show_kinds(self, kinds: Sequence[ListedKind]) -> None:
        """Replace the lines; the choice stays where its key does, else it is the first line."""
        wanted = self.key
        with QSignalBlocker(self):
            self.clear()
            for kind in kinds:
                item = QListWidgetItem(f"{kind.title}\n{kind.words}")
                item.setData(Qt.ItemDataRole.UserRole, kind.key)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{kind.title}, {kind.words}")
                item.setData(Qt.ItemDataRole.UserRole + 1, kind.severity)
                item.setToolTip(plain_tip(f"{kind.title}\n{kind.words}"))
                item.setIcon(self._signs.get(kind.severity, QIcon()))
                item.setSizeHint(QSize(0, max(ROW_PX, 2 * self.fontMetrics().lineSpacing() + 10)))
                self.addItem(item)
            keys = [kind.key for kind in kinds]
            if keys:
                self.setCurrentRow(keys.index(wanted) if wanted in keys else 0)
        if keys:
            self.chosen.emit(self.key)

    def show_colours(self, colours: Mapping[Severity, str], ground: str) -> None:
        """Take a theme's colours for the signs, one a severity, as #rrggbb."""
        self._signs = {
            severity: sign_icon(severity, colour, ground, SIGN_PX)
            for severity, colour in colours.items()
        }
        for item in (self.item(row) for row in range(self.count())):
            item.setIcon(self._signs[item.data(Qt.ItemDataRole.UserRole + 1)])

    @Slot()
    def _on_current_item_changed(self) -> None:
        if self.key:
            self.chosen.emit(self.key)
