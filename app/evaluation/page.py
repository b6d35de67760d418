"""Evaluate: how good, how sure, what to worry about; then everything behind it, in tabs."""

from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QPushButton,
    QStackedWidget,
    QTabWidget,
    QWidget,
)

from app import theme as styling
from app.evaluation.class_mapping import ClassMappingForm
from app.evaluation.comparison import ComparisonTab
from app.evaluation.decision import DecisionTab
from app.evaluation.luck import LuckTab
from app.evaluation.statements import StatementsDialog
from app.evaluation.tabs import (
    CasesTab,
    ChartsTab,
    DoubtTab,
    FiguresTab,
    FlowTab,
    LungsTab,
    MatrixTab,
)
from app.evaluation.viewmodel import ChartDrawn, EvaluationViewModel, KitWritten
from app.i18n import language, say, tr
from app.settings import Theme
from app.widgets.cards import ProgressCard
from app.widgets.chart import ChartView
from app.widgets.labels import Figure, plain_label
from app.widgets.layouts import h_box, v_box
from app.widgets.page import DropZone, Page, primary_button
from core.evaluation.evaluate import ModelEvaluation
from core.evaluation.study import Study
from core.report.charts import CHARTS, Look, Words
from core.report.facts import ReportContext
from core.report.study_facts import figure_text


class EvaluationPage(Page):
    """Shows one evaluation, or what is missing for one."""

    model_wanted = Signal()
    rivals_wanted = Signal()  # other models, to be compared
    dropped = Signal(object)  # app.drops.Dropped
    film_wanted = Signal(object)  # Path, to be read

    def __init__(self, model: EvaluationViewModel) -> None:
        super().__init__()
        self._model = model
        self._look = Look()
        self._are_charts_old = False  # drawn in another theme or language
        self._part = QComboBox()
        self._part.addItem("", "test")
        self._part.addItem("", "all")
        self._open, self._kit, self._evaluate = QPushButton(), QPushButton(), primary_button()
        self.add_to_head(self._part, self._open, self._kit, self._evaluate)
        self._first_open = QPushButton()
        self._zone = DropZone([self._first_open])
        self._zone.dropped.connect(self.dropped)
        self._progress = ProgressCard()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._zone)
        self._report = self._build_report()
        self._stack.addWidget(self._report)
        self._classes = ClassMappingForm()
        self._classes.answered.connect(model.choose_classes)
        self._stack.addWidget(self._classes)
        self._told = plain_label("muted", wraps=True)
        self.body.addWidget(self._progress)
        self.body.addWidget(self._told)
        self.body.addWidget(self._stack, 1)

        self._part.activated.connect(self._on_part_activated)
        self._open.clicked.connect(self.model_wanted)
        self._first_open.clicked.connect(self.model_wanted)
        self._kit.clicked.connect(self._on_kit_clicked)
        self._evaluate.clicked.connect(model.evaluate)
        self._progress.cancelled.connect(model.cancel)
        model.changed.connect(self._on_model_changed)
        model.progressed.connect(self._progress.show_progress)
        model.evaluated.connect(self._on_model_changed)
        model.studied.connect(self._on_model_studied)
        model.chart_drawn.connect(self._on_chart_drawn)
        model.kit_written.connect(self._on_kit_written)
        model.point_kept.connect(self._on_point_kept)
        self.retranslate()

    def _build_report(self) -> QWidget:
        report = QWidget()
        self._figures = [Figure() for _ in range(4)]
        self._warnings = plain_label("warning", wraps=True)
        self._matrix, self._lungs, self._cases = MatrixTab(), LungsTab(), CasesTab()
        self._all, self._decision = FiguresTab(), DecisionTab()
        self._curves = ChartsTab("roc", "precision_recall")
        self._calibration = ChartsTab("calibration", "probabilities")
        self._doubt, self._flow = DoubtTab(), FlowTab()
        self._comparison, self._luck = ComparisonTab(), LuckTab()
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        for tab in self._tab_pages():
            self._tabs.addTab(tab, "")
        self._matrix.film_wanted.connect(self.film_wanted)
        self._cases.film_wanted.connect(self.film_wanted)
        self._cases.training_wanted.connect(self._model.ask_about_training)
        self._decision.thresholds_chosen.connect(self._model.study_again)
        self._decision.sensitivity_wanted.connect(self._on_sensitivity_wanted)
        self._decision.keep_wanted.connect(self._model.keep_point)
        self._comparison.models_wanted.connect(self.rivals_wanted)
        self._luck.repeats_wanted.connect(self._model.repeat)
        self._luck.learning_wanted.connect(self._model.learn)
        self._luck.splits_wanted.connect(self._model.compare_splits)
        self._luck.film_wanted.connect(self.film_wanted)
        self._lungs.control_wanted.connect(self._model.retrain_without_lungs)
        self._lungs.tests_wanted.connect(lambda: self._model.study_again(with_lungs=True))
        v_box(
            h_box(*self._figures, spacing=12),
            self._warnings,
            (self._tabs, 1),
            owner=report,
            spacing=10,
        )
        return report

    def _tab_pages(self) -> tuple[QWidget, ...]:
        return (
            self._matrix,
            self._all,
            self._curves,
            self._calibration,
            self._decision,
            self._doubt,
            self._lungs,
            self._cases,
            self._flow,
            self._comparison,
            self._luck,
        )

    def showEvent(self, event: QShowEvent) -> None:
        """Evaluate by itself what can be evaluated."""
        super().showEvent(event)
        model = self._model
        if model.can_evaluate and model.result is None and model.question is None:
            model.evaluate()
        if self._are_charts_old:
            self._draw()

    def apply_theme(self, theme: Theme) -> None:
        colours = styling.colours(theme)
        self._zone.show_picture(styling.pixmap("evaluate", colours["accent"], 56))
        self._matrix.matrix.show_colours(
            colours["good"], colours["danger"], colours["raised"], colours["text"]
        )
        self._look = Look(
            background=colours["background"],
            text=colours["text"],
            muted=colours["muted"],
            grid=colours["border"],
            good=colours["good"],
            bad=colours["danger"],
        )
        self._draw()

    def retranslate(self) -> None:
        self.title.setText(tr("Evaluate"))
        self._part.setItemText(0, tr("Test X-rays only"))
        self._part.setItemText(1, tr("All X-rays"))
        self._part.setAccessibleName(tr("X-rays to evaluate on"))
        self._open.setText(tr("Open model …"))
        self._first_open.setText(tr("Open model …"))
        self._kit.setText(tr("Paper kit …"))
        self._evaluate.setText(tr("Evaluate"))
        for place, title in enumerate(
            (
                tr("Answers"),
                tr("Figures"),
                tr("Curves"),
                tr("Calibration"),
                tr("Decision"),
                tr("Not sure"),
                tr("Lungs"),
                tr("Hard cases"),
                tr("Flow"),
                tr("Compare"),
                tr("Luck and size"),
            )
        ):
            self._tabs.setTabText(place, title)
        self._classes.retranslate()
        self._on_model_changed()
        if self._model.study is not None:
            self._on_model_studied(self._model.study)

    @Slot()
    def _on_part_activated(self) -> None:
        self._model.part = self._part.currentData()

    @Slot()
    def _on_model_changed(self) -> None:
        model = self._model
        self._progress.setVisible(model.is_busy)
        self._evaluate.setEnabled(model.can_evaluate)
        self._kit.setEnabled(model.study is not None and not model.is_busy)
        self._part.setCurrentIndex(self._part.findData(model.part))
        self.subtitle.setText(self._about())
        self._stack.setCurrentWidget(self._report if model.result is not None else self._zone)
        if model.question is not None:
            self._classes.show_question(model.question)
            self._stack.setCurrentWidget(self._classes)
        self._show_missing()
        self._told.setVisible(bool(self._told.text()) and model.study is not None)
        if model.result is not None:
            self._show_summary(model.result)

    def _about(self) -> str:
        """Name the model, the dataset and the part."""
        model = self._model
        if model.model is None:
            return ""
        name = f"{model.model.parent.name}/{model.model.name}"
        if model.dataset is None:
            return name
        result = model.result
        if result is not None and result.external is not None:
            part = tr("X-rays from elsewhere (external test)")
        else:
            part = tr("test X-rays") if model.part == "test" else tr("all X-rays")
        return f"{name} · {model.dataset.dataset.name} · {part}"

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

    def _show_summary(self, evaluated: ModelEvaluation) -> None:
        result, study = evaluated.result, self._model.study
        warnings = [*evaluated.warnings, *([] if evaluated.kept is None else [evaluated.kept])]
        if study is not None and study.lungs is not None:
            warnings.append(study.lungs.summary)
        self._warnings.setText("\n".join(say(warning) for warning in warnings))
        self._warnings.setVisible(bool(warnings))
        balanced = "…" if study is None else figure_text(study.figure("balanced_accuracy"))
        accuracy = f"{result.accuracy:.1%}"
        sure = "…"
        patients = "…"
        if study is not None:
            found = study.figure("accuracy")
            if found is not None and found.value is not None and found.interval is not None:
                low, high = found.interval
                accuracy = f"{found.value:.1%} ({low:.0%}–{high:.0%})"
            sure = f"{study.doubt.n_sure / study.doubt.n:.0%}"
            if study.are_patients_known and found is not None:
                patients = f"{result.n:,} / {found.n_patients:,}"
            else:
                patients = f"{result.n:,} / ?"
        for figure, value, caption in zip(
            self._figures,
            (balanced, accuracy, sure, patients),
            (
                tr("balanced accuracy"),
                tr("accuracy (interval, 95%)"),
                tr("of the answers are sure"),
                tr("X-rays / patients"),
            ),
            strict=True,
        ):
            figure.show_value(value, caption)

    @Slot(object)
    def _on_model_studied(self, study: Study) -> None:
        result = self._model.result
        if result is None:
            return
        names = [result.card.display_names[name][language()] for name in study.classes]
        self._show_summary(result)
        context = self._context(result)
        self._matrix.show_study(study, names, context)
        self._all.show_study(study, names)
        self._decision.show_study(study, names)
        self._cases.show_study(study, context)
        self._doubt.show_study(study, names)
        self._flow.show_study(study, context)
        self._comparison.show_study(study)
        self._luck.show_study(study, names, context)
        self._lungs.show_study(study, context, is_busy=False)
        self._draw()

    def _context(self, result: ModelEvaluation) -> ReportContext:
        return ReportContext.of(result.classifier, say, language())

    def _draw(self) -> None:
        result, study = self._model.result, self._model.study
        if result is None or study is None:
            return
        self._name_charts()
        self._are_charts_old = not self.isVisible()  # then they are drawn when it is shown
        if not self._are_charts_old:
            names = [result.card.display_names[name][language()] for name in study.classes]
            self._model.draw(self._look, Words(say, names))

    def _charts(self) -> dict[str, ChartView]:
        return {
            **self._curves.charts,
            **self._calibration.charts,
            "decision": self._decision.chart,
            "doubt": self._doubt.chart,
            "flow": self._flow.chart,
            "learning": self._luck.chart,
        }

    def _name_charts(self) -> None:
        for name, view in self._charts().items():
            view.setAccessibleName(say(next(one.title for one in CHARTS if one.name == name)))

    @Slot(object)
    def _on_chart_drawn(self, drawn: ChartDrawn) -> None:
        view = self._charts().get(drawn.name)
        if view is not None:
            view.show_png(drawn.png)

    @Slot(int, float)
    def _on_sensitivity_wanted(self, label: int, sensitivity: float) -> None:
        value = self._model.threshold_for(label, sensitivity)
        if value is None:
            self._tell(tr("No threshold gives this class so high a sensitivity in validation."))
        else:
            self._decision.show_threshold(label, value)

    def _tell(self, text: str) -> None:
        self._told.setText(text)
        self._told.setVisible(True)

    @Slot()
    def _on_kit_clicked(self) -> None:
        result = self._model.result
        if result is None:
            return
        dialog = StatementsDialog(self._model.statements, self.window())
        if not dialog.exec():
            return
        folder = QFileDialog.getExistingDirectory(
            self.window(), tr("A new or empty folder for the paper kit")
        )
        if folder:
            self._model.write_kit(Path(folder), dialog.statements, self._context(result))

    @Slot(object)
    def _on_kit_written(self, written: KitWritten) -> None:
        self._tell(tr("The paper kit is in {folder}.", folder=str(written.folder)))

    @Slot()
    def _on_point_kept(self) -> None:
        self._tell(tr("The model file holds the operating point: Read answers by it from now on."))
