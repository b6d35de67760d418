"""Write a plot to a file: as a picture, as a drawing, as a table of its values."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, QSize
from PySide6.QtGui import QColor, QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator

from app.widgets.plot_colours import Series
from core import user_file
from core.csv_cells import write_csv

PNG_SCALE = 2.0  # pixels for one of the screen: fine enough to print

Paint = Callable[[QPainter], None]


def save_png(path: Path, size: QSize, background: str, paint: Paint) -> None:
    """Write what `paint` draws on an area of `size` as a PNG.

    Raises:
        RunFolderError: The file cannot be written.
    """
    image = QImage(size * PNG_SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(PNG_SCALE)
    image.fill(QColor(background))
    painter = QPainter(image)
    paint(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    user_file.write_bytes(path, bytes(buffer.data().data()))


def save_svg(path: Path, size: QSize, background: str, paint: Paint) -> None:
    """Write what `paint` draws on an area of `size` as an SVG.

    Raises:
        RunFolderError: The file cannot be written.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    painter = QPainter(generator)
    painter.fillRect(QRectF(0, 0, size.width(), size.height()), QColor(background))
    paint(painter)
    painter.end()
    user_file.write_bytes(path, bytes(buffer.data().data()))


def save_csv(path: Path, x_name: str, series: Sequence[Series]) -> None:
    """Write a row for every x at which a curve has a value, and a column for each curve.

    Raises:
        RunFolderError: The file cannot be written.
    """
    all_x = np.unique(np.concatenate([one.x for one in series])) if series else np.empty(0)
    columns = []
    for one in series:
        cells = np.full(len(all_x), np.nan)
        cells[np.searchsorted(all_x, one.x)] = one.y
        columns.append(["" if np.isnan(value) else repr(value) for value in cells.tolist()])
    rows = zip((f"{x:.10g}" for x in all_x.tolist()), *columns, strict=True)
    write_csv(path, [(x_name, *(one.name for one in series)), *rows])
