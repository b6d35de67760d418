"""Data: drop zips or folders, see what is in them, what is wrong, and how they are divided."""

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QStackedWidget, QTabWidget

from app import resources
from app.pages.augmentation_view import AugmentationView
from app.pages.films_view import FilmsView
from app.pages.findings_view import FindingsView
from app.pages.overview_view import OverviewView
from app.pages.page import Page, primary_button
from app.pages.split_view import SplitView
from app.settings import Theme
from app.translation import tr
from app.viewmodels.augmentation import AugmentationViewModel
from app.viewmodels.data import DataViewModel
from app.viewmodels.split import SplitViewModel
from app.widgets.drop_zone import DropZone
from app.widgets.labels import plain_tip
from app.widgets.progress_card import ProgressCard
from core.data.audit.report import Report
from core.data.loading import LoadedDataset

MAX_RECENT_SHOWN = 3


class DataPage(Page):
    """Shows one of the open datasets in tabs, or the invitation to drop one."""

    zip_wanted = Signal()
    folder_wanted = Signal()
    train_wanted = Signal()
    dropped = Signal(object)  # app.dropped.Dropped
    recent_chosen = Signal(list)  # of str: the zips and folders of one dataset

    def __init__(
        self, model: DataViewModel, split: SplitViewModel, augmentation: AugmentationViewModel
    ) -> None:
        super().__init__()
        self._model = model
        self._datasets, self._close = QComboBox(), QPushButton("×")
        self._datasets.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._datasets.setMinimumContentsLength(24)
        self._close.setObjectName("flat")
        self._datasets.activated.connect(model.show)
        self._close.clicked.connect(lambda: model.close(self._datasets.currentIndex()))
        self._zip, self._folder = QPushButton(), QPushButton()
        self._train = primary_button()
        self.add_to_head(self._datasets, self._close, self._zip, self._folder, self._train)
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
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        self._stack = QStackedWidget()
        self.body.addWidget(self._progress)
        self.body.addWidget(self._stack, 1)
        self.body.addLayout(self._recent)
        self._stack.addWidget(self._zone)
        self._stack.addWidget(self._tabs)
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
        colours = resources.colours(theme)
        self._zone.show_picture(resources.pixmap("drop", colours["accent"], 56))
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
                "and input_data/COVID, with PNG, JPEG, BMP, TIFF or DICOM files. Several zips "
                "and folders dropped together become one dataset. Nothing leaves this computer."
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
    def _on_model_changed(self) -> None:
        has_dataset = self._model.dataset is not None
        self._progress.setVisible(self._model.is_busy)
        self._stack.setCurrentIndex(1 if has_dataset else 0)
        for widget in (self._datasets, self._close, self._zip, self._folder, self._train):
            widget.setVisible(has_dataset)
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
