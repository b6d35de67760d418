"""`export`."""

import argparse
from typing import Any

from app.cli.console import print_json, print_line
from app.i18n import tr
from core.models.export import ExportReport, export_model
from core.workspace import Workspace


def export(arguments: argparse.Namespace, _workspace: Workspace) -> None:
    """Write a model in the form that other programs read."""
    report = export_model(arguments.model, arguments.format, arguments.out)
    if arguments.json:
        print_json(_json(report))
    else:
        _print(report)


def _json(report: ExportReport) -> dict[str, Any]:
    return {
        "format": report.kind,
        "files": [str(file) for file in report.files],
        "bytes": report.n_bytes,
        "checked_with": report.checked_with,
        "difference": report.difference,
        "description": report.description,
    }


def _print(report: ExportReport) -> None:
    for file in report.files:
        print_line(str(file))
    print_line(_checked_words(report))
    made = report.description["preprocessing"]
    print_line(
        tr(
            "Its input: films stretched to {size} x {size} pixels (Lanczos), (x / 255 - {mean}) / "
            "{std}, grey repeated three times. Classes in order: {classes}.",
            size=made["size"][0],
            mean=f"{made['mean']:g}",
            std=f"{made['std']:g}",
            classes=", ".join(report.description["classes"]),
        )
    )
    print_line(tr("Research and teaching only, never diagnosis."))


def _checked_words(report: ExportReport) -> str:
    if report.kind == "pdparams":
        return tr("Read again: every weight is the same.")
    return tr(
        "Checked with {program}: the largest difference is {difference} of the largest value.",
        program=report.checked_with,
        difference=f"{report.difference:.1e}",
    )
