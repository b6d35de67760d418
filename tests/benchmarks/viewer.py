"""How long a change of window takes on a film of 3000 x 3000 pixels of 16 bits, painting included.

Run it as `QT_QPA_PLATFORM=offscreen .venv/bin/python tests/benchmarks/viewer.py`, and under an X
server with `QT_QPA_PLATFORM=xcb`. The others are for comparison: moving, zooming, the heat map,
four films at once, and a film as large as any may be.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.widgets.viewer import ViewerDesk
from core.images.film import FilmHeader, FullDepthFilm, Window


def film(height: int, width: int) -> FullDepthFilm:
    """Smooth shades and noise over 16 bits."""
    down, across = np.ogrid[0:height, 0:width]
    values = (down * 9 + across * 7) % 2**16
    noise = np.random.default_rng(0).integers(0, 500, (height, width), np.uint16)
    levels = (values // 2).astype(np.uint16) + noise
    header = FilmHeader("PNG", width, height, 16, 1, False, None, 1)
    return FullDepthFilm(levels, header, Window(100.0, 40_000.0))


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=1600, help="of the viewer")
    parser.add_argument("--height", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    application = QApplication([])
    desk = ViewerDesk()
    desk.resize(options.width, options.height)
    desk.show()
    for _ in range(20):
        application.processEvents()

    def measure(what: str, act: Callable[[int], object]) -> None:
        times = []
        for place in range(options.rounds):
            start = time.perf_counter()
            act(place)
            for pane in desk.panes:
                pane.repaint()
            application.processEvents()
            times.append(1000 * (time.perf_counter() - start))
        print(
            f"{what:42} median {statistics.median(times):6.1f} ms   "
            f"worst {max(times):6.1f} ms   first {times[0]:6.1f} ms"
        )

    pane = desk.panes[0]
    heat = np.random.default_rng(1).random((7, 7)).astype(np.float32)
    large = film(3000, 3000)
    print(f"{application.platformName()}, {options.width} x {options.height}")
    measure("show another film", lambda _: desk.show_film(0, large, "film"))
    pane.fit()
    measure("window, fitted", lambda _: pane.drag_window(3, 2))
    measure("zoom, a notch", lambda n: pane.zoom_by(1.25 if n % 6 < 3 else 0.8))
    pane.show_pixels()
    measure("window, 1:1", lambda _: pane.drag_window(3, 2))
    measure("move, 1:1", lambda n: pane.move_by(QPointF(-9 if n % 20 < 10 else 9, 4)))
    pane.zoom_to(2.5)
    measure("window, 250 %", lambda _: pane.drag_window(3, 2))
    pane.fit()
    desk.set_heat(0, heat)
    measure("window, fitted, heat map", lambda _: pane.drag_window(3, 2))
    measure("opacity", lambda n: desk.set_opacity(0.3 + n / 100))
    pane.show_pixels()
    measure("move, 1:1, heat map", lambda n: pane.move_by(QPointF(-9 if n % 20 < 10 else 9, 4)))
    desk.set_n_panes(4)
    for place in range(4):
        desk.show_film(place, film(3000, 3000), "film")
    measure("window of four linked films", lambda _: pane.drag_window(3, 2))
    measure("zoom of four linked films", lambda n: pane.zoom_by(1.25 if n % 6 < 3 else 0.8))
    desk.set_n_panes(1)
    giant = film(8000, 8000)
    measure("64 Mpx: show", lambda _: desk.show_film(0, giant, "giant"))
    measure("64 Mpx: window, fitted", lambda _: pane.drag_window(3, 2))
    measure("64 Mpx: zoom, a notch", lambda n: pane.zoom_by(1.25 if n % 12 < 6 else 0.8))
    pane.zoom_to(0.9)
    measure("64 Mpx: move, 90 %", lambda n: pane.move_by(QPointF(-9 if n % 20 < 10 else 9, 4)))
    desk.close()


if __name__ == "__main__":
    main()
