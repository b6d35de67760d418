"""Start: where you are on the path, how to begin, and what you used last."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app import theme as styling
from app.i18n import say, tr
from app.settings import AppSettings, Theme
from app.start.steps import Step, steps
from app.view_models import ViewModels
from app.widgets.cards import OfferBar
from app.widgets.labels import plain_label, plain_tip
from app.widgets.layouts import h_box, scroll_area, v_box
from app.widgets.page import Page, TranslatedWidget, primary_button
from app.wording import network_words, status_words
from core.training.runs import RunSummary

MAX_WIDTH_PX = 1180
N_RECENT = 4
PICTURE_PX = 40
MIN_DOOR_PX = 210


class StepButton(QPushButton):
    """One step of the path: its number, its name and its state.

    Args:
        number: From 1.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.setObjectName("step")
        self._number = number
        self._title, self._words = plain_label("sectionTitle"), plain_label("muted", wraps=True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignTop)
        v_box(self._title, (self._words, 1), owner=self, margins=(14, 10, 12, 10), spacing=2)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for label in (self._title, self._words):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_step(self, step: Step) -> None:
        """Draw the step."""
        sign = "✓" if step.state == "done" else str(self._number)
        self._title.setText(f"{sign}  {step.title}")
        self._words.setText(step.words)
        self.setAccessibleName(f"{self._number}. {step.title}: {step.words}")
        if self.property("state") != step.state:
            self.setProperty("state", step.state)
            self.style().polish(self)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        lines = self.fontMetrics().lineSpacing()
        return QSize(200, 3 * lines + 30)  # the words take up to two lines

    def minimumSizeHint(self) -> QSize:
        return QSize(150, self.sizeHint().height())


class LinkButton(QPushButton):
    """A line of text that can be pressed; cut where it is too long."""

    def __init__(self, text: str, tip: str = "") -> None:
        super().__init__()
        self.setObjectName("link")
        self._whole = text
        self.setAccessibleName(text)
        self.setToolTip(plain_tip(tip or text))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._cut()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        room = max(40, self.width() - 16)
        text = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, room)
        self.setText(text.replace("&", "&&"))


class Door(QFrame):
    """A card with a picture, a title, an explanation and its buttons.

    Args:
        name: The style sheet's name for it: "card" or "dropZone".
        buttons: What can be done here.
    """

    def __init__(self, name: str, *buttons: QPushButton) -> None:
        super().__init__()
        self.setObjectName(name)
        self._picture, self._title = plain_label(), plain_label("pageTitle")
        self._hint = plain_label("muted", wraps=True)
        for label in (self._picture, self._title, self._hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        v_box(
            self._picture,
            self._title,
            self._hint,
            None,
            h_box(None, *buttons, None, spacing=8),
            owner=self,
            margins=(16, 18, 16, 18),
            spacing=8,
        )
        self.setMinimumHeight(MIN_DOOR_PX)

    def show_words(self, title: str, hint: str) -> None:
        """Set title and explanation."""
        self._title.setText(title)
        self._hint.setText(hint)

    def show_icon(self, name: str, colour: str) -> None:
        """Draw the picture above them."""
        self._picture.setPixmap(styling.pixmap(name, colour, PICTURE_PX))


class RecentList(TranslatedWidget):
    """A title above up to four links; hidden without any."""

    def __init__(self) -> None:
        super().__init__()
        self._title = plain_label("sectionTitle")
        self._links = QVBoxLayout()
        self._links.setSpacing(0)
        v_box(self._title, self._links, None, owner=self, spacing=4)
        keeps_its_column = self.sizePolicy()
        keeps_its_column.setRetainSizeWhenHidden(True)
        self.setSizePolicy(keeps_its_column)
        self.hide()

    def show_title(self, title: str) -> None:
        """Name the list."""
        self._title.setText(title)

    def show_links(self, links: list[LinkButton]) -> None:
        """Offer other links."""
        while (item := self._links.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for link in links:
            self._links.addWidget(link)
            link.show()  # at once, not with the next event
        self.setVisible(bool(links))


class StartPage(Page):
    """The first page: it looks at every view-model and changes none.

    Args:
        models: Tell how far the user has come.
        settings: Know what was used last.
    """

    page_wanted = Signal(int)
    zip_wanted = Signal()
    folder_wanted = Signal()
    model_wanted = Signal()
    demo_wanted = Signal()
    help_wanted = Signal(str)  # name of a page of the help
    dataset_chosen = Signal(list)  # of str: the zips and folders of one dataset
    model_chosen = Signal(object)  # Path
    run_chosen = Signal(object)  # Path
    resume_wanted = Signal(object)  # Path of a run

    def __init__(self, models: ViewModels, settings: AppSettings) -> None:
        super().__init__()
        self._models, self._settings = models, settings
        self._refused: Path | None = None  # the run that the user does not want to resume now
        self._offered: Path | None = None
        self._sentence = plain_label("muted", wraps=True)
        self._offer = OfferBar()
        self._offer.hide()
        self._steps = [StepButton(number + 1) for number in range(4)]
        self._zip, self._folder = primary_button(), QPushButton()
        self._demo, self._model, self._tutorial = QPushButton(), QPushButton(), QPushButton()
        self._drop_door = Door("dropZone", self._zip, self._folder)
        self._demo_door, self._model_door = Door("card", self._demo), Door("card", self._model)
        self._datasets, self._opened, self._runs = RecentList(), RecentList(), RecentList()
        self.add_to_head(self._tutorial)
        self._lay_out()
        self._connect()
        self.retranslate()

    def apply_theme(self, theme: Theme) -> None:
        accent = styling.colours(theme)["accent"]
        self._drop_door.show_icon("drop", accent)
        self._demo_door.show_icon("train", accent)
        self._model_door.show_icon("read", accent)

    def retranslate(self) -> None:
        self.title.setText(tr("PneumoScope"))
        self._sentence.setText(
            tr(
                "Train a neural network on your own chest X-rays, and see how far its answers can "
                "be trusted. No code, and nothing leaves this computer."
            )
        )
        self._tutorial.setText(tr("Ten-minute tutorial"))
        self._zip.setText(tr("Choose a zip …"))
        self._folder.setText(tr("Choose a folder …"))
        self._drop_door.show_words(
            tr("Drop X-rays"),
            tr("A zip or folder with one folder a class becomes a dataset."),
        )
        self._demo.setText(tr("Start the demo"))
        self._demo_door.show_words(
            tr("Guided demo"),
            tr("All four steps in about two minutes, on drawn X-rays: none is of a patient."),
        )
        self._model.setText(tr("Open model …"))
        self._model_door.show_words(
            tr("Open a model"), tr("Read X-rays with a network that was trained before.")
        )
        self._datasets.show_title(tr("Recent datasets"))
        self._opened.show_title(tr("Recent models"))
        self._runs.show_title(tr("Recent runs"))
        self.show_recent()
        self._show_steps()
        self._show_runs()

    def showEvent(self, event: QShowEvent) -> None:
        """Look for runs once the page has been painted."""
        super().showEvent(event)
        self.show_recent()
        QTimer.singleShot(0, self, self._look_for_runs)

    def show_recent(self) -> None:
        """Offer the datasets and models that were opened last."""
        datasets = []
        for sources in self._settings.recent_datasets[:N_RECENT]:
            link = LinkButton(", ".join(Path(one).name for one in sources), "\n".join(sources))
            link.clicked.connect(
                lambda _checked=False, chosen=sources: self.dataset_chosen.emit(chosen)
            )
            datasets.append(link)
        self._datasets.show_links(datasets)
        models = []
        for path in map(Path, self._settings.recent_models[:N_RECENT]):
            link = LinkButton(f"{path.parent.name}/{path.name}", str(path))
            link.clicked.connect(lambda _checked=False, chosen=path: self.model_chosen.emit(chosen))
            models.append(link)
        self._opened.show_links(models)

    def _lay_out(self) -> None:
        path: list[tuple[QWidget, int]] = []
        for step in self._steps:
            if path:
                arrow = plain_label("muted")
                arrow.setText("→")
                path.append((arrow, 0))
            path.append((step, 1))
        content = QWidget()
        content.setObjectName("bare")
        content.setMaximumWidth(MAX_WIDTH_PX)
        recent = h_box((self._datasets, 1), (self._opened, 1), (self._runs, 1), spacing=16)
        v_box(
            self._sentence,
            self._offer,
            h_box(*path, spacing=8),
            h_box((self._drop_door, 1), (self._demo_door, 1), (self._model_door, 1), spacing=12),
            recent,
            None,
            owner=content,
            spacing=18,
        )
        around = QWidget()
        around.setObjectName("bare")
        h_box((content, 1), owner=around, margins=(0, 4, 8, 8))
        area = scroll_area(around, only_vertical=True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        self.body.addWidget(area, 1)

    def _connect(self) -> None:
        for place, step in enumerate(self._steps):
            step.clicked.connect(
                lambda _checked=False, place=place: self.page_wanted.emit(
                    steps(self._models)[place].page
                )
            )
        self._zip.clicked.connect(self.zip_wanted)
        self._folder.clicked.connect(self.folder_wanted)
        self._model.clicked.connect(self.model_wanted)
        self._demo.clicked.connect(self.demo_wanted)
        self._tutorial.clicked.connect(lambda: self.help_wanted.emit("tutorial"))
        self._offer.taken.connect(self._on_offer_taken)
        self._offer.declined.connect(self._on_offer_declined)
        models = self._models
        for signal in (
            models.data.changed,
            models.training.changed,
            models.training.epoch_done,
            models.evaluation.changed,
            models.evaluation.evaluated,
            models.reading.changed,
        ):
            signal.connect(self._show_steps)
        models.runs.changed.connect(self._show_runs)

    @Slot()
    def _look_for_runs(self) -> None:
        if self.isVisible() and not self._models.runs.is_busy:
            self._models.runs.refresh()

    @Slot()
    def _show_steps(self) -> None:
        for button, step in zip(self._steps, steps(self._models), strict=True):
            button.show_step(step)
        if self._models.training.is_training:
            self._offer.hide()

    @Slot()
    def _show_runs(self) -> None:
        runs = self._models.runs.newest(N_RECENT)
        links = []
        for run in runs:
            link = LinkButton(_name_of(run), f"{run.name}\n{say(status_words(run))}")
            link.clicked.connect(
                lambda _checked=False, chosen=run.path: self.run_chosen.emit(chosen)
            )
            links.append(link)
        self._runs.show_links(links)
        self._offer_to_resume()

    def _offer_to_resume(self) -> None:
        run = self._models.runs.newest_resumable()
        is_offered = run is not None and run.path != self._refused
        self._offer.setVisible(is_offered and not self._models.training.is_training)
        if run is None:
            return
        self._offered = run.path
        self._offer.show_words(
            tr(
                "The run of {date} on {dataset} stopped after epoch {epoch} of {n}.",
                date=f"{run.started.astimezone():%Y-%m-%d %H:%M}",
                dataset=run.dataset,
                epoch=run.epochs_done,
                n=run.config.epochs,
            ),
            tr("Resume it"),
            tr("Not now"),
        )

    @Slot()
    def _on_offer_taken(self) -> None:
        if self._offered is not None:
            self.resume_wanted.emit(self._offered)

    @Slot()
    def _on_offer_declined(self) -> None:
        self._refused = self._offered


def _name_of(run: RunSummary) -> str:
    """Name a run by its dataset, its network and when it began."""
    return f"{run.dataset}, {network_words(run)}, {run.started.astimezone():%m-%d %H:%M}"
