"""Overview of a dataset: how many films of which classes, how they look, what is left out."""

import numpy as np
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.finding_words import kind_name, severity_name
from app.translation import language, say, tr
from app.viewmodels.data import DataViewModel
from app.widgets.labels import Figure, plain_label
from app.widgets.sentence_table import SentenceTable
from app.widgets.tables import PlainTable
from app.widgets.thumbnails import SIDE_PX, ThumbnailStrip
from app.widgets.translated import TranslatedWidget
from core.data.audit.report import Report
from core.data.class_names import display_names
from core.data.loading import LoadedDataset

N_EXAMPLES = 16  # thumbnails a class
MAX_CLASSES_WITH_EXAMPLES = 60
MAX_TABLE_PX = 480  # a taller one scrolls by itself
MAX_ROWS = 1000  # of the list of files that were left out


class OverviewView(TranslatedWidget):
    """The first tab of the Data page."""

    findings_wanted = Signal()

    def __init__(self, model: DataViewModel) -> None:
        super().__init__()
        self._model = model
        self._figures = [Figure() for _ in range(5)]
        self._findings = QPushButton()
        self._findings.clicked.connect(self.findings_wanted)
        model.changed.connect(self._on_model_changed)
        row = QHBoxLayout()
        row.setSpacing(12)
        for figure in self._figures:
            row.addWidget(figure)
        self._classes = PlainTable(stretched=4)
        self._classes_title = plain_label("sectionTitle")
        self._worst_title = plain_label("sectionTitle")
        self._worst = SentenceTable(stretched=2)
        self._worst.limit_height(MAX_TABLE_PX)
        self._left_out_title = plain_label("sectionTitle")
        self._left_out = PlainTable(stretched=1)
        titles = QHBoxLayout()
        titles.addWidget(self._worst_title)
        titles.addStretch()
        titles.addWidget(self._findings)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 12, 10, 0)
        layout.setSpacing(12)
        layout.addLayout(row)
        layout.addWidget(self._classes_title)
        layout.addWidget(self._classes)
        layout.addLayout(titles)
        layout.addWidget(self._worst)
        layout.addWidget(self._left_out_title)
        layout.addWidget(self._left_out)
        layout.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        self.retranslate()

    def retranslate(self) -> None:
        self._classes.show_header(
            [tr("Class"), tr("Folder"), tr("Films"), tr("Share"), tr("Examples")]
        )
        self._left_out.show_header([tr("File"), tr("Why it was left out")])
        self._classes_title.setText(tr("Classes"))
        self._worst.show_header([tr("Severity"), tr("Kind"), tr("What was found")])
        self._findings.setText(tr("All findings …"))
        self._classes.setAccessibleName(tr("Classes"))
        self._worst.setAccessibleName(tr("What to know first"))
        self._left_out.setAccessibleName(tr("Left out"))
        if self._model.dataset is not None:
            self.show_dataset(self._model.dataset)

    def show_dataset(self, loaded: LoadedDataset) -> None:
        """Draw the dataset in front."""
        dataset, grouping = loaded.dataset, loaded.grouping
        n_films = len(dataset.records)
        values = (
            (n_films, tr("films")),
            (len(dataset.classes), tr("classes")),
            (
                grouping.n_patients if grouping.has_patients else grouping.n_groups,
                tr("patients") if grouping.has_patients else tr("different films"),
            ),
            (len(dataset.left_out), tr("files left out")),
        )
        for figure, (value, caption) in zip(self._figures, values, strict=False):
            figure.show_value(f"{value:,}", caption)
        self.show_report(self._model.report)
        rows = [
            (display_names(name)[language()], name, f"{n:,}", f"{n / n_films:.1%}", "")
            for name, n in dataset.counts.items()
        ]
        self._classes.show_rows(rows, numbers=(2, 3))
        for row, name in enumerate(dataset.classes[:MAX_CLASSES_WITH_EXAMPLES]):
            self._classes.setRowHeight(row, SIDE_PX + 10)
            self._classes.setCellWidget(row, 4, _examples(loaded, name))
        self._classes.fit_height(at_least=MAX_TABLE_PX)
        self._show_left_out(loaded)

    def show_report(self, report: Report | None) -> None:
        """Say how many findings there are; None: they are still being looked for."""
        caption = tr("errors, warnings, notes")
        self._worst.setVisible(report is not None and bool(report.findings))
        self._findings.setVisible(report is not None)
        if report is None and self._model.has_audit_failed:
            self._figures[-1].show_value("–", caption)
            self._worst_title.setText(
                tr("The films could not be looked through; the log says why.")
            )
            return
        if report is None:
            self._figures[-1].show_value("…", caption)
            self._worst_title.setText(tr("Looking through the films …"))
            return
        counts = report.counts
        text = f"{counts['error']}, {counts['warning']}, {counts['note']}"
        self._figures[-1].show_value(text, caption)
        title = tr("What to know first") if report.findings else tr("Nothing wrong was found.")
        self._worst_title.setText(title)
        first_of = {(one.severity, one.kind): one for one in reversed(report.findings)}
        rows = [
            (say(severity_name(one.severity)), say(kind_name(one.kind)), say(one.message))
            for one in sorted(first_of.values(), key=report.findings.index)
        ]
        self._worst.show_sentences(rows)

    @Slot()
    def _on_model_changed(self) -> None:
        if self._model.has_audit_failed:
            self.show_report(None)

    def _show_left_out(self, loaded: LoadedDataset) -> None:
        left_out = loaded.dataset.left_out
        if left_out:
            self._left_out_title.setText(tr("Left out"))
        self._left_out_title.setVisible(bool(left_out))
        self._left_out.setVisible(bool(left_out))
        rows = [
            # Reasons of the image reader begin with the file's name.
            (refusal.file, say(refusal.reason).removeprefix(refusal.file).lstrip())
            for refusal in left_out[:MAX_ROWS]
        ]
        if len(left_out) > MAX_ROWS:
            rows.append((tr("and {n} more", n=f"{len(left_out) - MAX_ROWS:,}"), ""))
        self._left_out.show_rows(rows)
        self._left_out.fit_height(at_least=MAX_TABLE_PX)


def _examples(loaded: LoadedDataset, name: str) -> ThumbnailStrip:
    """Films spread evenly over the class."""
    label = loaded.dataset.classes.index(name)
    records = [record for record in loaded.dataset.records if record.label == label]
    n_shown = min(N_EXAMPLES, len(records))
    places = np.linspace(0, len(records) - 1, n_shown).round().astype(int)
    return ThumbnailStrip([loaded.cache.thumbnail(records[place].digest) for place in places])
