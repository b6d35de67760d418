"""Data: drop zips or folders, see what is in them, what is wrong, and how they are divided."""

from collections import Counter
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QTabWidget,
    QWidget,
)

from app import theme as styling
from app.data.augmentation import AugmentationView
from app.data.augmentation_viewmodel import AugmentationViewModel
from app.data.films import FilmsView
from app.data.findings import FindingsView, SentenceTable
from app.data.labels_form import LabelsForm
from app.data.split import SplitView
from app.data.split_viewmodel import SplitViewModel
from app.data.viewmodel import DataViewModel
from app.i18n import language, say, tr
from app.settings import Theme
from app.widgets.cards import ProgressCard
from app.widgets.labels import Figure, plain_label, plain_tip, show_text
from app.widgets.layouts import choice_box, h_box, scroll_area, v_box
from app.widgets.page import DropZone, Page, TranslatedWidget, primary_button
from app.widgets.tables import PlainTable
from app.widgets.thumbnails import SIDE_PX, ThumbnailStrip
from app.wording import kind_name, severity_name
from core.audit.report import Report
from core.data.dataset import LoadedDataset
from core.data.layout import listed
from core.data.records import display_names
from core.data.tables import is_table
from core.data.zip_names import CODE_PAGES

N_EXAMPLES = 16  # thumbnails a class
MAX_CLASSES_WITH_EXAMPLES = 60
MAX_TABLE_PX = 480  # a taller one scrolls by itself
MAX_FINDINGS_PX = 260  # the classes below stay in sight
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
        row = h_box(*self._figures, spacing=12)
        self._classes = PlainTable(stretched=4)
        self._classes_title = plain_label("sectionTitle")
        self._level_title, self._level = plain_label("muted"), choice_box(36)
        self._level_title.setBuddy(self._level)
        self._level.activated.connect(self._on_level_activated)
        self._names_title, self._names = plain_label("muted"), choice_box(36)
        self._names_title.setBuddy(self._names)
        self._names.activated.connect(self._on_names_activated)
        self._worst_title = plain_label("sectionTitle")
        self._worst = SentenceTable(stretched=2)
        self._worst.limit_height(MAX_FINDINGS_PX)
        self._left_out_title = plain_label("sectionTitle")
        self._left_out = PlainTable(stretched=1)
        titles = h_box(self._worst_title, None, self._findings)
        content = QWidget()
        v_box(
            row,
            titles,
            self._worst,
            h_box(None, self._names_title, self._names, spacing=8),
            h_box(self._classes_title, None, self._level_title, self._level, spacing=8),
            self._classes,
            self._left_out_title,
            self._left_out,
            None,
            owner=content,
            margins=(0, 12, 10, 0),
            spacing=12,
        )
        area = scroll_area(content)
        area.setFrameShape(QFrame.Shape.NoFrame)
        v_box(area, owner=self)
        self.retranslate()

    def retranslate(self) -> None:
        self._classes.show_header(
            [tr("Class"), tr("Folder"), tr("Films"), tr("Share"), tr("Examples")]
        )
        self._left_out.show_header([tr("File"), tr("Why it was left out")])
        self._classes_title.setText(tr("Classes"))
        self._level_title.setText(tr("Class folders"))
        self._level.setAccessibleName(tr("Class folders"))
        self._names_title.setText(tr("Names in the zip"))
        self._names.setAccessibleName(tr("Names in the zip"))
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
                grouping.n_patients if grouping.knows_patients else grouping.n_groups,
                tr("patients") if grouping.knows_patients else tr("different films"),
            ),
            (len(dataset.left_out), tr("files left out")),
        )
        for figure, (value, caption) in zip(self._figures, values, strict=False):
            figure.show_value(f"{value:,}", caption)
        self.show_report(self._model.report)
        self._show_levels(loaded)
        self._show_code_pages(loaded)
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

    def _show_levels(self, loaded: LoadedDataset) -> None:
        """Offer the levels of folders that may be the classes, where there are several."""
        layout, chosen = loaded.dataset.layout, loaded.edits.class_level
        levels = layout.candidates if layout is not None else ()
        is_open = len(levels) > 1 or chosen is not None
        self._level_title.setVisible(is_open)
        self._level.setVisible(is_open)
        self._level.clear()
        if layout is None or not is_open:
            return
        found = ", ".join(sorted({str(level) for level in layout.levels}))
        self._level.addItem(
            tr("Found out: level {level}", level=found) if chosen is None else tr("Found out"), None
        )
        for one in levels:
            words = tr("Level {level}: {names}", level=one.level, names=listed(one.names))
            self._level.addItem(words, one.level)
        self._level.setCurrentIndex(
            max(0, self._level.findData(chosen)) if chosen is not None else 0
        )
        self._level.setToolTip(plain_tip(say(layout.reason)))

    def _show_code_pages(self, loaded: LoadedDataset) -> None:
        """Say how names were read that do not say how they are encoded, and offer other ways."""
        used = [code_page for _, code_page in loaded.dataset.code_pages]
        self._names_title.setVisible(bool(used))
        self._names.setVisible(bool(used))
        self._names.clear()
        if not used:
            return
        for code_page, languages in CODE_PAGES.items():
            self._names.addItem(f"{languages} ({code_page})", code_page)
        self._names.addItem(tr("Find out again"), "")
        self._names.setCurrentIndex(self._names.findData(used[0]))
        self._names.setToolTip(
            plain_tip(
                tr(
                    "The names of the files do not say how they are encoded. If they look wrong, "
                    "choose the language of the computer on which they were packed."
                )
            )
        )

    @Slot(int)
    def _on_names_activated(self, index: int) -> None:
        self._model.choose_code_page(self._names.itemData(index))

    @Slot(int)
    def _on_level_activated(self, index: int) -> None:
        self._model.choose_level(self._level.itemData(index))

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
        first_of = {one.kind: one for one in reversed(report.findings)}  # the worst of each kind
        n_of = Counter(one.kind for one in report.findings)
        rows = [
            (
                say(severity_name(one.severity)),
                say(kind_name(one.kind)),
                say(one.message)
                + (" " + tr("({n} more)", n=n_of[one.kind] - 1) if n_of[one.kind] > 1 else ""),
            )
            for one in sorted(first_of.values(), key=report.findings.index)
        ]
        self._worst.show_sentences(rows)

    @Slot()
    def _on_model_changed(self) -> None:
        if self._model.has_audit_failed:
            self.show_report(None)

    def _show_left_out(self, loaded: LoadedDataset) -> None:
        left_out = loaded.dataset.left_out
        show_text(self._left_out_title, tr("Left out") if left_out else "")
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
    """Show films spread evenly over the class."""
    label = loaded.dataset.classes.index(name)
    records = [record for record in loaded.dataset.records if record.label == label]
    n_shown = min(N_EXAMPLES, len(records))
    places = np.linspace(0, len(records) - 1, n_shown).round().astype(int)
    return ThumbnailStrip([loaded.cache.thumbnail(records[place].digest) for place in places])


MAX_RECENT_SHOWN = 3


class DataPage(Page):
    """Shows one of the open datasets in tabs, or the invitation to drop one."""

    zip_wanted = Signal()
    folder_wanted = Signal()
    table_wanted = Signal()
    train_wanted = Signal()
    dropped = Signal(object)  # app.drops.Dropped
    recent_chosen = Signal(list)  # of str: the zips and folders of one dataset

    def __init__(
        self, model: DataViewModel, split: SplitViewModel, augmentation: AugmentationViewModel
    ) -> None:
        super().__init__()
        self._model = model
        self._datasets, self._close = choice_box(24), QPushButton("×")
        self._close.setObjectName("flat")
        self._datasets.activated.connect(model.show)
        self._close.clicked.connect(lambda: model.close(self._datasets.currentIndex()))
        self._zip, self._folder, self._table = QPushButton(), QPushButton(), QPushButton()
        self._train = primary_button()
        self.add_to_head(
            self._datasets, self._close, self._table, self._zip, self._folder, self._train
        )
        self._table.clicked.connect(self._on_table_clicked)
        self._zip.clicked.connect(self.zip_wanted)
        self._folder.clicked.connect(self.folder_wanted)
        self._train.clicked.connect(self.train_wanted)

        self._first_zip, self._first_folder = primary_button(), QPushButton()
        self._demo = QPushButton()
        self._first_zip.clicked.connect(self.zip_wanted)
        self._first_folder.clicked.connect(self.folder_wanted)
        self._demo.clicked.connect(model.open_demo)
        self._zone = DropZone([self._first_zip, self._first_folder, self._demo])
        self._zone.dropped.connect(self.dropped)
        self._recent = QHBoxLayout()
        self._offers: list[tuple[QPushButton, str]] = []  # below the invitation, each with a name

        self._progress = ProgressCard()
        self._progress.cancelled.connect(model.cancel)
        self.overview, self.findings = OverviewView(model), FindingsView(model)
        self.films, self.split = FilmsView(model), SplitView(split)
        self.augmentation = AugmentationView(augmentation)
        self.labels = LabelsForm(model)
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        self._stack = QStackedWidget()
        self.body.addWidget(self._progress)
        self.body.addWidget(self._stack, 1)
        self.body.addLayout(self._recent)
        self._stack.addWidget(self._zone)
        self._stack.addWidget(self._tabs)
        self._stack.addWidget(self.labels)
        for tab in (self.overview, self.findings, self.films, self.split, self.augmentation):
            self._tabs.addTab(tab, "")
        self._connect()
        self.retranslate()
        self._on_model_changed()

    def _connect(self) -> None:
        model = self._model
        model.changed.connect(self._on_model_changed)
        model.progressed.connect(self._progress.show_progress)
        model.loaded.connect(self._on_model_loaded)
        model.audited.connect(self._on_model_audited)
        self.overview.findings_wanted.connect(lambda: self._tabs.setCurrentWidget(self.findings))
        self.findings.patients_wanted.connect(lambda: self._tabs.setCurrentWidget(self.split))
        self.findings.films_wanted.connect(self._on_findings_films_wanted)
        self.findings.film_opened.connect(self.films.open_film)

    def apply_theme(self, theme: Theme) -> None:
        colours = styling.colours(theme)
        self._zone.show_picture(styling.pixmap("drop", colours["accent"], 56))
        self.findings.apply_theme(theme)
        self.films.apply_theme(theme)

    def show_recent(self, datasets: list[list[str]]) -> None:
        """Offer the datasets that were opened last, below the invitation."""
        while (item := self._recent.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()  # at once
                old.deleteLater()
        self._offers = []
        self._recent.addStretch()
        for sources in datasets[:MAX_RECENT_SHOWN]:
            button = QPushButton()
            self._offers.append((button, ", ".join(Path(source).name for source in sources)))
            button.setToolTip(plain_tip("\n".join(sources)))
            button.clicked.connect(
                lambda _checked=False, chosen=sources: self.recent_chosen.emit(chosen)
            )
            self._recent.addWidget(button)
        self._recent.addStretch()
        self._name_offers()
        self._show_or_hide_recent()

    def retranslate(self) -> None:
        self.title.setText(tr("Data"))
        self._datasets.setAccessibleName(tr("Open datasets"))
        self._close.setToolTip(tr("Close this dataset; its files stay where they are"))
        self._close.setAccessibleName(tr("Close this dataset; its files stay where they are"))
        self._table.setText(tr("Labels from a table …"))
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
                "and input_data/COVID, with PNG, JPEG, BMP, TIFF, WebP, JPEG 2000 or DICOM "
                "files. Several zips and folders dropped together become one dataset. Nothing "
                "leaves this computer."
            ),
        )
        self._name_offers()
        self._name_tabs()

    def _name_offers(self) -> None:
        for button, name in self._offers:
            button.setText(tr("Open {name} again", name=name).replace("&", "&&"))

    def _name_tabs(self) -> None:
        report = self._model.report
        n_findings = f" ({len(report.findings)})" if report is not None else ""
        titles = (
            tr("Overview"),
            tr("Findings") + n_findings,
            tr("Films"),
            tr("Split"),
            tr("Augmentation"),
        )
        for index, title in enumerate(titles):
            self._tabs.setTabText(index, title)

    @Slot()
    def _on_table_clicked(self) -> None:
        one = self._model.current
        if one is not None and one.tables:
            images = [source for source in one.sources if not is_table(source)]
            self._model.offer_labels(images, one.tables)
        else:
            self.table_wanted.emit()

    @Slot()
    def _on_model_changed(self) -> None:
        has_dataset = self._model.dataset is not None
        self._progress.setVisible(self._model.is_busy)
        has_offer = self._model.offer is not None
        self._stack.setCurrentIndex(2 if has_offer else 1 if has_dataset else 0)
        for widget in (self._datasets, self._close, self._zip, self._folder, self._train):
            widget.setVisible(has_dataset and not has_offer)
        self._table.setVisible(has_dataset and not has_offer)
        self._zone.setEnabled(not self._model.is_busy)
        self._show_or_hide_recent()
        with QSignalBlocker(self._datasets):
            self._datasets.clear()
            for one in self._model.datasets:
                self._datasets.addItem(one.loaded.dataset.name)
            if self._model.current is not None:
                self._datasets.setCurrentIndex(self._model.datasets.index(self._model.current))
                paths = "\n".join(str(path) for path in self._model.current.sources)
                self._datasets.setToolTip(plain_tip(paths))

    def _show_or_hide_recent(self) -> None:
        is_empty = self._model.dataset is None and not self._model.is_busy
        is_empty = is_empty and self._model.offer is None
        for button, _ in self._offers:
            button.setVisible(is_empty)

    @Slot(object)
    def _on_model_loaded(self, loaded: LoadedDataset) -> None:
        self.overview.show_dataset(loaded)
        self._name_tabs()

    @Slot(object)
    def _on_model_audited(self, report: Report) -> None:
        self.overview.show_report(report)
        self._name_tabs()

    @Slot(list)
    def _on_findings_films_wanted(self, names: list[str]) -> None:
        self.films.show_only(names)
        self._tabs.setCurrentWidget(self.films)
