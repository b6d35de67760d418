"""Read: drop X-rays, see what the model says of each."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QPushButton, QScrollArea, QSplitter, QStackedWidget, QVBoxLayout

from app import resources
from app.pages.page import Page, primary_button
from app.settings import Theme
from app.translation import language, say, tr
from app.viewmodels.reading import ReadFilm, ReadingViewModel
from app.widgets.drop_zone import DropZone
from app.widgets.film_list import FilmList
from app.widgets.image_view import ImageView
from app.widgets.labels import card, plain_label
from app.widgets.score_bars import ScoreBars
from core.errors import Refusal

LIST_PX, ANSWER_PX = 300, 300


class ReadingPage(Page):
    """A list of films, the current film, and its probabilities."""

    model_wanted = Signal()
    films_wanted = Signal()
    files_dropped = Signal(list)  # of Path

    def __init__(self, model: ReadingViewModel) -> None:
        super().__init__()
        self._model = model
        self._rows: list[ReadFilm | Refusal] = []
        self._colours: dict[str, str] = {}
        self._open_model, self._clear = QPushButton(), QPushButton()
        self._open_films = primary_button()
        self.add_to_head(self._clear, self._open_model, self._open_films)
        self._first_model, self._first_films = QPushButton(), primary_button()
        self._zone = DropZone([self._first_films, self._first_model])
        self._zone.files_dropped.connect(self.files_dropped)
        self._status = plain_label("muted")
        self._stack = QStackedWidget()
        self._stack.addWidget(self._zone)
        self._stack.addWidget(self._build_desk())
        self.body.addWidget(self._status)
        self.body.addWidget(self._stack, 1)

        for button in (self._open_model, self._first_model):
            button.clicked.connect(self.model_wanted)
        for button in (self._open_films, self._first_films):
            button.clicked.connect(self.films_wanted)
        self._clear.clicked.connect(model.clear)
        self._list.film_chosen.connect(self._show_row)
        model.changed.connect(self._on_model_changed)
        model.cleared.connect(self._on_model_cleared)
        model.film_read.connect(self._on_film_read)
        model.film_refused.connect(self._on_film_refused)
        model.view_loaded.connect(self._on_view_loaded)
        self.retranslate()

    def _build_desk(self) -> QSplitter:
        self._list = FilmList()
        self._view = ImageView()
        self._name = plain_label("sectionTitle", wraps=True)
        self._answer = plain_label("figure", wraps=True)
        self._truth = plain_label(wraps=True)
        self._bars = ScoreBars()
        self._model_line = plain_label("muted", wraps=True)
        answer = card()
        layout = QVBoxLayout(answer)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(10)
        for part in (self._name, self._answer, self._truth):
            layout.addWidget(part)
        scroll = QScrollArea()  # a thousand classes must not make the window as tall
        scroll.setWidget(self._bars)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._bars.setObjectName("bare")
        layout.addWidget(scroll, 1)
        layout.addWidget(self._model_line)
        desk = QSplitter(Qt.Orientation.Horizontal)
        desk.addWidget(self._list)
        desk.addWidget(self._view)
        desk.addWidget(answer)
        desk.setStretchFactor(1, 1)
        desk.setSizes([LIST_PX, 700, ANSWER_PX])
        desk.setHandleWidth(10)
        desk.setChildrenCollapsible(False)
        return desk

    def apply_theme(self, theme: Theme) -> None:
        colours = self._colours = resources.colours(theme)
        self._zone.show_picture(resources.pixmap("read", colours["accent"], 56))
        self._bars.show_colours(colours["accent"], colours["muted"], colours["raised"])

    def retranslate(self) -> None:
        self.title.setText(tr("Read"))
        self._open_model.setText(tr("Open model …"))
        self._first_model.setText(tr("Open model …"))
        self._open_films.setText(tr("Open X-rays …"))
        self._first_films.setText(tr("Choose X-rays …"))
        self._clear.setText(tr("Clear"))
        for row, entry in enumerate(self._rows):
            self._list.show_text(row, self._line(entry))
        self._on_model_changed()
        self._show_row(self._list.currentRow())

    @Slot()
    def _on_model_changed(self) -> None:
        model = self._model
        has_model = model.card is not None
        if has_model:
            title = tr("Drop X-rays here")
            hint = tr("One or many PNG or JPEG files. Each is read by the model that is open.")
        else:
            title = tr("No model yet")
            hint = tr("Train one on the Train page, or drop a model file (.safetensors) here.")
        self._zone.show_words(title, hint)
        self._open_films.setEnabled(has_model)
        self._first_films.setVisible(has_model)
        self._clear.setEnabled(bool(self._rows))
        self._stack.setCurrentIndex(1 if self._rows else 0)
        card = model.card
        if card is not None and model.model is not None:
            self.subtitle.setText(f"{model.model.parent.name}/{model.model.name}")
            self._model_line.setText(
                tr(
                    "{architecture} at {size} px, trained on {dataset}. The probabilities are "
                    "uncalibrated: read them as a ranking.",
                    architecture=card.architecture.replace("resnet", "ResNet-"),
                    size=card.preprocessing.image_size,
                    dataset=card.dataset["name"],
                )
            )
        self._status.setVisible(model.is_busy or bool(self._rows) or model.n_waiting > 0)
        if model.is_busy and not has_model:
            self._status.setText(tr("Opening the model …"))
        elif not has_model and model.n_waiting:
            self._status.setText(tr("{n} films wait for a model.", n=model.n_waiting))
        elif model.is_busy:
            self._status.setText(tr("Reading films …"))
        else:
            self._status.setText(
                tr(
                    "{read} films read, {refused} refused",
                    read=len(model.films),
                    refused=len(model.refused),
                )
            )

    @Slot()
    def _on_model_cleared(self) -> None:
        self._rows = []
        self._list.clear()
        self._view.clear()
        self._on_model_changed()

    @Slot(object)
    def _on_film_read(self, film: ReadFilm) -> None:
        self._rows.append(film)
        self._list.add_film(film.thumbnail, self._line(film))
        self._on_model_changed()

    @Slot(object)
    def _on_view_loaded(self, path: Path) -> None:
        row = self._list.currentRow()
        entry = self._rows[row] if 0 <= row < len(self._rows) else None
        if isinstance(entry, ReadFilm) and entry.path == path:
            self._show_row(row)

    @Slot(object)
    def _on_film_refused(self, refusal: Refusal) -> None:
        self._rows.append(refusal)
        self._list.add_refused(
            resources.icon("warning", self._colours["warning"], 40), self._line(refusal)
        )
        self._on_model_changed()

    def _line(self, entry: ReadFilm | Refusal) -> str:
        if isinstance(entry, Refusal):
            return entry.file + "\n" + tr("not read")
        answer = self._name_of(self._class_of(entry))
        line = f"{entry.name}\n{answer}  {entry.probabilities[entry.predicted]:.1%}"
        if entry.true_class is not None:
            line += "  ✓" if entry.true_class == self._class_of(entry) else "  ×"
        return line

    @Slot(int)
    def _show_row(self, row: int) -> None:
        if not 0 <= row < len(self._rows):
            return
        entry = self._rows[row]
        is_film = isinstance(entry, ReadFilm)
        self._bars.setVisible(is_film)
        if isinstance(entry, Refusal):
            self._view.clear()
            self._name.setText(entry.file)
            self._answer.setText(tr("not read"))
            self._truth.setText(say(entry.reason))
            self._truth.setVisible(True)
            return
        card = self._model.card
        if card is None:
            return
        image = self._model.view(entry)
        # Until the picture is read again, its thumbnail stands for it.
        self._view.show_film(entry.thumbnail if image is None else image)
        self._name.setText(entry.name)
        self._answer.setText(self._name_of(self._class_of(entry)))
        self._bars.show_scores(
            [self._name_of(name) for name in card.classes], list(entry.probabilities)
        )
        if entry.true_class is None:
            self._truth.setText("")
        else:
            is_right = entry.true_class == self._class_of(entry)
            self._truth.setText(
                tr(
                    "True class: {name} ({verdict})",
                    name=self._name_of(entry.true_class),
                    verdict=tr("✓ right") if is_right else tr("× wrong"),
                )
            )
        self._truth.setVisible(entry.true_class is not None)

    def _class_of(self, film: ReadFilm) -> str:
        card = self._model.card
        return card.classes[film.predicted] if card is not None else ""

    def _name_of(self, folder: str) -> str:
        card = self._model.card
        names = card.display_names.get(folder) if card is not None else None
        return names[language()] if names is not None else folder
