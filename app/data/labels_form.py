"""Form for labels from a table: which column says what, and what that makes of the images."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QFrame, QPushButton, QWidget

from app.data.viewmodel import DataViewModel
from app.i18n import say, tr
from app.widgets.labels import plain_label
from app.widgets.layouts import choice_box, h_box, scroll_area, v_box
from app.widgets.page import TranslatedWidget, primary_button
from app.widgets.tables import PlainTable
from core.data.labels import ROLES, LabelChoice, Labelled, LabelOffer, Role, SeveralLabels
from core.errors import DatasetError

N_ROWS_SHOWN: Final = 5  # of the table
MAX_CLASSES_SHOWN: Final = 12
_WIDTH = 24  # characters of a choice
_POLICIES: Final[tuple[SeveralLabels, ...]] = ("refuse", "first", "exclude")


class LabelsForm(TranslatedWidget):
    """Shows the table that is offered, its columns as guessed, and the classes they give."""

    def __init__(self, model: DataViewModel) -> None:
        super().__init__()
        self._model = model
        self._title = plain_label("sectionTitle")
        self._hint = plain_label("muted", wraps=True)
        self._file = choice_box(_WIDTH)
        self._columns: dict[Role, QComboBox] = {role: choice_box(_WIDTH) for role in ROLES}
        self._several = choice_box(_WIDTH)
        self._rows = PlainTable(stretched=0)
        self._summary = plain_label(wraps=True)
        self._use, self._decline = primary_button(), QPushButton()
        self._names = {role: plain_label() for role in (*ROLES, "file", "several")}
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.addRow(self._names["file"], self._file)
        for role, box in self._columns.items():
            form.addRow(self._names[role], box)
            box.activated.connect(self._show_preview)
        form.addRow(self._names["several"], self._several)
        content = QWidget()
        v_box(
            self._title,
            self._hint,
            form,
            self._summary,
            h_box(self._use, self._decline, None),
            self._rows,
            None,
            owner=content,
            margins=(0, 12, 10, 0),
            spacing=12,
        )
        area = scroll_area(content)
        area.setFrameShape(QFrame.Shape.NoFrame)
        v_box(area, owner=self)
        self._file.activated.connect(self._on_file_activated)
        self._several.activated.connect(self._show_preview)
        self._use.clicked.connect(lambda: model.use_labels(self.choice))
        self._decline.clicked.connect(model.decline_labels)
        model.labels_offered.connect(self.show_offer)
        model.changed.connect(self._on_model_changed)
        self.retranslate()

    @property
    def choice(self) -> LabelChoice:
        """The columns as they are chosen now."""
        offer = self._model.offer
        assert offer is not None
        columns = {role: box.currentData() or "" for role, box in self._columns.items()}
        return offer.choice.changed(several=self._several.currentData() or "refuse", **columns)

    def retranslate(self) -> None:
        self._title.setText(tr("Labels from a table"))
        self._hint.setText(
            tr(
                "Say which column names the images and which one holds their labels. Patients keep "
                "their images on one side of the split."
            )
        )
        names: Mapping[str, str] = {
            "file": tr("Table"),
            "image": tr("Image names"),
            "label": tr("Labels"),
            "patient": tr("Patient"),
            "view": tr("View"),
            "age": tr("Age"),
            "sex": tr("Sex"),
            "several": tr("Several labels"),
        }
        for role, name in names.items():
            self._names[role].setText(name)
        self._file.setAccessibleName(names["file"])
        self._several.setAccessibleName(names["several"])
        for role, box in self._columns.items():
            box.setAccessibleName(names[role])
        self._rows.setAccessibleName(tr("First rows"))
        self._use.setText(tr("Use these labels"))
        self._decline.setText(tr("Do not use"))
        policies: Mapping[SeveralLabels, str] = {
            "refuse": tr("Refuse"),
            "first": tr("Take the first"),
            "exclude": tr("Leave the image out"),
        }
        chosen = self._several.currentData()
        with QSignalBlocker(self._several):
            self._several.clear()
            for policy in _POLICIES:
                self._several.addItem(policies[policy], policy)
            self._several.setCurrentIndex(max(0, self._several.findData(chosen)))
        if self._model.offer is not None:
            self.show_offer(self._model.offer, self.choice)

    @Slot(object)
    def show_offer(self, offer: LabelOffer, choice: LabelChoice | None = None) -> None:
        """Fill the boxes with the columns of a table; the guessed ones are chosen."""
        choice = choice or offer.choice
        with QSignalBlocker(self._file):
            self._file.clear()
            for path in offer.tables:
                self._file.addItem(path.name, path)
        for role, box in self._columns.items():
            with QSignalBlocker(box):
                box.clear()
                if role != "image":
                    box.addItem(tr("The class folders") if role == "label" else tr("None"), "")
                for title in offer.table.header:
                    box.addItem(title, title)
                box.setCurrentIndex(max(0, box.findData(choice.column(role))))
        with QSignalBlocker(self._several):
            self._several.setCurrentIndex(_POLICIES.index(choice.several))
        self._rows.show_header(list(offer.table.header))
        self._rows.show_rows(offer.table.rows[:N_ROWS_SHOWN])
        self._rows.fit_height(at_least=0)
        self._show_preview()

    @Slot()
    def _show_preview(self) -> None:
        offer = self._model.offer
        if offer is None:
            return
        try:
            self._summary.setText(_summary(offer, offer.preview(self.choice)))
            self._use.setEnabled(not self._model.is_busy)
        except DatasetError as error:
            self._summary.setText(say(error.message))
            self._use.setEnabled(False)

    @Slot(int)
    def _on_file_activated(self, index: int) -> None:
        offer = self._model.offer
        if offer is not None and index > 0:
            chosen: Path = self._file.itemData(index)
            others = [path for path in offer.tables if path != chosen]
            self._model.offer_labels(offer.sources, [chosen, *others])

    @Slot()
    def _on_model_changed(self) -> None:
        if self._model.offer is not None and not self._model.is_busy:
            self._show_preview()
        elif self._model.is_busy:
            self._use.setEnabled(False)


def _summary(offer: LabelOffer, labelled: Labelled) -> str:
    """Say which classes the images fall into, and how many do not fit."""
    report = labelled.report
    counts = Counter(one.label for one in labelled.details.values() if one.label)
    shown = ", ".join(f"{name} {n:,}" for name, n in counts.most_common(MAX_CLASSES_SHOWN))
    if len(counts) > MAX_CLASSES_SHOWN:
        shown += " …"
    lines = [tr("Classes: {classes}", classes=shown)] if counts else []
    lines.append(
        tr(
            "Images found: {n}; without a row: {surplus}; rows without an image: {missing}; "
            "several labels: {several}",
            n=f"{len(labelled.details):,}",
            surplus=f"{len(report.surplus):,}",
            missing=f"{report.n_missing:,}",
            several=f"{len(report.several):,}",
        )
    )
    if offer.is_sampled:
        lines.append(tr("Counted in the first rows of the table only."))
    return "\n".join(lines)
