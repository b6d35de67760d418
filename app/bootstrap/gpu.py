"""The choice of Paddle's GPU build by the NVIDIA driver of this machine."""

import re
import shutil
import sys
from pathlib import Path

from app.bootstrap.installer import Terminal

# https://www.paddlepaddle.org.cn/install: a driver runs every build of its own CUDA or older.
_OLDEST_CUDA = (((12, 9), "cu129"), ((12, 6), "cu126"), ((11, 8), "cu118"))
_SMI_ON_WINDOWS = Path("C:/Windows/System32/nvidia-smi.exe")


def choose_tag(terminal: Terminal, build: str | None) -> str | None:
    """Return the CUDA tag of the build to install; None for the CPU build.

    Args:
        terminal: Asks the driver.
        build: cpu, gpu, or None: the driver decides.
    """
    if build == "cpu":
        return None
    tag = tag_for(_driver_report(terminal))
    # Who insists without a driver that answers gets the build that asks least of it.
    return tag or _OLDEST_CUDA[-1][1] if build == "gpu" else tag


def index_of(tag: str) -> str:
    """Return the address of Paddle's own package index for a CUDA tag."""
    return f"https://www.paddlepaddle.org.cn/packages/stable/{tag}/"


def tag_for(report: str) -> str | None:
    """Return the newest build for the driver that nvidia-smi reports; None: no build fits."""
    # "CUDA Version: 12.4"; some newer drivers put a word between the two.
    found = re.search(r"CUDA (?:\w+ )?Version:\s*(\d+)\.(\d+)", report)
    if found is None:
        return None
    cuda = (int(found[1]), int(found[2]))
    return next((tag for oldest, tag in _OLDEST_CUDA if cuda >= oldest), None)


def _driver_report(terminal: Terminal) -> str:
    """Return the words of nvidia-smi; none where there is no driver."""
    program = shutil.which("nvidia-smi")
    if program is None and sys.platform == "win32" and _SMI_ON_WINDOWS.exists():
        program = str(_SMI_ON_WINDOWS)
    if program is None:
        return ""
    code, report = terminal.read([program], timeout_s=30)
    return report if code == 0 else ""
