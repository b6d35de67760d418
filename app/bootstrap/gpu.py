"""Which of Paddle's GPU builds fits the NVIDIA driver of this machine."""

import re
import shutil
import sys
from pathlib import Path

from app.bootstrap.terminal import Terminal

# https://www.paddlepaddle.org.cn/install: a driver runs every build of its own CUDA or older.
_OLDEST_CUDA = (((12, 9), "cu129"), ((12, 6), "cu126"), ((11, 8), "cu118"))
_SMI_ON_WINDOWS = Path("C:/Windows/System32/nvidia-smi.exe")


def index_of(tag: str) -> str:
    """The address of Paddle's own package index for a CUDA tag."""
    return f"https://www.paddlepaddle.org.cn/packages/stable/{tag}/"


def tag_for(cuda: tuple[int, int] | None) -> str | None:
    """The newest build that a driver of this CUDA version runs; None: no build does."""
    if cuda is None:
        return None
    return next((tag for oldest, tag in _OLDEST_CUDA if cuda >= oldest), None)


def oldest_tag() -> str:
    """The build that asks least of a driver nobody could question."""
    return _OLDEST_CUDA[-1][1]


def cuda_version(report: str) -> tuple[int, int] | None:
    """The CUDA version of the driver in what nvidia-smi prints."""
    # "CUDA Version: 12.4"; some newer drivers put a word between the two.
    found = re.search(r"CUDA (?:\w+ )?Version:\s*(\d+)\.(\d+)", report)
    return (int(found[1]), int(found[2])) if found else None


def driver_tag(terminal: Terminal) -> str | None:
    """Ask the NVIDIA driver which build fits; None: there is no driver, or it is too old."""
    program = shutil.which("nvidia-smi")
    if program is None and sys.platform == "win32" and _SMI_ON_WINDOWS.exists():
        program = str(_SMI_ON_WINDOWS)
    if program is None:
        return None
    code, report = terminal.read([program], timeout_s=30)
    return tag_for(cuda_version(report)) if code == 0 else None
