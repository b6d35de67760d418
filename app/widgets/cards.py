"""Cards that several pages show: figures in a grid, an offer, the progress of a task."""

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.i18n import duration, say, tr
from app.widgets.labels import Figure, card, plain_label
from app.widgets.page import TranslatedWidget
from core.events import Progress
from core.runtime.threads import TimeLeft

MIN_FIGURE_PX = 112
SPACING_PX = 8


class FigureGrid(QWidget):
    """Small figures in rows of equal length.

    Args:
        n: How many.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.figures = tuple(Figure(is_small=True) for _ in range(n))
        self._n_columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(SPACING_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._arrange(n)

    def minimumSizeHint(self) -> QSize:
        # Narrower than its figures side by side: they go into another row.
        return QSize(MIN_FIGURE_PX, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        n = len(self.figures)
        room = max(1, (event.size().width() + SPACING_PX) // (MIN_FIGURE_PX + SPACING_PX))
        n_rows = -(-n // min(room, n))
        self._arrange(-(-n // n_rows))  # no row with a single one left over
        super().resizeEvent(event)

    def _arrange(self, n_columns: int) -> None:
        if n_columns == self._n_columns:
            return
        for column in range(self._n_columns):
            self._grid.setColumnStretch(column, 0)
        self._n_columns = n_columns
        for place, figure in enumerate(self.figures):
            figure.setMinimumWidth(0)
            self._grid.addWidget(figure, *divmod(place, n_columns))
        for column in range(n_columns):
            self._grid.setColumnStretch(column, 1)


class OfferBar(QFrame):
    """A sentence with two buttons; hidden until there is an offer and once it is answered."""

    taken = Signal()
    declined = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._sentence = plain_label(wraps=True)
        self._take, self._later = QPushButton(), QPushButton()
        self._take.clicked.connect(self._on_take_clicked)
        self._later.clicked.connect(self._on_later_clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 10, 8)
        row.addWidget(self._sentence, 1)
        row.addWidget(self._take)
        row.addWidget(self._later)
        self.hide()

    def show_words(self, sentence: str, take: str, later: str) -> None:
        """Say what is offered and label both buttons."""
        self._sentence.setText(sentence)
        self._take.setText(take)
        self._later.setText(later)

    def _on_take_clicked(self) -> None:
        self.hide()
        self.taken.emit()

    def _on_later_clicked(self) -> None:
        self.hide()
        self.declined.emit()


class ProgressCard(TranslatedWidget):
    """A bar for `Progress` events; a total of 0 means that nobody knows.

    Args:
        time_left: Tells how long it will take.
    """

    cancelled = Signal()

    def __init__(self, time_left: TimeLeft | None = None) -> None:
        super().__init__()
        self._time_left = time_left or TimeLeft()
        self._latest: Progress | None = None
        self._seconds: float | None = None
        self._stage, self._count = plain_label(), plain_label("muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._cancel = QPushButton()
        self._cancel.clicked.connect(self.cancelled)
        frame = card()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)
        layout = QVBoxLayout(frame)
        line = QHBoxLayout()
        line.addWidget(self._stage)
        line.addStretch()
        line.addWidget(self._count)
        layout.addLayout(line)
        row = QHBoxLayout()
        row.addWidget(self._bar)
        row.addWidget(self._cancel)
        layout.addLayout(row)
        self.retranslate()

    def show_progress(self, progress: Progress) -> None:
        """Draw one event."""
        self._latest = progress
        self._seconds = self._time_left.seconds(progress.stage, progress.done, progress.total)
        self._bar.setRange(0, progress.total)
        self._bar.setValue(progress.done)
        self._show_latest()

    def retranslate(self) -> None:
        self._cancel.setText(tr("Cancel"))
        self._show_latest()

    def _show_latest(self) -> None:
        if self._latest is None:
            return
        self._stage.setText(tr("{stage} …", stage=say(self._latest.stage)))
        total = self._latest.total
        count = f"{self._latest.done:,} / {total:,}" if total else ""
        if self._seconds is not None:
            count += "   " + tr("about {time} left", time=duration(self._seconds))
        self._count.setText(count)
