"""The probabilities of all classes, which of them remain possible, and whose heat map is shown."""

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QListView, QSizePolicy, QVBoxLayout

from app.translation import tr
from app.widgets.labels import plain_label
from app.widgets.translated import TranslatedWidget
from app.widgets.trust.chip import Chip
from app.widgets.trust.class_rows import ClassRow, ClassRowDelegate, ClassRows, row_height

MAX_ROWS: Final = 8  # with more classes the rows scroll


class ProbabilityBars(TranslatedWidget):
    """One row a class, the most probable first; weight and words mark rows, not colour alone."""

    class_chosen = Signal(int)  # index among the names: show the heat map of this class

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self._probabilities: tuple[float, ...] = ()
        self._candidates: tuple[int, ...] = ()
        self._is_calibrated = False
        self._title, self._chip = plain_label("sectionTitle"), Chip()
        self._summary = plain_label("muted", wraps=True)
        self._rows, self._view = ClassRows(self), QListView()
        self._delegate = ClassRowDelegate(self)
        self._view.setModel(self._rows)
        self._view.setItemDelegate(self._delegate)
        self._view.setUniformItemSizes(True)
        self._view.setMouseTracking(True)  # for the row under the mouse
        self._view.setFrameShape(QFrame.Shape.NoFrame)
        self._view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self._view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._view.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        # The rows lie on the card, not in a field of their own as other lists do.
        self._view.setStyleSheet("QListView { background: transparent; border: none; }")
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._chip)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._summary)
        column.addWidget(self._view)
        column.addStretch()  # else the summary would take what room is left
        self._view.selectionModel().currentChanged.connect(self._on_current_changed)
        self.retranslate()

    @property
    def chosen_class(self) -> int | None:
        """Whose heat map is to be seen; None: no film is shown."""
        row = self._view.currentIndex().row()
        return self._rows.rows[row].index if 0 <= row < len(self._rows.rows) else None

    def show_answer(
        self,
        names: Sequence[str],
        probabilities: Sequence[float],
        candidates: Sequence[int],
        *,
        is_calibrated: bool,
        chosen: int | None = None,
    ) -> None:
        """Show what the model says of a film.

        Args:
            names: Of the classes, as they are shown.
            probabilities: One a class, in the same order.
            candidates: The classes that remain possible.
            is_calibrated: Whether the probabilities may be taken as odds.
            chosen: The class whose heat map is shown; None: the most probable one.
        """
        self._names = tuple(" ".join(name.split()) for name in names)
        self._probabilities = tuple(float(value) for value in probabilities)
        self._candidates, self._is_calibrated = tuple(candidates), is_calibrated
        self._fill(chosen)

    def clear(self) -> None:
        """Show no film."""
        self.show_answer([], [], [], is_calibrated=False)

    def choose_class(self, index: int) -> None:
        """Mark the class whose heat map is shown, without telling anybody."""
        places = [place for place, row in enumerate(self._rows.rows) if row.index == index]
        if not places:
            return
        with QSignalBlocker(self):
            self._view.selectionModel().setCurrentIndex(
                self._rows.index(places[0]), QItemSelectionModel.SelectionFlag.ClearAndSelect
            )

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours, see `resources.colours`."""
        self._delegate.colours = colours
        self._chip.show_colours(colours)
        self._view.viewport().update()

    def retranslate(self) -> None:
        self._title.setText(tr("Probabilities"))
        self._view.setAccessibleName(tr("Probabilities of the classes"))
        self._fill(self.chosen_class)

    def _fill(self, chosen: int | None) -> None:
        has_film = bool(self._names)
        n_possible = len(self._candidates)
        is_open = n_possible > 1
        first = self._most_probable()
        order = sorted(
            range(len(self._names)),
            key=lambda index: (index != first, -self._rank(index), index),
        )
        possible = set(self._candidates)
        with QSignalBlocker(self):
            self._rows.show_rows(
                [
                    ClassRow(
                        index,
                        self._names[index],
                        self._probabilities[index],
                        is_first=index == first,
                        is_possible=is_open and index in possible,
                        is_ruled_out=self._is_calibrated
                        and bool(possible)
                        and index not in possible,
                    )
                    for index in order
                ]
            )
        if first is not None:
            self.choose_class(first if chosen is None else chosen)
        self._fit_height()
        self._chip.setVisible(has_film)
        self._summary.setText(self._summarise() if has_film else "")
        self._summary.setVisible(has_film)
        if not has_film:
            return
        if self._is_calibrated:
            self._chip.show_words(
                tr("calibrated"),
                "good",
                tr(
                    "The probabilities were set right on films that the model had not learned "
                    "from: of all answers given with 80%, about 80% were right."
                ),
            )
        else:
            self._chip.show_words(
                tr("uncalibrated"),
                "warning",
                tr(
                    "Nobody checked how often the model is right when it says 80%; networks are "
                    "mostly too sure of themselves. Read the numbers as a ranking."
                ),
            )

    def _summarise(self) -> str:
        n_possible = len(self._candidates)
        if n_possible in (0, len(self._names)):
            return tr("Not sure: no class can be ruled out.")
        if n_possible > 1:
            return tr("Not sure: {n} classes remain possible.", n=n_possible)
        if self._is_calibrated:
            return tr("One class remains possible.")
        return tr("A ranking, not odds.")

    def _most_probable(self) -> int | None:
        return max(range(len(self._names)), key=self._rank, default=None)

    def _rank(self, index: int) -> float:
        value = self._probabilities[index]
        return value if value == value else -1.0  # not a number: last

    def _fit_height(self) -> None:
        height = row_height(self._view.fontMetrics().height())
        self._view.setFixedHeight(min(len(self._rows.rows), MAX_ROWS) * height)

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.class_chosen.emit(self._rows.rows[current.row()].index)
