"""The start of the window in a process of its own: only a fresh one has not loaded Paddle."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Tell what happens, in its order.
SCRIPT = """
import sys
import threading

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "paddle":
            print("paddle", threading.current_thread() is threading.main_thread(), flush=True)
        return None

sys.meta_path.insert(0, Finder())  # before all modules of the window

from PySide6.QtCore import QTimer
import app.application as program
import app.main_window
from app.widgets.page import TRAIN

class Window(app.main_window.MainWindow):
    def showEvent(self, event):
        print("shown", flush=True)
        super().showEvent(event)
        QTimer.singleShot(300, lambda: (print("train", flush=True), self.show_page(TRAIN)))
        QTimer.singleShot(600, self.close)

program.MainWindow = Window
sys.exit(program.run_window([], demo=False))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "PNEUMOSCOPE_HOME": str(tmp_path / "home"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "HOME": str(tmp_path),
    }


def test_paddle_is_loaded_behind_the_window_once_the_train_page_is_shown(
    environment: dict[str, str], tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split("\n")[:3] == ["shown", "train", "paddle False"]
    log = (tmp_path / "home" / "logs" / "pneumoscope.log").read_text("utf-8")
    assert "window shown" in log
    assert "ERROR" not in log
