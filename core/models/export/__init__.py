"""A model in the forms that other programs read. Importing this loads no Paddle."""

from pathlib import Path

from core.models.export.description import ExportKind
from core.models.export.report import ExportReport

__all__ = ["ExportKind", "ExportReport", "export_model"]


def export_model(model: Path, kind: ExportKind, out: Path) -> ExportReport:
    """Write a model in another form; see `core.models.export.exporting.export_model`."""
    from core.models.export.exporting import export_model as export

    return export(model, kind, out)
