"""What an export left behind."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.models.export.description import ExportKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What was written, and how it was checked."""

    kind: ExportKind
    files: tuple[Path, ...]
    n_bytes: int  # of all of them
    checked_with: str | None  # the program that read it again; None: none is installed
    difference: float | None  # of its outputs, in units of the largest value (of 1 where smaller)
    description: dict[str, Any]  # what goes with the export, see `description.describe`
