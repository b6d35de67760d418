"""What is being done, how far it is, and a button to give up."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout

from app.durations import duration
from app.translation import say, tr
from app.widgets.labels import plain_label
from app.widgets.translated import TranslatedWidget
from core.events import Progress
from core.runtime.time_left import TimeLeft


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
        frame = QFrame()
        frame.setObjectName("card")
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
