"""Evaluate: who was mistaken for whom, and how each class does."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import theme as styling
from app.evaluation.class_mapping import ClassMappingForm
from app.evaluation.viewmodel import EvaluationViewModel
from app.i18n import language, say, tr
from app.settings import Theme
from app.widgets.cards import ProgressCard
from app.widgets.labels import Figure, card, plain_label
from app.widgets.page import DropZone, Page, primary_button
from app.widgets.tables import ConfusionMatrixView, PlainTable
from core.evaluation.metrics import most_frequent_mistakes

NUMBER_COLUMNS = (1, 2, 3, 4, 5)
N_MISTAKES = 5


class EvaluationPage(Page):
    """Shows one evaluation, or what is missing for one."""

    model_wanted = Signal()
    dropped = Signal(object)  # app.drops.Dropped

    def __init__(self, model: EvaluationViewModel) -> None:
        super().__init__()
        self._model = model
        self._part = QComboBox()
        self._part.addItem("", "test")
        self._part.addItem("", "all")
        self._open, self._evaluate = QPushButton(), primary_button()
        self.add_to_head(self._part, self._open, self._evaluate)
        self._first_open = QPushButton()
        self._zone = DropZone([self._first_open])
        self._zone.dropped.connect(self.dropped)
        self._progress = ProgressCard()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._zone)
        self._stack.addWidget(self._build_report())
        self._classes = ClassMappingForm()
        self._classes.answered.connect(model.choose_classes)
        self._stack.addWidget(self._classes)
        self.body.addWidget(self._progress)
        self.body.addWidget(self._stack, 1)

        self._part.activated.connect(self._on_part_activated)
        self._open.clicked.connect(self.model_wanted)
        self._first_open.clicked.connect(self.model_wanted)
        self._evaluate.clicked.connect(model.evaluate)
        self._progress.cancelled.connect(model.cancel)
        model.changed.connect(self._on_model_changed)
        model.progressed.connect(self._progress.show_progress)
        model.evaluated.connect(self._on_model_changed)
        self.retranslate()

    def _build_report(self) -> QWidget:
        report = QWidget()
        layout = QVBoxLayout(report)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        self._figures = [Figure() for _ in range(3)]
        row = QHBoxLayout()
        row.setSpacing(12)
        for figure in self._figures:
            row.addWidget(figure)
        layout.addLayout(row)
        self._warnings = plain_label("warning", wraps=True)
        layout.addWidget(self._warnings)

        self._matrix = ConfusionMatrixView()
        self._matrix_title = plain_label("sectionTitle")
        scroll = QScrollArea()
        scroll.setWidget(self._matrix)
        scroll.setWidgetResizable(True)
        self._matrix.setObjectName("bare")
        left = card()
        left_layout = QVBoxLayout(left)
        left_layout.setContentsMargins(14, 10, 14, 14)
        left_layout.addWidget(self._matrix_title)
        left_layout.addWidget(scroll, 1)

        self._table = PlainTable(stretched=0)
        self._table_title = plain_label("sectionTitle")
        self._explanation = plain_label("muted", wraps=True)
        self._mistakes = PlainTable(stretched=0)
        self._mistakes_title = plain_label("sectionTitle")
        right = card()
        right_layout = QVBoxLayout(right)
        right_layout.setContentsMargins(14, 10, 14, 14)
        right_layout.addWidget(self._table_title)
        right_layout.addWidget(self._table)
        right_layout.addWidget(self._explanation)
        right_layout.addSpacing(10)
        right_layout.addWidget(self._mistakes_title)
        right_layout.addWidget(self._mistakes)
        right_layout.addStretch()
        columns = QHBoxLayout()
        columns.setSpacing(12)
        columns.addWidget(left, 1)
        columns.addWidget(right, 1)
        layout.addLayout(columns, 1)
        return report

    def apply_theme(self, theme: Theme) -> None:
        colours = styling.colours(theme)
        self._zone.show_picture(styling.pixmap("evaluate", colours["accent"], 56))
        self._matrix.show_colours(
            colours["good"], colours["danger"], colours["raised"], colours["text"]
        )

    def retranslate(self) -> None:
        self.title.setText(tr("Evaluate"))
        self._part.setItemText(0, tr("Test films only"))
        self._part.setItemText(1, tr("All films"))
        self._part.setAccessibleName(tr("Films to evaluate on"))
        self._open.setText(tr("Open model …"))
        self._first_open.setText(tr("Open model …"))
        self._evaluate.setText(tr("Evaluate"))
        self._matrix.show_words(tr("true class"), tr("predicted class"))
        self._matrix_title.setText(tr("Confusion matrix"))
        self._table_title.setText(tr("Each class against all others"))
        self._table.show_header(
            [tr("Class"), tr("Films"), tr("Sensitivity"), tr("Specificity"), tr("PPV"), tr("F1")]
        )
        self._mistakes_title.setText(tr("Most frequent mistakes"))
        self._mistakes.show_header(
            [tr("True class"), tr("Predicted class"), tr("Films"), tr("Share of the class")]
        )
        self._explanation.setText(
            tr(
                "Sensitivity: the share of a class that was found. Specificity: the share of the "
                "other films that was not mistaken for it. PPV: how often the answer is right "
                "when the model names the class. F1: the harmonic mean of PPV and sensitivity."
            )
        )
        self._classes.retranslate()
        self._on_model_changed()

    @Slot()
    def _on_part_activated(self) -> None:
        self._model.part = self._part.currentData()

    @Slot()
    def _on_model_changed(self) -> None:
        model = self._model
        self._progress.setVisible(model.is_busy)
        self._evaluate.setEnabled(model.can_evaluate)
        self._part.setCurrentIndex(self._part.findData(model.part))
        self.subtitle.setText(
            f"{model.model.parent.name}/{model.model.name}" if model.model is not None else ""
        )
        self._stack.setCurrentIndex(1 if model.result is not None else 0)
        if model.question is not None:
            self._classes.show_question(model.question)
            self._stack.setCurrentWidget(self._classes)
        self._show_missing()
        if model.result is not None:
            self._show_result()

    def _show_missing(self) -> None:
        if self._model.model is None:
            title = tr("No model yet")
            hint = tr("Train one on the Train page, or drop a model file (.safetensors) here.")
        elif self._model.dataset is None:
            title = tr("No dataset yet")
            hint = tr("Drop a zip or folder of films sorted into class folders anywhere.")
        else:
            title = tr("Ready to evaluate")
            hint = tr("Press Evaluate to see how the model does on films it was not trained on.")
        self._zone.show_words(title, hint)
        self._first_open.setVisible(self._model.model is None)

    def _show_result(self) -> None:
        evaluated = self._model.result
        if evaluated is None:
            return
        result, card = evaluated.result, evaluated.card
        if evaluated.external is not None:
            of = tr("X-rays from elsewhere (external test)")
        elif evaluated.part == "test":
            of = tr("test films")
        else:
            of = tr("films, training ones included")
        warnings = [*evaluated.warnings, *([] if evaluated.kept is None else [evaluated.kept])]
        self._warnings.setText("\n".join(say(warning) for warning in warnings))
        self._warnings.setVisible(bool(warnings))
        for figure, value, caption in zip(
            self._figures,
            (f"{result.accuracy:.1%}", f"{result.loss:.3f}", f"{result.n:,}"),
            (tr("accuracy"), tr("mean loss (nats per film)"), of),
            strict=True,
        ):
            figure.show_value(value, caption)
        names = [card.display_names[name][language()] for name in card.classes]
        self._matrix.show_matrix(result.confusion, names)
        rows = [
            (
                name,
                f"{measures.n:,}",
                *(
                    f"{value:.3f}" if value is not None else "–"
                    for value in (
                        measures.sensitivity,
                        measures.specificity,
                        measures.precision,
                        measures.f1,
                    )
                ),
            )
            for name, measures in zip(names, result.classes, strict=True)
        ]
        self._table.show_rows(rows, numbers=NUMBER_COLUMNS)
        self._table.fit_height(at_least=240)
        mistakes = [
            (names[true], names[predicted], f"{n:,}", f"{n / result.classes[true].n:.0%}")
            for true, predicted, n in most_frequent_mistakes(result.confusion, N_MISTAKES)
        ]
        self._mistakes_title.setVisible(bool(mistakes))
        self._mistakes.setVisible(bool(mistakes))
        self._mistakes.show_rows(mistakes, numbers=(2, 3))
        self._mistakes.fit_height()
