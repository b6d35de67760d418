"""The augmentation of the next run, tried on one's own films."""

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.translation import tr
from app.viewmodels.augmentation import AugmentationViewModel
from app.widgets.augmentation_form import AugmentationForm
from app.widgets.film_chooser import FilmChooser
from app.widgets.film_grid import FilmGrid
from app.widgets.labels import plain_label
from app.widgets.translated import TranslatedWidget

FORM_PX = 340


class AugmentationView(TranslatedWidget):
    """The form at the left, a film and what training makes of it at the right."""

    def __init__(self, model: AugmentationViewModel) -> None:
        super().__init__()
        self._model = model
        self._form = AugmentationForm()
        self._form.setFixedWidth(FORM_PX)
        self._chooser, self._grid = FilmChooser(), FilmGrid()
        self._again = QPushButton()
        self._epochs = plain_label("muted", wraps=True)
        self._nothing = plain_label("muted", wraps=True)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._build_preview())
        self._stack.addWidget(self._build_invitation())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 12, 0, 0)
        layout.setSpacing(16)
        layout.addWidget(self._form)
        layout.addWidget(self._stack, 1)
        # Several changes at once are drawn once, and none while nobody looks.
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.timeout.connect(self._on_redraw_timeout)
        self._is_outdated = True
        self._connect()
        self.retranslate()
        self._on_model_changed()
        self._on_model_film_changed()

    def _build_preview(self) -> QWidget:
        preview = QWidget()
        layout = QVBoxLayout(preview)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(self._chooser)
        layout.addWidget(self._grid, 1)
        line = QHBoxLayout()
        line.addWidget(self._epochs, 1)
        line.addWidget(self._again)
        layout.addLayout(line)
        return preview

    def _build_invitation(self) -> QWidget:
        invitation = QWidget()
        layout = QVBoxLayout(invitation)
        layout.addWidget(self._nothing)
        layout.addStretch()
        return invitation

    def _connect(self) -> None:
        model = self._model
        self._form.edited.connect(model.set_config)
        self._form.reset_wanted.connect(model.reset)
        self._chooser.previous_wanted.connect(model.show_previous)
        self._chooser.next_wanted.connect(model.show_next)
        self._again.clicked.connect(model.draw_again)
        model.changed.connect(self._on_model_changed)
        model.film_changed.connect(self._on_model_film_changed)

    def retranslate(self) -> None:
        self._again.setText(tr("Draw again"))
        self._nothing.setText(tr("Open a dataset to see here what training makes of its films."))
        self._grid.setAccessibleName(tr("The film and twelve random changes of it"))
        self._show_epochs()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_outdated:
            self._redraw.start(0)

    @Slot()
    def _on_model_changed(self) -> None:
        self._form.show_config(self._model.config, can_reset=self._model.is_changed)
        self._outdate()

    @Slot()
    def _on_model_film_changed(self) -> None:
        model = self._model
        self._stack.setCurrentIndex(0 if model.n_films else 1)
        self._chooser.show_film(model.name, model.index, model.n_films)
        self._show_epochs()
        self._outdate()

    def _outdate(self) -> None:
        self._is_outdated = True
        if self.isVisible():
            self._redraw.start(0)

    @Slot()
    def _on_redraw_timeout(self) -> None:
        self._is_outdated = False
        original = self._model.original()
        if original is None:
            self._grid.clear()
        else:
            self._grid.show_films(original, self._model.draws(original))

    def _show_epochs(self) -> None:
        epochs = self._model.epochs
        self._grid.show_captions(
            [tr("Original"), *(tr("Epoch {epoch}", epoch=epoch) for epoch in epochs)]
        )
        self._epochs.setText(
            tr(
                "What epochs {first} to {last} of a run with seed {seed} would show the network, "
                "drawn by the code that trains.",
                first=epochs[0],
                last=epochs[-1],
                seed=self._model.seed,
            )
        )
