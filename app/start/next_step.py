"""The bar below a page that says what came of its step, and leads to the next one."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QPushButton

from app.i18n import tr
from app.view_models import ViewModels
from app.widgets.help_links import HelpLink
from app.widgets.labels import plain_label
from app.widgets.layouts import h_box
from app.widgets.page import EVALUATE, READ, TRAIN, TranslatedWidget


class NextStepBar(TranslatedWidget):
    """Result of the page in front and buttons to what follows; hidden while there is none.

    Args:
        models: Tell what came of each step.
    """

    page_wanted = Signal(int)

    def __init__(self, models: ViewModels) -> None:
        super().__init__()
        self._models, self._page = models, TRAIN
        self._result, self._meaning = plain_label(wraps=True), HelpLink()
        self._evaluate, self._read = QPushButton(), QPushButton()
        h_box(
            (self._result, 1),
            self._meaning,
            self._evaluate,
            self._read,
            owner=self,
            margins=(20, 0, 20, 10),
            spacing=8,
        )
        self._evaluate.clicked.connect(lambda: self.page_wanted.emit(EVALUATE))
        self._read.clicked.connect(lambda: self.page_wanted.emit(READ))
        for signal in (
            models.training.changed,
            models.training.trained,
            models.evaluation.changed,
            models.evaluation.evaluated,
        ):
            signal.connect(self._show_result)
        self.retranslate()

    def retranslate(self) -> None:
        self._evaluate.setText(tr("Next: Evaluate"))
        self._read.setText(tr("Next: Read"))
        self._show_result()

    @Slot(int)
    def show_for(self, page: int) -> None:
        """Follow the page in front."""
        self._page = page
        self._show_result()

    @Slot()
    def _show_result(self) -> None:
        words = ""
        if self._page == TRAIN:
            words = self._trained()
        elif self._page == EVALUATE:
            words = self._evaluated()
        self._result.setText(words)
        place = "train" if self._page == TRAIN else "evaluate"
        self._meaning.show_link(place, tr("What do the figures mean?"))
        self._evaluate.setVisible(self._page == TRAIN)
        self.setVisible(bool(words))

    def _trained(self) -> str:
        training = self._models.training
        done, started = training.result, training.start_event
        if done is None or training.is_training:
            return ""
        if done.test_accuracy is not None and started is not None and started.n_test:
            return tr(
                "Test accuracy {value} on {n} X-rays.",
                value=f"{done.test_accuracy:.1%}",
                n=f"{started.n_test:,}",
            )
        return tr("The model is trained.")

    def _evaluated(self) -> str:
        evaluation = self._models.evaluation
        if evaluation.result is None or evaluation.is_busy:
            return ""
        measured = evaluation.result.result
        return tr(
            "Accuracy {value} on {n} X-rays.", value=f"{measured.accuracy:.1%}", n=f"{measured.n:,}"
        )


class DemoBar(TranslatedWidget):
    """The line above the pages that explains the guided demo while it goes on."""

    ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._step: int | None = None
        self._words = plain_label("sectionTitle", wraps=True)
        self._drawn = plain_label("warning")
        self._end = QPushButton()
        self._end.clicked.connect(self._on_end_clicked)
        h_box(
            (self._words, 1),
            self._drawn,
            self._end,
            owner=self,
            margins=(20, 8, 20, 0),
            spacing=12,
        )
        self.hide()
        self.retranslate()

    def retranslate(self) -> None:
        self._drawn.setText(tr("Drawn X-rays, of no patient"))
        self._end.setText(tr("End the demo"))
        self._show_step()

    def show_step(self, step: int) -> None:
        """Explain a step.

        Args:
            step: From 1 to 4; 5: all is done.
        """
        self._step = step
        self._show_step()
        self.show()

    def _show_step(self) -> None:
        words = {
            1: tr("Demo, step 1 of 4: the program draws X-rays of three classes and checks them."),
            2: tr("Demo, step 2 of 4: the network trains. Loss should fall, accuracy should rise."),
            3: tr("Demo, step 3 of 4: the model is tested on X-rays that it never saw."),
            4: tr("Demo, step 4 of 4: the model reads three X-rays kept apart for you."),
            5: tr("The demo was stopped. You go on from here."),
        }
        self._words.setText(words.get(self._step or 0, ""))

    @Slot()
    def _on_end_clicked(self) -> None:
        self.hide()
        self.ended.emit()
