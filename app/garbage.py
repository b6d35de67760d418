"""Python's cyclic garbage is collected on the GUI thread alone.

A collection may run in whatever thread happens to allocate; one that meets the remains of a
widget in a worker thread destroys it there, and Qt crashes. So the automatic collection is
switched off, and a timer looks after it where widgets live.
"""

import gc

from PySide6.QtCore import QObject, QTimer, Slot

INTERVAL_MS = 1000
_GENERATIONS = 3


class GarbageCollector(QObject):
    """Collects when Python itself would have; begin it on the GUI thread."""

    def __init__(self) -> None:
        super().__init__()
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._on_timer_timeout)

    def begin(self) -> None:
        """Take over from Python."""
        gc.disable()
        self._timer.start()

    def settle(self) -> None:
        """Leave alone from now on what is alive now: libraries, pages, lists of words.

        A full collection then takes a few milliseconds instead of some 200.
        """
        gc.collect()
        gc.freeze()

    @Slot()
    def _on_timer_timeout(self) -> None:
        counts, thresholds = gc.get_count(), gc.get_threshold()
        for generation in reversed(range(_GENERATIONS)):
            if counts[generation] > thresholds[generation]:
                gc.collect(generation)
                return
