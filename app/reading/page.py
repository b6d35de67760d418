"""Read: drop X-rays, see what the network says of each, why, and whether to believe it."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QWidget

from app import theme as styling
from app.drops import contents_of
from app.i18n import say, tr
from app.reading.desk import ReadingDesk
from app.reading.desk_viewmodel import DeskViewModel
from app.reading.export import ExportDialogs, ExportMenu, ExportViewModel
from app.reading.viewmodel import ReadingViewModel
from app.settings import Theme
from app.widgets.labels import plain_label
from app.widgets.model_card import show_model_card
from app.widgets.page import DropZone, Page, SubPage, primary_button
from core.errors import Message
from core.events import Progress
from core.models.model_card import ModelCard
from core.prediction.verdict import ModelLimits


class ReadingPage(Page):
    """An invitation to drop films, then the desk; or the quiz.

    Args:
        model: The films and the model.
        looking: The films at full depth, and their explanations.
        exports: Writes files.
        quiz: Takes the place of the desk while a quiz is held.
    """

    model_wanted = Signal()
    films_wanted = Signal()
    folder_wanted = Signal()
    dropped = Signal(object)  # app.drops.Dropped
    full_screen_wanted = Signal(bool)

    def __init__(
        self,
        model: ReadingViewModel,
        looking: DeskViewModel,
        exports: ExportViewModel,
        quiz: SubPage,
    ) -> None:
        super().__init__()
        self._model, self._exports = model, exports
        self._note: Message | None = None  # what happened last and is worth a line
        self._search: Progress | None = None  # for films
        self._writing: Progress | None = None  # of a file that is taken away
        self._is_full_screen = False
        self._open_model, self._clear, self._start_quiz = (QPushButton() for _ in range(3))
        self._open_films, self.export_menu = primary_button(), ExportMenu()
        self.add_to_head(
            self._clear, self._start_quiz, self.export_menu, self._open_model, self._open_films
        )
        self._first_model, self._first_folder = QPushButton(), QPushButton()
        self._first_films = primary_button()
        self._zone = DropZone([self._first_films, self._first_folder, self._first_model])
        self._zone.dropped.connect(self.dropped)
        self._status, self._cancel = plain_label("muted"), QPushButton()
        self.desk, self.quiz = ReadingDesk(model, looking), quiz
        ExportDialogs(self.export_menu, self.desk, exports, self)
        self._stack = QStackedWidget()
        for part in (self._zone, self.desk, self.quiz):
            self._stack.addWidget(part)
        status = QHBoxLayout()
        status.addWidget(self._status, 1)
        status.addWidget(self._cancel)
        self.body.addLayout(status)
        self.body.addWidget(self._stack, 1)
        self._connect()
        self.retranslate()

    def _connect(self) -> None:
        model, exports = self._model, self._exports
        for button in (self._open_model, self._first_model):
            button.clicked.connect(self.model_wanted)
        for button in (self._open_films, self._first_films):
            button.clicked.connect(self.films_wanted)
        self._first_folder.clicked.connect(self.folder_wanted)
        self._clear.clicked.connect(model.clear)
        self._cancel.clicked.connect(self._on_cancel_clicked)
        self._start_quiz.clicked.connect(self._on_quiz_clicked)
        self.quiz.closed.connect(self._on_quiz_closed)
        self.desk.current_changed.connect(self._on_model_changed)
        self.desk.full_screen_wanted.connect(self.full_screen_wanted)
        self.desk.panel.card_wanted.connect(self._on_card_wanted)
        model.changed.connect(self._on_model_changed)
        model.cleared.connect(self._on_cleared)
        for signal in (model.film_read, model.film_refused, model.film_repeated):
            signal.connect(self._on_model_changed)
        model.progressed.connect(self._on_search_progressed)
        exports.progressed.connect(self._on_writing_progressed)
        exports.changed.connect(self._on_model_changed)
        exports.saved.connect(self._on_saved)
        paste = QShortcut(QKeySequence(QKeySequence.StandardKey.Paste), self)
        paste.activated.connect(self._on_paste)

    def set_full_screen(self, is_full: bool) -> None:
        """Give the viewer all the room."""
        self._is_full_screen = is_full
        for widget in (self.title, self.subtitle, self._open_model, self._open_films):
            widget.setVisible(not is_full)
        self.spread(is_full)
        self.desk.set_alone(is_full)
        self._on_model_changed()

    def apply_theme(self, theme: Theme) -> None:
        colours = styling.colours(theme)
        self._zone.show_picture(styling.pixmap("read", colours["accent"], 56))
        self.desk.apply_theme(theme)
        self.quiz.apply_theme(theme)

    def retranslate(self) -> None:
        self.title.setText(tr("Read"))
        self._open_model.setText(tr("Open model …"))
        self._first_model.setText(tr("Open model …"))
        self._open_films.setText(tr("Open X-rays …"))
        self._first_films.setText(tr("Choose X-rays …"))
        self._first_folder.setText(tr("Choose folder …"))
        self._clear.setText(tr("Clear"))
        self._start_quiz.setText(tr("Quiz …"))
        self._start_quiz.setToolTip(
            tr("Answer yourself, first without and then with the model's opinion.")
        )
        self._cancel.setText(tr("Stop"))
        self._on_model_changed()

    # What is going on.

    @Slot()
    def _on_model_changed(self) -> None:
        model = self._model
        card, n_rows = model.card, len(model.films) + len(model.refused)
        has_model, has_rows = card is not None, n_rows > 0
        title, hint = _invitation(has_model=has_model)
        self._zone.show_words(title, hint)
        for widget in (self._open_films, self._clear, self._start_quiz):
            widget.setEnabled(has_model)
        for button in (self._first_films, self._first_folder):
            button.setVisible(has_model)
        self._clear.setEnabled(has_rows)
        is_quiz = self._stack.currentWidget() is self.quiz
        is_room = not (is_quiz or self._is_full_screen)  # for what is not the film
        for widget in (self._clear, self._start_quiz, self.export_menu):
            widget.setVisible(is_room)
        self.export_menu.show_available(
            has_film=self.desk.current is not None,
            n_films=len(model.films),
            has_model=has_model,
        )
        if not is_quiz:
            self._show_part(self.desk if has_rows else self._zone)
        classifier = model.classifier
        if card is not None and model.model is not None and classifier is not None:
            self.subtitle.setText(f"{model.model.parent.name}/{model.model.name}")
            self.desk.panel.model_line.setText(_model_words(card, classifier.limits))
        is_busy = model.is_busy or self._exports.is_busy
        self._search = self._search if model.is_busy else None
        self._writing = self._writing if self._exports.is_busy else None
        self._cancel.setVisible(is_busy and is_room and (has_model or model.n_waiting > 0))
        self._status.setText(self._status_words())
        self._status.setVisible(bool(self._status.text()) and is_room)

    def _show_part(self, part: QWidget) -> None:
        is_other = self._stack.currentWidget() is not part
        self._stack.setCurrentWidget(part)
        if is_other and part is self.desk and self.isVisible():
            self.desk.viewer.take_keys()  # no page in front loses them

    def _status_words(self) -> str:
        model = self._model
        if self._exports.is_busy and self._writing is not None:
            return _progress_words(self._writing)
        if model.is_busy and model.card is None:
            return tr("Opening the model …")
        if model.card is None:
            return tr("{n} films wait for a model.", n=model.n_waiting) if model.n_waiting else ""
        counts = self._counts()
        if model.is_busy:
            search = self._search
            is_searching = search is not None and search.done < search.total
            now = _progress_words(search) if search and is_searching else tr("Reading films …")
            return "  ·  ".join(filter(None, (now, counts)))
        if self._note is not None:
            return "  ·  ".join(filter(None, (say(self._note), counts)))
        return counts

    def _counts(self) -> str:
        model = self._model
        if not (model.films or model.refused):
            return ""
        read = tr(
            "{read} films read, {refused} refused",
            read=len(model.films),
            refused=len(model.refused),
        )
        if not model.n_repeated:
            return read
        repeated = tr("{n} were in the list already", n=model.n_repeated)
        return tr("{first}, {second}", first=read, second=repeated)

    @Slot(object)
    def _on_search_progressed(self, progress: Progress) -> None:
        self._search, self._note = progress, None
        self._status.setText(self._status_words())

    @Slot(object)
    def _on_writing_progressed(self, progress: Progress) -> None:
        self._writing, self._note = progress, None
        self._status.setText(self._status_words())

    @Slot(object)
    def _on_saved(self, message: Message) -> None:
        self._note = message
        self._on_model_changed()

    @Slot()
    def _on_cleared(self) -> None:
        self._note = None
        self._on_model_changed()

    @Slot()
    def _on_cancel_clicked(self) -> None:
        self._exports.cancel()
        self._model.cancel()

    @Slot()
    def _on_paste(self) -> None:
        self.dropped.emit(contents_of(QGuiApplication.clipboard().mimeData()))

    @Slot()
    def _on_card_wanted(self) -> None:
        classifier = self._model.classifier
        if classifier is not None:
            warnings = classifier.limits.warnings
            show_model_card(classifier.card, classifier.path.name, warnings, self)

    @Slot()
    def _on_quiz_clicked(self) -> None:
        self._stack.setCurrentWidget(self.quiz)
        self._on_model_changed()

    @Slot()
    def _on_quiz_closed(self) -> None:
        self._stack.setCurrentWidget(self._zone)
        self._on_model_changed()


def _invitation(*, has_model: bool) -> tuple[str, str]:
    if has_model:
        return tr("Drop X-rays here"), tr(
            "One or many, a folder or a zip: PNG, JPEG, BMP, TIFF, WebP, JPEG 2000 or DICOM. A "
            "picture can also be pasted. Each film is read by the model that is open."
        )
    return tr("No model yet"), tr(
        "Train one on the Train page, or drop a model file (.safetensors) here."
    )


def _progress_words(progress: Progress) -> str:
    stage = say(progress.stage)
    if progress.total > 1:
        return tr(
            "{stage}: {done} of {total}", stage=stage, done=progress.done, total=progress.total
        )
    return f"{stage} …"


def _model_words(card: ModelCard, limits: ModelLimits) -> str:
    words = tr(
        "{architecture} at {size} px, trained on {dataset}.",
        architecture=card.architecture.replace("resnet", "ResNet-"),
        size=card.preprocessing.image_size,
        dataset=card.dataset["name"],
    )
    warnings = [say(warning) for warning in limits.warnings]
    return "\n".join([words, *warnings])
