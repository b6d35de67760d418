"""Let a widget fill the screen and come back to its place."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def fill_screen(widget: QWidget, is_full: bool) -> None:
    """Make a widget a window that fills the screen, or put it back.

    It keeps its parent, and so its place in the parent's layout, which leaves windows out.

    Args:
        widget: With a parent.
        is_full: Which of the two.
    """
    if is_full == widget.isWindow():
        return
    has_focus = widget.hasFocus() or widget.isAncestorOf(widget.focusWidget() or widget)
    if not is_full:
        widget.setWindowState(Qt.WindowState.WindowNoState)
    widget.setWindowFlag(Qt.WindowType.Window, is_full)
    if is_full:
        widget.showFullScreen()
        widget.activateWindow()
    else:
        widget.show()
    if has_focus:
        widget.setFocus(Qt.FocusReason.OtherFocusReason)
