"""What gives the classes away: two small tables."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout

from app.pages.catalogue_wall import class_words
from app.translation import say, tr
from app.widgets.sentence_table import SentenceTable
from app.widgets.translated import TranslatedWidget
from core.data.audit.confounder import Confounder
from core.data.audit.confounding import property_name


class ConfounderView(TranslatedWidget):
    """How well each class is told without its lungs, and by which property."""

    def __init__(self) -> None:
        super().__init__()
        self._confounder: Confounder | None = None
        self._class_names: Sequence[str] = ()
        self._classes = SentenceTable(0)
        self._properties = SentenceTable(0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self._classes, 1, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._properties, 1, Qt.AlignmentFlag.AlignTop)
        self.retranslate()

    def limit_height(self, max_height_px: int) -> None:
        """Be no taller than this."""
        self._classes.limit_height(max_height_px)
        self._properties.limit_height(max_height_px)

    def show_confounder(self, confounder: Confounder, class_names: Sequence[str]) -> None:
        """Fill the tables; `class_names` are the dataset's, by label."""
        self._confounder, self._class_names = confounder, class_names
        self.retranslate()

    def retranslate(self) -> None:
        self._classes.setAccessibleName(tr("How well each class is told without the lungs"))
        self._properties.setAccessibleName(tr("By which property"))
        self._classes.show_header([tr("Class"), tr("AUROC"), tr("Interval (95%)")])
        confounder = self._confounder
        if confounder is None:
            return
        self._classes.show_sentences(
            [
                (
                    class_words(self._class_names[one.label]),
                    f"{one.auroc:.3f}",
                    tr("{low} to {high}", low=f"{one.low:.3f}", high=f"{one.high:.3f}"),
                )
                for one in confounder.classes
            ],
            numbers=(1, 2),
        )
        worst = class_words(self._class_names[confounder.worst.label])
        self._properties.show_header([tr("{name} told by", name=worst), tr("AUROC")])
        self._properties.show_sentences(
            [(say(property_name(key)), f"{auroc:.3f}") for key, auroc in confounder.properties],
            numbers=(1,),
        )
