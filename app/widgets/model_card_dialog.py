"""What the open model says about itself, in a window over the one that reads films."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFrame, QScrollArea, QVBoxLayout, QWidget

from app.translation import tr
from app.widgets.model_card_view import LEAST_PX, ModelCardView
from core.models.model_card import ModelCard

_MARGIN_PX, _HEIGHT_PX = 20, 640


def show_model_card(card: ModelCard, file: str, parent: QWidget) -> QDialog:
    """Show a model's card without stopping anything; returns the window, shown.

    Args:
        card: As it was read from the file.
        file: The file's name; foreign text.
        parent: Over which it appears.
    """
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(tr("About this model"))
    view = ModelCardView()
    view.setObjectName("bare")
    view.show_card(card, file)
    scroll = QScrollArea()
    scroll.setWidget(view)
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    close.rejected.connect(dialog.reject)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(_MARGIN_PX, _MARGIN_PX, _MARGIN_PX, _MARGIN_PX)
    layout.addWidget(scroll, 1)
    layout.addWidget(close)
    bar_px = scroll.verticalScrollBar().sizeHint().width()
    dialog.resize(LEAST_PX + 2 * _MARGIN_PX + bar_px + 40, _HEIGHT_PX)
    dialog.open()
    return dialog
