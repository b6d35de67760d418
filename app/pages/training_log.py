"""What happened in a run, line by line."""

from collections import deque

from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout

from app.translation import say, tr
from app.widgets.translated import TranslatedWidget
from core.errors import Message

MAX_LINES = 2000


class TrainingLog(TranslatedWidget):
    """Keeps messages, so that the log changes its language with everything else."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[tuple[Message, ...]] = deque(maxlen=MAX_LINES)
        self._text = QPlainTextEdit()
        self._text.setReadOnly(True)
        self._text.setMaximumBlockCount(MAX_LINES)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._text)
        self.retranslate()

    def write(self, *sentences: Message) -> None:
        """Append one line, its sentences joined without a space."""
        self._lines.append(sentences)
        self._text.appendPlainText("".join(say(sentence) for sentence in sentences))

    def clear(self) -> None:
        """Begin anew."""
        self._lines.clear()
        self._text.clear()

    def retranslate(self) -> None:
        self._text.setAccessibleName(tr("Log"))
        self._text.setPlainText(
            "\n".join("".join(say(part) for part in line) for line in self._lines)
        )
