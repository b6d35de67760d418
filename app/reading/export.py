"""Exports of the Read page: tables, pictures, reports, and the model itself."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal, SignalInstance, Slot
from PySide6.QtGui import QAction, QGuiApplication, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from app.i18n import language, say, tr
from app.reading.desk import ReadingDesk
from app.tasks import Failure, Outcome, TaskQueue, TaskRunner
from app.widgets.dialogs import ask_where_to_save
from app.widgets.labels import plain_tip
from core.errors import Message
from core.events import Progress
from core.images.reading import load_xray
from core.prediction.classifier import Classifier
from core.prediction.explanation import Explanation, explain
from core.prediction.reading import FilmResult

if TYPE_CHECKING:  # its modules are loaded when a file is written: the window starts sooner
    from core.models.export import ExportKind
    from core.report.facts import ReportContext

_FIELD_NAMES: Final[Mapping[str, Message]] = {  # of `core.report.facts.DICOM_FIELDS`
    "PatientID": Message("Patient ID"),
    "PatientName": Message("Patient's name"),
    "PatientBirthDate": Message("Date of birth"),
    "PatientSex": Message("Sex"),
    "PatientAge": Message("Age"),
    "AccessionNumber": Message("Accession number"),
    "StudyDate": Message("Date of the study"),
    "StudyTime": Message("Time of the study"),
    "StudyDescription": Message("Description of the study"),
    "SeriesDescription": Message("Description of the series"),
    "StudyInstanceUID": Message("UID of the study"),
    "SeriesInstanceUID": Message("UID of the series"),
    "SOPInstanceUID": Message("UID of the film"),
    "InstitutionName": Message("Hospital"),
    "ReferringPhysicianName": Message("Referring physician"),
    "Modality": Message("Modality"),
    "BodyPartExamined": Message("Body part"),
    "ViewPosition": Message("Projection"),
    "Laterality": Message("Side of the body"),
    "Manufacturer": Message("Manufacturer"),
    "ManufacturerModelName": Message("Device model"),
}
_FIRST_HARMLESS: Final = "Modality"  # those before it may tell who the patient is


class DicomMenu(QMenu):
    """The DICOM fields that exports may hold; it stays open while one ticks."""

    fields_chosen = Signal(list)  # of str: DICOM keywords, in the order of the menu

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setToolTipsVisible(True)
        self._warning = self.addAction("")
        self._warning.setEnabled(False)
        self.addSeparator()
        self._fields = {name: self._add(name) for name in _FIELD_NAMES}
        self.retranslate()

    @property
    def chosen(self) -> list[str]:
        """The keywords that are ticked."""
        return [name for name, action in self._fields.items() if action.isChecked()]

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not self._tick(self.actionAt(event.position().toPoint())):
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_tick = event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if not (is_tick and self._tick(self.activeAction())):
            super().keyPressEvent(event)

    def retranslate(self) -> None:
        """Set every word; its owner calls it when the language changes."""
        self._warning.setText(tr("Ticked fields go out with exports and may name a patient."))
        for name, action in self._fields.items():
            action.setText(say(_FIELD_NAMES[name]))
            action.setToolTip(plain_tip(name))
        self._show_title()

    def _add(self, name: str) -> QAction:
        if name == _FIRST_HARMLESS:
            self.addSeparator()
        action = self.addAction("")
        action.setCheckable(True)
        action.triggered.connect(self._on_ticked)
        return action

    def _tick(self, action: QAction | None) -> bool:
        """Trigger without closing, as an ordinary menu would."""
        if action is None or not (action.isCheckable() and action.isEnabled()):
            return False
        action.trigger()
        return True

    def _on_ticked(self) -> None:
        self._show_title()
        self.fields_chosen.emit(self.chosen)

    def _show_title(self) -> None:
        n = len(self.chosen)
        title = tr("DICOM fields in exports ({n})", n=n) if n else tr("DICOM fields in exports")
        self.setTitle(title)


class ExportMenu(QPushButton):
    """The button of all exports; it tells what is wanted and writes nothing."""

    csv_wanted = Signal()
    json_wanted = Signal()
    picture_wanted = Signal()  # the film with its heat map, PNG
    report_wanted = Signal()  # of the film that is shown, PDF
    reports_wanted = Signal()  # of all films, PDF
    table_copy_wanted = Signal()  # of all films, for a spreadsheet
    copy_wanted = Signal()  # the film's picture and figures to the clipboard
    model_wanted = Signal(str)  # "onnx", "paddle" or "pdparams"
    dicom_chosen = Signal(list)  # of str: keywords of the fields that exports may hold

    def __init__(self) -> None:
        super().__init__()
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self._picture = _action(menu, self.picture_wanted)
        self._report = _action(menu, self.report_wanted)
        self._copy = _action(menu, self.copy_wanted)
        menu.addSeparator()
        self._csv = _action(menu, self.csv_wanted)
        self._copy_table = _action(menu, self.table_copy_wanted)
        self._json = _action(menu, self.json_wanted)
        self._reports = _action(menu, self.reports_wanted)
        self._dicom = DicomMenu(self)
        menu.addMenu(self._dicom)
        menu.addSeparator()
        self._formats = menu.addMenu("")
        self._onnx = self._add_format("onnx")
        self._paddle = self._add_format("paddle")
        self._pdparams = self._add_format("pdparams")
        self._dicom.fields_chosen.connect(self.dicom_chosen)
        self.setMenu(menu)
        self.show_available(has_film=False, n_films=0, has_model=False)
        self.retranslate()

    def show_available(self, *, has_film: bool, n_films: int, has_model: bool) -> None:
        """Offer what there is.

        Args:
            has_film: A film is shown.
            n_films: That were read.
            has_model: A model is open.
        """
        for action in (self._picture, self._report, self._copy):
            action.setEnabled(has_film)
        for action in (self._csv, self._copy_table, self._json, self._reports):
            action.setEnabled(n_films > 0)
        self._dicom.setEnabled(has_film or n_films > 0)
        self._formats.setEnabled(has_model)
        self.setEnabled(has_film or n_films > 0 or has_model)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every word."""
        self.setText(tr("Export"))
        self.setAccessibleName(tr("Export"))
        self._picture.setText(tr("Picture with heat map (PNG) …"))
        self._report.setText(tr("Report of this film (PDF) …"))
        self._copy.setText(tr("Copy to the clipboard"))
        self._csv.setText(tr("Table of all films (CSV) …"))
        self._copy_table.setText(tr("Copy the table of all films"))
        self._json.setText(tr("All films (JSON) …"))
        self._reports.setText(tr("Report of all films (PDF) …"))
        self._dicom.retranslate()
        self._formats.setTitle(tr("Export the model"))
        self._onnx.setText(tr("ONNX, for other programs …"))
        self._paddle.setText(tr("Paddle inference …"))
        self._pdparams.setText(tr("Weights only (.pdparams) …"))

    def _add_format(self, name: str) -> QAction:
        action = self._formats.addAction("")
        action.triggered.connect(lambda: self.model_wanted.emit(name))
        return action


def _action(menu: QMenu, signal: SignalInstance) -> QAction:
    action = menu.addAction("")
    action.triggered.connect(lambda: signal.emit())  # without `checked`
    return action


Known = Callable[[FilmResult], Explanation | None]


class ExportViewModel(QObject):
    """Writes one file at a time, behind the window.

    Args:
        runner: Where files are written; this view-model's own.
        known: The explanation of a film that was found already, of its predicted class; it may
            lack a part still.
    """

    changed = Signal()
    progressed = Signal(object)  # Progress
    saved = Signal(object)  # Message, once a file is there
    failed = Signal(object)  # Failure

    def __init__(self, runner: TaskRunner, known: Known) -> None:
        super().__init__()
        self._queue, self._known = TaskQueue(runner, self), known
        self._classifier: Classifier | None = None
        self.dicom_names: tuple[str, ...] = ()  # fields that the user asked for, one by one
        self._queue.reported.connect(self._on_queue_reported)
        self._queue.failed.connect(self.failed)
        self._queue.finished.connect(self._on_queue_finished)

    @property
    def is_busy(self) -> bool:
        """True while a file is being written."""
        return self._queue.is_busy

    @property
    def classifier(self) -> Classifier | None:
        """The model whose answers are exported."""
        return self._classifier

    def refuse(self) -> None:
        """Report that films of one model are not written under the name of another."""
        changed = Message(
            "Another model was opened meanwhile, so nothing was written. Its answers can be saved "
            "once the films are read again."
        )
        self.failed.emit(Failure(changed))

    def use(self, classifier: Classifier) -> None:
        """Export another model's answers from now on."""
        self._classifier = classifier

    def cancel(self) -> None:
        """Write no more; what is half written is not left behind."""
        self._queue.stop()

    def save_csv(self, path: Path, films: Sequence[FilmResult]) -> None:
        """Write a table of films."""

        def write(classifier: Classifier) -> Iterator[object]:
            from core.report.tables import write_films_csv

            with_header = yield from self._with_headers(films)
            write_films_csv(path, with_header, _context(classifier))

        self._start(path, write)

    def save_json(self, path: Path, films: Sequence[FilmResult]) -> None:
        """Write films as JSON."""

        def write(classifier: Classifier) -> Iterator[object]:
            from core.report.tables import write_films_json

            with_header = yield from self._with_headers(films)
            write_films_json(path, with_header, _context(classifier))

        self._start(path, write)

    def save_report(self, path: Path, films: Sequence[FilmResult]) -> None:
        """Write a PDF of one film or of many; answers are explained on the way."""

        def write(classifier: Classifier) -> Iterator[object]:
            from core.report.pdf import write_report

            with_header = yield from self._with_headers(films)
            explain = partial(self._explanation, classifier)
            yield from write_report(path, with_header, _context(classifier), explain)

        self._start(path, write)

    def save_picture(self, path: Path, film: FilmResult, label: int | None = None) -> None:
        """Write a film with its heat map as PNG; `label`: of another class than the predicted."""

        def write(classifier: Classifier) -> Iterator[object]:
            from core.report.picture import write_picture

            yield Progress(Message("Explaining the answers"), 0, 1)
            pixels = load_xray(film.path, film.frame)
            explanation = self._explanation(classifier, film, label)
            weighed = film.explained(explanation)
            write_picture(path, pixels, weighed, explanation, _context(classifier))

        self._start(path, write)

    def export_model(self, kind: "ExportKind", path: Path) -> None:
        """Write the model in a format of others."""

        def write(classifier: Classifier) -> Iterator[object]:
            from core.models.export import export_model

            yield Progress(Message("Exporting the model"), 0, 1)
            export_model(classifier.path, kind, path)

        self._start(path, write)

    def text_of(self, film: FilmResult) -> str:
        """Return one film as text for the clipboard."""
        from core.report.facts import film_text

        classifier = self._classifier
        if classifier is None:
            return ""
        return film_text(self._with_header(film), _context(classifier))

    def table_of(self, films: Sequence[FilmResult]) -> str:
        """Return films as text for the clipboard: a spreadsheet pastes it into cells."""
        from core.report.tables import films_tsv

        classifier = self._classifier
        if classifier is None:
            return ""
        return films_tsv(
            [self._with_header(film) for film in films],
            _context(classifier),
        )

    def _start(self, path: Path, write: Callable[[Classifier], Iterator[object]]) -> None:
        classifier = self._classifier
        if classifier is None or self.is_busy:
            return
        self._queue.put(path, lambda: write(classifier))
        self.changed.emit()

    def _with_headers(
        self, films: Sequence[FilmResult]
    ) -> Generator[Progress, None, list[FilmResult]]:
        if not self.dicom_names:
            return list(films)
        read = []
        for done, film in enumerate(films, start=1):
            read.append(self._with_header(film))
            yield Progress(Message("Gathering the answers"), done, len(films))
        return read

    def _with_header(self, film: FilmResult) -> FilmResult:
        from core.report.facts import dicom_fields

        if not self.dicom_names:
            return film
        return replace(film, header=dicom_fields(film.path, self.dicom_names))

    def _explanation(
        self, classifier: Classifier, film: FilmResult, label: int | None = None
    ) -> Explanation:
        """Take the explanation that the desk has, or find it out.

        Raises:
            ImageReadError: The film's file is gone.
        """
        known = self._known(film) if label in (None, film.predicted) else None
        if known is not None and known.is_complete:
            return known
        label = film.predicted if label is None else label
        *_, last = explain(classifier, load_xray(film.path, film.frame), label)
        return last

    @Slot(object)
    def _on_queue_reported(self, event: object) -> None:
        if isinstance(event, Progress):
            self.progressed.emit(event)

    @Slot(object, object)
    def _on_queue_finished(self, outcome: Outcome, path: Path) -> None:
        self.changed.emit()
        if outcome is Outcome.FINISHED:
            self.saved.emit(Message("{file} was written.", file=path.name))


def _context(classifier: Classifier) -> "ReportContext":
    from core.report.facts import ReportContext

    return ReportContext.of(classifier, say, language())


_ENDINGS: Final = {"onnx": ".onnx", "paddle": "", "pdparams": ".pdparams"}


class ExportDialogs(QObject):
    """Asks where to, and has the files written.

    Args:
        menu: Tells what is wanted.
        desk: Knows the films.
        model: Writes.
        parent: Over which dialogs appear.
    """

    def __init__(
        self, menu: ExportMenu, desk: ReadingDesk, model: ExportViewModel, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._desk, self._model, self._parent = desk, model, parent
        menu.csv_wanted.connect(self._on_csv_wanted)
        menu.json_wanted.connect(self._on_json_wanted)
        menu.picture_wanted.connect(self._on_picture_wanted)
        menu.report_wanted.connect(self._on_report_wanted)
        menu.reports_wanted.connect(self._on_reports_wanted)
        menu.table_copy_wanted.connect(self._on_table_copy_wanted)
        menu.copy_wanted.connect(self._on_copy_wanted)
        menu.model_wanted.connect(self._on_model_wanted)
        menu.dicom_chosen.connect(self._on_dicom_chosen)

    @Slot()
    def _on_csv_wanted(self) -> None:
        films = self._desk.listed
        self._ask(
            tr("Save a table of {n} films", n=len(films)),
            tr("Tables") + " (*.csv)",
            "films.csv",
            lambda path: self._model.save_csv(path, films),
        )

    @Slot()
    def _on_json_wanted(self) -> None:
        films = self._desk.listed
        self._ask(
            tr("Save {n} films as JSON", n=len(films)),
            "JSON (*.json)",
            "films.json",
            lambda path: self._model.save_json(path, films),
        )

    @Slot()
    def _on_picture_wanted(self) -> None:
        film, label = self._desk.current, self._desk.current_label
        if film is not None:
            self._ask(
                tr("Save the film with its heat map"),
                tr("Pictures") + " (*.png)",
                f"{Path(film.path).stem}.png",
                lambda path: self._model.save_picture(path, film, label),
            )

    @Slot()
    def _on_report_wanted(self) -> None:
        film = self._desk.current
        if film is not None:
            self._ask(
                tr("Save a report of this film"),
                "PDF (*.pdf)",
                f"{Path(film.path).stem}.pdf",
                lambda path: self._model.save_report(path, [film]),
            )

    @Slot()
    def _on_reports_wanted(self) -> None:
        films = self._desk.listed
        self._ask(
            tr("Save a report of {n} films", n=len(films)),
            "PDF (*.pdf)",
            "films.pdf",
            lambda path: self._model.save_report(path, films),
        )

    @Slot()
    def _on_copy_wanted(self) -> None:
        """The figures as text, and the film as it is seen as a picture."""
        film = self._desk.current
        if film is not None:
            content = QMimeData()
            content.setText(self._model.text_of(film))
            content.setImageData(self._desk.picture())
            QGuiApplication.clipboard().setMimeData(content)

    @Slot()
    def _on_table_copy_wanted(self) -> None:
        QGuiApplication.clipboard().setText(self._model.table_of(self._desk.listed))

    @Slot(str)
    def _on_model_wanted(self, kind: str) -> None:
        titles = {
            "onnx": tr("Export the model as ONNX"),
            "paddle": tr("Export the model for Paddle Inference (a new folder)"),
            "pdparams": tr("Export the model's weights as .pdparams"),
        }
        ending = _ENDINGS[kind]
        self._ask(
            titles[kind],
            f"{kind} (*{ending})" if ending else tr("All files") + " (*)",
            f"model{ending}",
            lambda path: self._model.export_model(kind, path),  # type: ignore[arg-type]
        )

    @Slot(list)
    def _on_dicom_chosen(self, names: list[str]) -> None:
        self._model.dicom_names = tuple(names)

    def _ask(self, title: str, kind: str, name: str, write: Callable[[Path], None]) -> None:
        asked = self._model.classifier

        def save(path: Path) -> None:
            if self._model.classifier is asked:
                write(path)
            else:  # the films are those of another model now
                self._model.refuse()

        ask_where_to_save(self._parent, title, kind, name, save)
