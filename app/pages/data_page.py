"""Data: drop a zip or folder, see what is in it and what was left out."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app import resources
from app.pages.page import Page, primary_button
from app.settings import Theme
from app.translation import language, say, tr
from app.viewmodels.data import DataViewModel
from app.widgets.drop_zone import DropZone
from app.widgets.labels import Figure, plain_label, plain_tip
from app.widgets.progress_card import ProgressCard
from app.widgets.tables import PlainTable
from app.widgets.thumbnails import SIDE_PX, ThumbnailStrip
from core.data.class_names import display_names
from core.data.loading import LoadedDataset

N_EXAMPLES = 16  # thumbnails a class
MAX_CLASSES_WITH_EXAMPLES = 60
MAX_ROWS = 1000  # of the list of files that were left out


class DataPage(Page):
    """Shows one dataset, or the invitation to drop one."""

    zip_wanted = Signal()
    folder_wanted = Signal()
    train_wanted = Signal()
    files_dropped = Signal(list)  # of Path

    def __init__(self, model: DataViewModel) -> None:
        super().__init__()
        self._model = model
        self._zip, self._folder = QPushButton(), QPushButton()
        self._train = primary_button()
        self.add_to_head(self._zip, self._folder, self._train)
        self._zip.clicked.connect(self.zip_wanted)
        self._folder.clicked.connect(self.folder_wanted)
        self._train.clicked.connect(self.train_wanted)

        self._first_zip, self._first_folder = primary_button(), QPushButton()
        self._demo = QPushButton()
        self._first_zip.clicked.connect(self.zip_wanted)
        self._first_folder.clicked.connect(self.folder_wanted)
        self._demo.clicked.connect(model.open_demo)
        self._zone = DropZone([self._first_zip, self._first_folder, self._demo])
        self._zone.files_dropped.connect(self.files_dropped)

        self._progress = ProgressCard()
        self._progress.cancelled.connect(model.cancel)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._zone)
        self._stack.addWidget(self._build_report())
        self.body.addWidget(self._progress)
        self.body.addWidget(self._stack, 1)

        model.changed.connect(self._on_model_changed)
        model.progressed.connect(self._progress.show_progress)
        model.loaded.connect(self._on_model_loaded)
        self.retranslate()
        self._on_model_changed()

    def _build_report(self) -> QWidget:
        report = QWidget()
        layout = QVBoxLayout(report)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        self._figures = [Figure() for _ in range(4)]
        row = QHBoxLayout()
        row.setSpacing(12)
        for figure in self._figures:
            row.addWidget(figure)
        layout.addLayout(row)
        self._classes = PlainTable(stretched=4)
        self._classes_title = plain_label("sectionTitle")
        self._left_out_title = plain_label("sectionTitle")
        self._left_out = PlainTable(stretched=1)
        layout.addWidget(self._classes_title)
        layout.addWidget(self._classes)
        layout.addWidget(self._left_out_title)
        layout.addWidget(self._left_out, 1)
        layout.addStretch()
        return report

    def apply_theme(self, theme: Theme) -> None:
        colours = resources.colours(theme)
        self._zone.show_picture(resources.pixmap("drop", colours["accent"], 56))

    def retranslate(self) -> None:
        self.title.setText(tr("Data"))
        self._zip.setText(tr("Open zip …"))
        self._folder.setText(tr("Open folder …"))
        self._first_zip.setText(tr("Choose a zip …"))
        self._first_folder.setText(tr("Choose a folder …"))
        self._demo.setText(tr("Try the built-in films"))
        self._train.setText(tr("Train on these films"))
        self._zone.show_words(
            tr("Drop a zip or folder of chest X-rays here"),
            tr(
                "One folder a class, for instance input_data/NORMAL, input_data/Viral_Pneumonia "
                "and input_data/COVID with PNG or JPEG files. Nothing leaves this computer."
            ),
        )
        self._classes.show_header(
            [tr("Class"), tr("Folder"), tr("Films"), tr("Share"), tr("Examples")]
        )
        self._left_out.show_header([tr("File"), tr("Why it was left out")])
        self._classes_title.setText(tr("Classes"))
        if self._model.dataset is not None:
            self._show_report(self._model.dataset)

    @Slot()
    def _on_model_changed(self) -> None:
        has_dataset = self._model.dataset is not None
        self._progress.setVisible(self._model.is_busy)
        self._stack.setCurrentIndex(1 if has_dataset else 0)
        for button in (self._zip, self._folder, self._train):
            button.setVisible(has_dataset)
        self._zone.setEnabled(not self._model.is_busy)

    @Slot(object)
    def _on_model_loaded(self, loaded: LoadedDataset) -> None:
        self._show_report(loaded)
        self._on_model_changed()

    def _show_report(self, loaded: LoadedDataset) -> None:
        dataset = loaded.dataset
        self.subtitle.setText(Path(dataset.source).name)
        self.subtitle.setToolTip(plain_tip(str(dataset.source)))
        n_films = len(dataset.records)
        has_patients = loaded.grouping.pattern == "before_underscore"
        for figure, value, caption in zip(
            self._figures,
            (n_films, len(dataset.classes), loaded.grouping.n_groups, len(dataset.left_out)),
            (
                tr("films"),
                tr("classes"),
                tr("patients (file name up to the first _)")
                if has_patients
                else tr("different films (no patient names found)"),
                tr("files left out"),
            ),
            strict=True,
        ):
            figure.show_value(f"{value:,}", caption)
        rows = [
            (display_names(name)[language()], name, f"{n:,}", f"{n / n_films:.1%}", "")
            for name, n in dataset.counts.items()
        ]
        self._classes.show_rows(rows, numbers=(2, 3))
        for row, name in enumerate(dataset.classes[:MAX_CLASSES_WITH_EXAMPLES]):
            self._classes.setRowHeight(row, SIDE_PX + 10)
            self._classes.setCellWidget(row, 4, _examples(loaded, name))
        self._classes.fit_height(at_least=2 * SIDE_PX)
        self._show_left_out(loaded)

    def _show_left_out(self, loaded: LoadedDataset) -> None:
        left_out = loaded.dataset.left_out
        if left_out:
            self._left_out_title.setText(tr("Left out"))
        else:
            self._left_out_title.setText(tr("Nothing was left out: every file could be read."))
        self._left_out.setVisible(bool(left_out))
        rows = [(refusal.file, say(refusal.reason)) for refusal in left_out[:MAX_ROWS]]
        if len(left_out) > MAX_ROWS:
            rows.append((tr("and {n} more", n=f"{len(left_out) - MAX_ROWS:,}"), ""))
        self._left_out.show_rows(rows)


def _examples(loaded: LoadedDataset, name: str) -> ThumbnailStrip:
    """Films spread evenly over the class."""
    label = loaded.dataset.classes.index(name)
    records = [record for record in loaded.dataset.records if record.label == label]
    n_shown = min(N_EXAMPLES, len(records))
    places = np.linspace(0, len(records) - 1, n_shown).round().astype(int)
    return ThumbnailStrip([loaded.cache.image(records[place].digest) for place in places])
