"""How the films of the next run are divided."""

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from app.training_words import split_words
from app.translation import say, tr
from app.viewmodels.split import SplitViewModel
from app.widgets.labels import card, plain_label
from app.widgets.translated import TranslatedWidget
from app.widgets.wheel_guard import WheelGuard
from core.config import N_FOLDS_RANGE

TEXT_MARGIN_PX = 6  # the style sheet's padding does not reach a spin box's text
MAX_SHARE_PERCENT = 40


class SplitForm(TranslatedWidget):
    """The second half of the Split tab: fields bound to the settings of the next run."""

    def __init__(self, model: SplitViewModel) -> None:
        super().__init__()
        self._model = model
        self._title = plain_label("sectionTitle")
        self._scheme = QComboBox()
        self._scheme.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._scheme.setMinimumContentsLength(18)
        self._why = plain_label("muted", wraps=True)
        self._validation, self._test, self._n_folds, self._fold, self._seed = (
            QSpinBox() for _ in range(5)
        )
        for share in (self._validation, self._test):
            share.setRange(0, MAX_SHARE_PERCENT)
            share.setSuffix(" %")
        self._n_folds.setRange(*N_FOLDS_RANGE)
        self._fold.setMinimum(1)
        self._seed.setRange(0, 2**31 - 1)
        # The fields and, beside the seed, which only "reference" and a complete "given" ignore,
        # the schemes that ask for them.
        self._schemes_of: dict[QSpinBox, tuple[str, ...]] = {
            self._validation: ("stratified", "given"),
            self._test: ("stratified", "given"),
            self._n_folds: ("kfold",),
            self._fold: ("kfold",),
            self._seed: ("stratified", "given", "kfold"),
        }
        for number in self._schemes_of:
            number.setKeyboardTracking(False)  # half a number is not yet a wish
            number.lineEdit().setTextMargins(TEXT_MARGIN_PX, 0, 0, 0)
        WheelGuard(self, self._scheme, *self._schemes_of)
        self._lay_out()
        self._connect()
        self.retranslate()
        self._on_model_changed()

    def _lay_out(self) -> None:
        frame = card()
        column = QVBoxLayout(frame)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        column.addWidget(self._title)
        column.addWidget(self._scheme)
        column.addWidget(self._why)
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(12)
        self._form.setVerticalSpacing(8)
        self._labels: dict[QWidget, QLabel] = {}
        for number in self._schemes_of:
            label = plain_label()
            label.setBuddy(number)
            self._labels[number] = label
            self._form.addRow(label, number)
        column.addLayout(self._form)
        column.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(frame)

    def _connect(self) -> None:
        model = self._model
        self._scheme.activated.connect(lambda: model.change(split=self._scheme.currentData()))
        self._validation.valueChanged.connect(
            lambda percent: model.change(validation_share=percent / 100)
        )
        self._test.valueChanged.connect(lambda percent: model.change(test_share=percent / 100))
        self._n_folds.valueChanged.connect(lambda n: model.change(n_folds=n))
        self._fold.valueChanged.connect(lambda fold: model.change(fold=fold))
        self._seed.valueChanged.connect(lambda seed: model.change(seed=seed))
        model.changed.connect(self._on_model_changed)

    def retranslate(self) -> None:
        self._title.setText(tr("Split"))
        self._scheme.setAccessibleName(tr("Split"))
        for number, text in (
            (self._validation, tr("Validation films")),
            (self._test, tr("Test films")),
            (self._n_folds, tr("Number of folds")),
            (self._fold, tr("Fold that is the test")),
            (self._seed, tr("Seed")),
        ):
            self._labels[number].setText(text)
            number.setAccessibleName(text)
        self._seed.setToolTip(tr("The same seed divides the same films in the same way"))
        self._name_schemes()

    @Slot()
    def _on_model_changed(self) -> None:
        config = self._model.config
        blockers = [QSignalBlocker(field) for field in (self._scheme, *self._schemes_of)]
        self._scheme.clear()
        for scheme in self._model.schemes:
            self._scheme.addItem("", scheme)
        self._scheme.setCurrentIndex(self._scheme.findData(config.split))
        self._validation.setValue(round(100 * config.validation_share))
        self._test.setValue(round(100 * config.test_share))
        self._n_folds.setValue(config.n_folds)
        self._fold.setMaximum(config.n_folds)
        self._fold.setValue(config.fold)
        self._seed.setValue(config.seed)
        del blockers
        for number, schemes in self._schemes_of.items():
            self._form.setRowVisible(number, config.split in schemes)
        self._name_schemes()

    def _name_schemes(self) -> None:
        config = self._model.config
        for place in range(self._scheme.count()):
            words = split_words(self._scheme.itemData(place), config)
            self._scheme.setItemText(place, say(words))
        reasons = {
            "stratified": tr(
                "Whole patients are drawn, and every class is divided in the same shares."
            ),
            "reference": tr(
                "Every tenth film of a class by file name is tested, as in the published notebook. "
                "It looks at no patients and has no validation films."
            ),
            "given": tr(
                "The folders train, validation and test stay as they are. A part that is missing "
                "is drawn from the training films, whole patients at a time."
            ),
            "kfold": tr(
                "{n} runs, one for each fold, test every film once. The fold after the tested one "
                "validates; all others train.",
                n=config.n_folds,
            ),
        }
        self._why.setText(reasons[config.split])
