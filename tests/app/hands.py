"""What a user does with a window: look, press, drop, wait."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import (
    QCoreApplication,
    QDeadlineTimer,
    QEvent,
    QEventLoop,
    QMimeData,
    QPoint,
    QPointF,
    Qt,
    QTimer,
    QUrl,
)
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QListWidget,
    QMenuBar,
    QTableWidget,
    QWidget,
)

from app.i18n import set_language

Field = TypeVar("Field", bound=QWidget)
FILMS_PER_CLASS = 20  # of the films on which the tests train: enough for a validation part
INSIDE = QPoint(5, 5)  # of any widget
WAIT_MS = 60_000  # how long a busy machine may take; nothing waits that long on purpose


def wait_until(is_so: Callable[[], bool]) -> None:
    """Let the window live until `is_so()`; for a `QtBot` outlives no test."""
    deadline, loop = QDeadlineTimer(WAIT_MS), QEventLoop()
    while not is_so():
        assert not deadline.hasExpired(), "what was waited for did not happen"
        QTimer.singleShot(5, loop.quit)
        loop.exec()  # QTest.qWait would not let the worker threads have Python


def button(where: QWidget, text: str) -> QAbstractButton:
    """The visible button that says `text`."""
    found = [
        candidate
        for candidate in where.findChildren(QAbstractButton)
        if candidate.text() == text and candidate.isVisible()
    ]
    assert len(found) == 1, f"{len(found)} buttons say {text!r}"
    return found[0]


def press(where: QWidget, text: str) -> None:
    """Click the button that says `text`."""
    pressed = button(where, text)
    assert pressed.isEnabled(), f"{text!r} cannot be pressed"
    QTest.mouseClick(pressed, Qt.MouseButton.LeftButton)
    QCoreApplication.sendPostedEvents()  # a change of language goes by post


def field(where: QWidget, kind: type[Field], name: str) -> Field:
    """The field of a form that assistive software calls `name`."""
    found = [one for one in where.findChildren(kind) if one.accessibleName() == name]
    assert len(found) == 1, f"{len(found)} fields are called {name!r}"
    return found[0]


def carrying(*urls: QUrl | Path) -> QMimeData:
    """What a file manager hands over in a drag."""
    data = QMimeData()
    data.setUrls([url if isinstance(url, QUrl) else QUrl.fromLocalFile(str(url)) for url in urls])
    return data


def drag_over(target: QWidget, data: QMimeData, place: QPoint = INSIDE) -> bool:
    """Carry `data` over `target`; whether the target, or a widget around it, wants it."""
    event = QDragEnterEvent(
        place,
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    event.ignore()
    QApplication.sendEvent(target, event)
    return event.isAccepted()


def let_go(target: QWidget, data: QMimeData, place: QPoint = INSIDE) -> None:
    """Drop `data`, which was carried over `target` before."""
    event = QDropEvent(
        QPointF(place),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(target, event)


def drop(target: QWidget, *urls: QUrl | Path) -> None:
    """Drag files over `target` and let them go."""
    data = carrying(*urls)
    assert drag_over(target, data), "nobody wants the files"
    let_go(target, data)


def words(root: QWidget) -> Iterator[tuple[str, str]]:
    """Every word that `root` and what is in it show: where, and the text."""
    for widget in [root, *root.findChildren(QWidget)]:
        where = f"{type(widget).__name__}#{widget.objectName()}"
        yield f"{where} tooltip", widget.toolTip()
        yield f"{where} accessible name", widget.accessibleName()
        match widget:
            case QAbstractButton() | QLabel():
                yield where, widget.text()
            case QMenuBar():
                for title in widget.actions():
                    for action in [title, *title.menu().actions()]:
                        yield "menu", action.text()
            case QComboBox():
                for index in range(widget.count()):
                    yield f"{where} choice", widget.itemText(index)
            case QTableWidget():
                for column in range(widget.columnCount()):
                    title = widget.horizontalHeaderItem(column)
                    yield f"{where} header", title.text() if title else ""
                    for row in range(widget.rowCount()):
                        item = widget.item(row, column)
                        yield f"{where} cell", item.text() if item else ""
                        yield f"{where} cell's tooltip", item.toolTip() if item else ""
            case QListWidget():
                for row in range(widget.count()):
                    yield f"{where} item", widget.item(row).text()
                    yield f"{where} item's tooltip", widget.item(row).toolTip()


def speak(code: str) -> None:
    """Change the language as the program does: Qt tells the widgets only if it has words."""
    set_language(code)
    for window in QApplication.topLevelWidgets():
        QCoreApplication.sendEvent(window, QEvent(QEvent.Type.LanguageChange))


def label_texts(root: QWidget) -> list[str]:
    """What the visible labels say."""
    return [label.text() for label in root.findChildren(QLabel) if label.isVisible()]


def table_rows(table: QTableWidget) -> list[list[str]]:
    """The texts of a table, row by row."""
    return [
        [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]


def has_colour(widget: QWidget, colour: str, x: range, y: range) -> bool:
    """Whether a pixel of just this colour is drawn in a part of the widget."""
    picture, wanted = widget.grab().toImage(), QColor(colour).rgb()
    return any(picture.pixel(column, row) == wanted for row in y for column in x)
