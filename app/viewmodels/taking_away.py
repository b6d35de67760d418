"""What is taken away from the Read page: tables, pictures, reports, the model itself."""

import datetime
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import Failure, Outcome, TaskRunner
from app.translation import language, say
from app.viewmodels.read_film import ReadFilm
from core.data.images import load_xray
from core.errors import Message
from core.events import Progress

if TYPE_CHECKING:  # load Paddle
    from core.models.export import ExportKind
    from core.prediction.classifier import Classifier
    from core.prediction.explanation import Explanation
    from core.prediction.report.context import ReportContext
    from core.prediction.report.film import ReportFilm

Known = Callable[[ReadFilm], "Explanation | None"]


class TakingAwayViewModel(QObject):
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
        self._runner, self._known = runner, known
        self._classifier: Classifier | None = None
        self._result: Message | None = None
        self.dicom_names: tuple[str, ...] = ()  # fields that the user asked for, one by one
        runner.reported.connect(self._on_runner_reported)
        runner.failed.connect(self.failed)
        runner.finished.connect(self._on_runner_finished)

    @property
    def is_busy(self) -> bool:
        """Whether a file is being written."""
        return self._runner.is_running

    @property
    def classifier(self) -> "Classifier | None":
        """The model whose answers are taken away."""
        return self._classifier

    def refuse(self) -> None:
        """Say that films of one model are not written under the name of another."""
        changed = Message(
            "Another model was opened meanwhile, so nothing was written. Its answers can be saved "
            "once the films are read again."
        )
        self.failed.emit(Failure(changed, ""))

    def use(self, classifier: "Classifier") -> None:
        """Take things away from another model from now on."""
        self._classifier = classifier

    def cancel(self) -> None:
        """Write no more; what is half written is not left behind."""
        self._runner.stop()

    def save_csv(self, path: Path, films: Sequence[ReadFilm]) -> None:
        """Write a table of films."""

        def write(classifier: "Classifier") -> Iterator[object]:
            from core.prediction.report.tables import write_films_csv

            read = yield from self._read(classifier, films)
            write_films_csv(path, read, _context(classifier))

        self._start(path, write)

    def save_json(self, path: Path, films: Sequence[ReadFilm]) -> None:
        """Write films as JSON."""

        def write(classifier: "Classifier") -> Iterator[object]:
            from core.prediction.report.tables import write_films_json

            read = yield from self._read(classifier, films)
            write_films_json(path, read, _context(classifier))

        self._start(path, write)

    def save_report(self, path: Path, films: Sequence[ReadFilm]) -> None:
        """Write a PDF of one film or of many; answers are explained on the way."""

        def write(classifier: "Classifier") -> Iterator[object]:
            from core.prediction.report.document import write_report

            read = yield from self._read(classifier, films, is_explained=True)
            yield from write_report(path, read, _context(classifier))

        self._start(path, write)

    def save_picture(self, path: Path, film: ReadFilm, label: int | None = None) -> None:
        """Write a film with its heat map as PNG; `label`: of another class than the predicted."""

        def write(classifier: "Classifier") -> Iterator[object]:
            from core.prediction.report.answer import answer_of
            from core.prediction.report.film_picture import write_picture

            yield Progress(Message("Explaining the answers"), 0, 1)
            read = self._report_film(classifier, film, is_explained=True, label=label)
            answer = answer_of(read, may_compute=True)
            write_picture(path, load_xray(film.path), answer, _context(classifier))

        self._start(path, write)

    def export_model(self, kind: "ExportKind", path: Path) -> None:
        """Write the model in a format of others."""

        def write(classifier: "Classifier") -> Iterator[object]:
            from core.models.export import export_model

            yield Progress(Message("Exporting the model"), 0, 1)
            export_model(classifier.path, kind, path)

        self._start(path, write)

    def text_of(self, film: ReadFilm) -> str:
        """What the clipboard takes of one film."""
        from core.prediction.report.summary import film_text

        classifier = self._classifier
        if classifier is None:
            return ""
        return film_text(self._report_film(classifier, film), _context(classifier))

    def table_of(self, films: Sequence[ReadFilm]) -> str:
        """What the clipboard takes of many films: a spreadsheet pastes it into cells."""
        from core.prediction.report.tables import films_tsv

        classifier = self._classifier
        if classifier is None:
            return ""
        read = [self._report_film(classifier, film) for film in films]
        return films_tsv(read, _context(classifier))

    def _start(self, path: Path, write: Callable[["Classifier"], Iterator[object]]) -> None:
        classifier = self._classifier
        if classifier is None or self.is_busy:
            return
        self._result = Message("{file} was written.", file=path.name)
        self._runner.start(lambda: write(classifier))
        self.changed.emit()

    def _read(
        self, classifier: "Classifier", films: Sequence[ReadFilm], *, is_explained: bool = False
    ) -> Generator[Progress, None, "list[ReportFilm]"]:
        read = []
        for done, film in enumerate(films, start=1):
            read.append(self._report_film(classifier, film, is_explained=is_explained))
            if done % 100 == 0 or self.dicom_names:  # each a point to stop at
                yield Progress(Message("Gathering the answers"), done, len(films))
        return read

    def _report_film(
        self,
        classifier: "Classifier",
        film: ReadFilm,
        *,
        is_explained: bool = False,
        label: int | None = None,
    ) -> "ReportFilm":
        from core.prediction.report.dicom_fields import dicom_fields
        from core.prediction.report.film import ReportFilm

        known = self._known(film) if label in (None, film.predicted) else None
        if known is not None and not known.is_complete:
            known = None
        classes = classifier.card.classes
        names = self.dicom_names
        return ReportFilm(
            file=film.file,
            digest=film.digest,
            opinion=film.opinion,
            true_class=classes.index(film.true_class) if film.true_class in classes else None,
            pixels=lambda: load_xray(film.path),
            explanation=(
                (lambda: _explanation(classifier, film, label))
                if known is None and is_explained
                else known
            ),
            dicom=dicom_fields(film.path, names) if names else {},
        )

    @Slot(object)
    def _on_runner_reported(self, event: object) -> None:
        if isinstance(event, Progress):
            self.progressed.emit(event)

    @Slot(object)
    def _on_runner_finished(self, outcome: Outcome) -> None:
        result, self._result = self._result, None
        self.changed.emit()
        if outcome is Outcome.FINISHED and result is not None:
            self.saved.emit(result)


def _context(classifier: "Classifier") -> "ReportContext":
    from core.prediction.report.context import ReportContext
    from core.version import program_version

    return ReportContext(
        card=classifier.card,
        model_file=classifier.path.name,
        created=datetime.datetime.now().astimezone(),
        version=program_version(),
        say=say,
        language=language(),
    )


def _explanation(classifier: "Classifier", film: ReadFilm, label: int | None) -> "Explanation":
    from core.prediction.explanation import explain

    *_, last = explain(classifier, load_xray(film.path), label)
    return last
