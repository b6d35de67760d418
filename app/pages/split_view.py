"""Who trains, who validates and who tests: the Split tab of the Data page."""

from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.pages.patients_card import PatientsCard
from app.pages.split_form import SplitForm
from app.translation import language, listing, say, tr
from app.viewmodels.split import SplitViewModel
from app.widgets.labels import plain_label
from app.widgets.split_bars import SplitBars
from app.widgets.tables import PlainTable
from app.widgets.translated import TranslatedWidget
from core.data.class_names import display_names
from core.data.split_table import PartCounts
from core.data.splits import PARTS

MAX_BARS = 20  # classes; more are in the table only
MAX_NAMED = 5  # classes
MAX_TABLE_PX = 320  # taller ones scroll


class SplitView(TranslatedWidget):
    """Binds patients, split and their result to one view-model."""

    def __init__(self, model: SplitViewModel) -> None:
        super().__init__()
        self._model = model
        self._table_title = plain_label("sectionTitle")
        self._error = plain_label("warning", wraps=True)
        self._proof = plain_label(wraps=True)
        self._bars, self._table = SplitBars(), PlainTable(stretched=0)
        self._saved_with, self._note = (plain_label("muted", wraps=True) for _ in range(2))
        self._save = QPushButton()
        content = QWidget()
        content.setObjectName("bare")
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 12, 10, 0)
        column.setSpacing(10)
        cards = QHBoxLayout()
        cards.setSpacing(12)
        cards.addWidget(PatientsCard(model), 1)
        cards.addWidget(SplitForm(model), 1)
        column.addLayout(cards)
        head = QHBoxLayout()
        head.addWidget(self._table_title, 1)
        head.addWidget(self._save)
        column.addLayout(head)
        for part in (
            self._note,
            self._error,
            self._proof,
            self._bars,
            self._table,
            self._saved_with,
        ):
            column.addWidget(part)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidget(content)
        scroll.setWidgetResizable(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
        self._save.clicked.connect(self._on_save_clicked)
        model.changed.connect(self._on_model_changed)
        model.noted.connect(self._on_model_noted)
        self.retranslate()

    def retranslate(self) -> None:
        self._table_title.setText(tr("Films in each part, and their patients in brackets"))
        self._save.setText(tr("Save the table …"))
        self._table.show_header([tr("Class"), *_part_names(), tr("All")])
        self._table.setAccessibleName(tr("Films and patients of each class by part"))
        self._saved_with.setText(
            tr(
                "This split is saved with the run, and the model file names every film by the "
                "digest of its content: any result can be traced to the very files. One test film "
                "of each class is kept for the reading at the end."
            )
        )
        self._on_model_changed()

    @Slot()
    def _on_model_changed(self) -> None:
        rows, error = self._model.rows, self._model.error
        self._error.setText(say(error) if error else "")
        self._error.setVisible(error is not None)
        for part in (self._table, self._proof, self._saved_with):
            part.setVisible(bool(rows))
        self._bars.setVisible(0 < len(rows) <= MAX_BARS + 1)
        self._save.setEnabled(bool(rows))
        self._on_model_noted()
        if not rows:
            return
        self._bars.show_counts(
            _part_names(),
            [
                (
                    display_names(row.class_name)[language()],
                    tuple(row.films[part] for part in PARTS),
                )
                for row in rows[:-1]
            ],
        )
        self._table.show_rows(
            [_cells(row) for row in rows] + [_shares(rows[-1])], numbers=range(1, len(PARTS) + 2)
        )
        self._table.fit_height(MAX_TABLE_PX)
        self._show_proof()

    def _show_proof(self) -> None:
        n, figures = self._model.n_crossing, self._model.figures
        if n:
            text = tr(
                "Patients who have films, or copies of a film, in two parts: {n}. The test is "
                "easier than it should be. To keep them apart, choose a split by patient.",
                n=f"{n:,}",
            )
        elif figures is None or figures.n_unknown == self._model.rows[-1].n_films:
            text = tr(
                "No copy of a film is in two parts (checked). Which films are of the same patient "
                "is not known."
            )
        else:
            text = tr("No patient and no copy of a film is in two parts (checked).")
            if figures.n_unknown:
                text += " " + tr("Films without a known patient: {n}.", n=f"{figures.n_unknown:,}")
        untested = self._model.untested
        if untested:
            shown = listing(display_names(name)[language()] for name in untested[:MAX_NAMED])
            if len(untested) > MAX_NAMED:
                shown += " …"
            text += " " + tr("The test has no film of: {names}.", names=shown)
        self._proof.setText(text)
        self._proof.setObjectName("warning" if n or untested else "")
        self._proof.style().polish(self._proof)

    @Slot()
    def _on_model_noted(self) -> None:
        note = self._model.note
        self._note.setText(say(note) if note else "")
        self._note.setVisible(note is not None)

    @Slot()
    def _on_save_clicked(self) -> None:
        dialog = QFileDialog(self, tr("Save the table"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(tr("Tables") + " (*.csv)")
        dialog.setDefaultSuffix("csv")
        dialog.selectFile("split.csv")
        dialog.fileSelected.connect(lambda name: self._model.save_table(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def _part_names() -> list[str]:
    return [tr("Training"), tr("Validation"), tr("Test"), tr("Kept for the end")]


def _cells(row: PartCounts) -> list[str]:
    cells = [_counted(row.films[part], row.patients[part]) for part in PARTS]
    name = display_names(row.class_name)[language()] if row.class_name else tr("All classes")
    return [name, *cells, _counted(row.n_films, row.n_patients)]


def _counted(films: int, patients: int) -> str:
    return f"{films:,} ({patients:,})" if films else "–"


def _shares(everything: PartCounts) -> list[str]:
    shares = [f"{everything.films[part] / everything.n_films:.1%}" for part in PARTS]
    return [tr("Share of the films"), *shares, f"{1:.0%}"]
