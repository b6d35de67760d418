"""`export`."""

import argparse

from app.cli.console import print_json, print_line
from app.i18n import tr
from core.files import check_replaceable
from core.models.export import export_model
from core.workspace import Workspace


def export(arguments: argparse.Namespace, _workspace: Workspace) -> None:
    """Write a model in the form that other programs read."""
    if arguments.format != "paddle" and not arguments.force:
        check_replaceable(arguments.out, arguments.format)
    report = export_model(arguments.model, arguments.format, arguments.out)
    if arguments.json:
        print_json(
            {
                "format": report.kind,
                "files": [str(file) for file in report.files],
                "bytes": report.n_bytes,
                "checked_with": report.checked_with,
                "difference": report.difference,
                "description": report.description,
            }
        )
        return
    for file in report.files:
        print_line(str(file))
    if report.kind == "pdparams":
        print_line(tr("Read again: every weight is the same."))
    else:
        print_line(
            tr(
                "Checked with {program}: the largest difference is {difference} of the largest "
                "value.",
                program=report.checked_with,
                difference=f"{report.difference:.1e}",
            )
        )
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
