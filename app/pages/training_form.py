"""The settings of the next run."""

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.pages.page import primary_button
from app.training_words import split_words
from app.translation import say, tr
from app.viewmodels.training import TrainingViewModel
from app.widgets.labels import plain_label, plain_tip
from app.widgets.translated import TranslatedWidget
from core.config import ARCHITECTURES, CLASS_BALANCES, PRESETS, SPLITS
from core.runtime.devices import Device

TEXT_MARGIN_PX = 6  # the style sheet's padding does not reach a spin box's text


class TrainingForm(TranslatedWidget):
    """Fields bound to a training view-model, with its start and stop buttons."""

    def __init__(self, model: TrainingViewModel) -> None:
        super().__init__()
        self._model = model
        self._devices: tuple[Device, ...] = ()
        self._preset, self._architecture, self._balance, self._split, self._device = (
            QComboBox() for _ in range(5)
        )
        self._epochs, self._batch_size, self._image_size, self._seed = (
            QSpinBox() for _ in range(4)
        )
        self._learning_rate = QDoubleSpinBox()
        self._note = plain_label("muted", wraps=True)
        self._start, self._stop = primary_button(), QPushButton()
        self._fill_choices()
        self._labels = {
            field: plain_label()
            for field in (
                self._preset,
                self._architecture,
                self._epochs,
                self._batch_size,
                self._learning_rate,
                self._image_size,
                self._balance,
                self._split,
                self._device,
                self._seed,
            )
        }
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(9)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for field, label in self._labels.items():
            label.setBuddy(field)
            form.addRow(label, field)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 10, 0)
        layout.setSpacing(12)
        layout.addLayout(form)
        layout.addWidget(self._note)
        layout.addWidget(self._start)
        layout.addWidget(self._stop)
        layout.addStretch()
        self._connect()
        self.retranslate()
        self._on_model_changed()

    def _fill_choices(self) -> None:
        for choice in (
            self._preset,
            self._architecture,
            self._balance,
            self._split,
            self._device,
        ):
            # Long names (of graphics cards) must not push the curves aside.
            choice.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            choice.setMinimumContentsLength(18)
        for name in PRESETS:
            self._preset.addItem("", name)
        for architecture in ARCHITECTURES:
            self._architecture.addItem(architecture.replace("resnet", "ResNet-"), architecture)
        for balance in CLASS_BALANCES:
            self._balance.addItem("", balance)
        for scheme in SPLITS:
            self._split.addItem("", scheme)
        self._device.addItem("", "auto")
        self._epochs.setRange(1, 1000)
        self._batch_size.setRange(1, 1024)
        self._image_size.setRange(32, 1024)
        self._image_size.setSingleStep(32)
        self._image_size.setSuffix(" px")
        self._seed.setRange(0, 2**31 - 1)
        for number in (self._epochs, self._batch_size, self._image_size, self._seed):
            number.lineEdit().setTextMargins(TEXT_MARGIN_PX, 0, 0, 0)
        self._learning_rate.lineEdit().setTextMargins(TEXT_MARGIN_PX, 0, 0, 0)
        self._learning_rate.setDecimals(6)
        self._learning_rate.setRange(1e-6, 10.0)
        self._learning_rate.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)

    def _connect(self) -> None:
        model = self._model
        self._preset.activated.connect(self._on_preset_activated)
        self._architecture.activated.connect(
            lambda: model.change(architecture=self._architecture.currentData())
        )
        self._balance.activated.connect(
            lambda: model.change(class_balance=self._balance.currentData())
        )
        self._split.activated.connect(lambda: model.change(split=self._split.currentData()))
        self._device.activated.connect(self._on_device_activated)
        self._epochs.valueChanged.connect(lambda value: model.change(epochs=value))
        self._batch_size.valueChanged.connect(lambda value: model.change(batch_size=value))
        self._learning_rate.valueChanged.connect(lambda value: model.change(learning_rate=value))
        self._image_size.valueChanged.connect(model.change_image_size)
        self._seed.valueChanged.connect(lambda value: model.change(seed=value))
        self._start.clicked.connect(model.start)
        self._stop.clicked.connect(model.stop)
        model.changed.connect(self._on_model_changed)
        model.devices_found.connect(self._on_devices_found)

    def retranslate(self) -> None:
        presets = {"recommended": tr("Recommended"), "reference": tr("Reference (notebook)")}
        for index in range(self._preset.count()):
            self._preset.setItemText(index, presets[self._preset.itemData(index)])
        self._name_splits()
        balances = {
            "none": tr("None"),
            "weights": tr("Weighted loss"),
            "sampling": tr("Balanced sampling"),
        }
        for index in range(self._balance.count()):
            self._balance.setItemText(index, balances[self._balance.itemData(index)])
        self._device.setItemText(0, tr("Automatic"))
        for field, text in (
            (self._preset, tr("Preset")),
            (self._architecture, tr("Network")),
            (self._epochs, tr("Epochs")),
            (self._batch_size, tr("Batch size")),
            (self._learning_rate, tr("Learning rate")),
            (self._image_size, tr("Image size")),
            (self._balance, tr("Class balance")),
            (self._split, tr("Split")),
            (self._device, tr("Device")),
            (self._seed, tr("Seed")),
        ):
            self._labels[field].setText(text)
            field.setAccessibleName(text)
        self._balance.setToolTip(
            plain_tip(
                tr(
                    "Weighted loss: a film of a rare class counts more. Balanced sampling: it is "
                    "shown more often. Both keep the network from betting on the common class."
                )
            )
        )
        self._batch_size.setToolTip(tr("Films that go through the network together"))
        self._start.setText(tr("Start training"))
        self._stop.setText(tr("Stop"))
        self._show_note()

    @Slot()
    def _on_model_changed(self) -> None:
        config = self._model.config
        fields: tuple[QWidget, ...] = tuple(self._labels)
        blockers = [QSignalBlocker(field) for field in fields]
        self._preset.setCurrentIndex(self._preset.findData(config.preset))
        self._architecture.setCurrentIndex(self._architecture.findData(config.architecture))
        self._balance.setCurrentIndex(self._balance.findData(config.class_balance))
        self._name_splits()
        self._split.setCurrentIndex(self._split.findData(config.split))
        self._epochs.setValue(config.epochs)
        self._batch_size.setValue(config.batch_size)
        self._learning_rate.setValue(config.learning_rate)
        self._image_size.setValue(config.preprocessing.image_size)
        self._seed.setValue(config.seed)
        del blockers
        for field in fields:
            field.setEnabled(not self._model.is_training)
        self._start.setEnabled(self._model.can_start)
        self._stop.setEnabled(self._model.is_training and not self._model.is_stopping)
        self._show_note()

    @Slot()
    def _on_preset_activated(self) -> None:
        self._model.choose_preset(self._preset.currentData())

    @Slot()
    def _on_device_activated(self) -> None:
        self._model.device_name = self._device.currentData()

    @Slot(object)
    def _on_devices_found(self, devices: tuple[Device, ...]) -> None:
        for device in devices[len(self._devices) :]:
            self._device.addItem(_describe(device), device.name)
        self._devices = devices

    def _name_splits(self) -> None:
        """Their names tell the shares and folds, which are chosen on the Data page."""
        for index in range(self._split.count()):
            words = split_words(self._split.itemData(index), self._model.config)
            self._split.setItemText(index, say(words))

    def _show_note(self) -> None:
        if self._model.config.preset == "reference":
            text = tr(
                "The published notebook's recipe to the letter: Adam, learning rate "
                "x exp(-0.6) after each epoch, no validation films."
            )
        else:
            text = tr(
                "AdamW with a one-cycle learning rate, label smoothing, classes weighed evenly, "
                "the seven augmentations; the epoch that validates best is kept."
            )
        if self._model.is_changed:
            text += " " + tr("You have changed some of its settings.")
        self._note.setText(text)


def _describe(device: Device) -> str:
    return f"{device.description}, {device.memory_bytes / 2**30:.0f} GiB"
