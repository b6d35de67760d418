"""All classes as answers: a button each, or a list to search where there are many."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QLineEdit,
    QListWidget,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.translation import listing, tr
from app.widgets.quiz.answer_row import AnswerRow
from app.widgets.translated import TranslatedWidget

MOST_BUTTONS = 9  # as many as there are digits to press
LIST_LEAST_PX = 132
ROWS_LEAST = 3  # in sight; in a low window one scrolls to the others
SPACING_PX = 6


class AnswerChoice(TranslatedWidget):
    """Asks for one class."""

    chosen = Signal(int)  # label

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self._rows: list[AnswerRow] = []
        self._colours: Mapping[str, str] = {}
        self._marks: tuple[tuple[str, int], ...] = ()
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self.chosen)
        self._filter, self._list = QLineEdit(), QListWidget()
        self._filter.setClearButtonEnabled(True)
        self._filter.textChanged.connect(self._on_filter_changed)
        self._list.setMinimumHeight(LIST_LEAST_PX)
        self._list.currentRowChanged.connect(self._on_row_changed)
        rows = QWidget()
        rows.setObjectName("bare")
        self._column = QVBoxLayout(rows)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACING_PX)
        self._scroll = QScrollArea()
        self._scroll.setWidget(rows)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACING_PX)
        layout.addWidget(self._scroll)
        layout.addWidget(self._filter)
        layout.addWidget(self._list, 1)
        for part in (self._scroll, self._filter, self._list):
            part.hide()  # until it is known how many classes there are
        self.retranslate()

    @property
    def has_keys(self) -> bool:
        """Whether the digits choose classes; in a list they are typed into the search."""
        return 0 < len(self._names) <= MOST_BUTTONS

    def show_classes(self, names: Sequence[str]) -> None:
        """Offer classes, in the order of their labels."""
        if tuple(names) == self._names:
            return
        if len(names) != len(self._names):
            self._make_rows(len(names) if len(names) <= MOST_BUTTONS else 0)
        self._names = tuple(names)
        for row, name in zip(self._rows, names, strict=False):
            row.show_class(name)
        self._list.blockSignals(True)
        self._list.clear()
        if not self._rows:
            self._list.addItems(list(names))
        self._list.blockSignals(False)
        self._filter.setVisible(not self._rows)
        self._list.setVisible(not self._rows)
        self._say_marks()

    def show_answer(self, label: int | None) -> None:
        """Mark the answer that would count now; nothing is told of it."""
        self._group.setExclusive(False)  # else nothing could be unmarked
        for number, row in enumerate(self._rows):
            row.setChecked(number == label)
            if number == label:
                self._scroll.ensureWidgetVisible(row, 0, 0)
        self._group.setExclusive(True)
        if not self._rows:
            self._list.blockSignals(True)
            self._list.setCurrentRow(-1 if label is None else label)
            self._list.blockSignals(False)

    def show_marks(self, marks: Sequence[tuple[str, int]]) -> None:
        """Write words beside classes, such as who answered so: (word, label) each."""
        self._marks = tuple(marks)
        self._say_marks()

    def clear_search(self) -> None:
        """Show all classes again."""
        self._filter.clear()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._colours = colours
        for row in self._rows:
            row.show_colours(colours)

    def retranslate(self) -> None:
        self._filter.setPlaceholderText(tr("Search for a class"))
        self._filter.setAccessibleName(tr("Search for a class"))
        self._list.setAccessibleName(tr("Your answer"))

    def _make_rows(self, n: int) -> None:
        for row in self._rows:
            self._group.removeButton(row)
            self._column.removeWidget(row)
            row.deleteLater()
        self._rows = [AnswerRow(str(number + 1)) for number in range(n)]
        self._scroll.setVisible(n > 0)
        if n:
            height = self._rows[0].sizeHint().height() + SPACING_PX
            self._scroll.setMinimumHeight(min(n, ROWS_LEAST) * height - SPACING_PX)
            self._scroll.setMaximumHeight(n * height - SPACING_PX)
        for number, row in enumerate(self._rows):
            row.show_colours(self._colours)
            self._group.addButton(row, number)
            self._column.addWidget(row)

    def _say_marks(self) -> None:
        for label, name in enumerate(self._names):
            who = [word for word, of in self._marks if of == label]
            note = listing(who) if who else ""
            if self._rows:
                self._rows[label].show_note(note)
            else:
                self._list.item(label).setText(f"{name}   ({note})" if note else name)

    @Slot(int)
    def _on_row_changed(self, row: int) -> None:
        if row >= 0:
            self.chosen.emit(row)

    @Slot(str)
    def _on_filter_changed(self, text: str) -> None:
        wanted = text.casefold()
        for label, name in enumerate(self._names):
            self._list.item(label).setHidden(wanted not in name.casefold())

    def focus_search(self) -> None:
        """Let what is typed go into the search, where there is one."""
        if not self._rows:
            self._filter.setFocus(Qt.FocusReason.OtherFocusReason)
