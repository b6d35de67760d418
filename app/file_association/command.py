"""What a double click starts: this very program, whichever way it was installed."""

import sys
import sysconfig
from pathlib import Path

from app.file_association.association import FileAssociationError
from core.errors import Message

ROOT = Path(__file__).resolve().parents[2]


def command(root: Path = ROOT, python: str = sys.executable) -> list[str]:
    """The words that start the window; the files to open are to follow.

    Args:
        root: Where main.py lies in a checkout.
        python: The interpreter that has all packages.

    Raises:
        FileAssociationError: There is no main.py and no installed program.
    """
    if (main := root / "main.py").is_file():
        return [str(_without_console(Path(python))), str(main)]
    scripts = Path(sysconfig.get_path("scripts"))
    for name in ("pneumoscope", "pneumoscope.exe"):
        if (installed := scripts / name).is_file():
            return [str(installed)]
    raise FileAssociationError(
        Message(
            "There is neither {main} nor a program named pneumoscope in {scripts}. Install "
            "PneumoScope again, then try again.",
            main=main,
            scripts=scripts,
        )
    )


def _without_console(python: Path) -> Path:
    """On Windows, the Python that opens no black window of its own."""
    windowed = python.with_name("pythonw.exe")
    return windowed if python.name.lower() == "python.exe" and windowed.is_file() else python
