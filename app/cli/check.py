"""`check`: what is in a dataset, and what is wrong with it."""

import argparse
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from app.cli.console import ProgressBars, last_of, print_json, print_line, refusals_json
from app.cli.evaluate import label_choice, load
from app.i18n import language, say, tr
from app.wording import kind_name, severity_name
from core.audit.findings import Finding
from core.audit.report import Report, audit
from core.config import preset
from core.data.dataset import LoadedDataset
from core.data.labels import ROLES, LabelReport
from core.data.layout import Layout
from core.data.patients import Grouping
from core.data.records import display_names
from core.data.splits import PARTS, Splits, count_by_class, split
from core.errors import DatasetError, Refusal
from core.workspace import Workspace

N_SHOWN = 10  # findings of one kind, or files left out for one reason


def check(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """Say what is in a dataset, what was left out of it, and what the audit found."""
    config, labels = preset("recommended"), label_choice(arguments)
    with ProgressBars() as bars:
        size = config.preprocessing.image_size
        loaded = load(
            arguments.data,
            workspace,
            size,
            bars,
            with_edits=not arguments.as_found,
            class_level=arguments.class_level,
            labels=labels,
            zip_names=arguments.zip_names,
        )
        with closing(audit(loaded)) as events:
            report = last_of(events, Report, bars)
    try:
        parts = split(loaded.dataset, loaded.grouping, config)
    except DatasetError:
        parts = None  # a class is too small: training will say so
    if arguments.json:
        print_json(_json(loaded, report, parts))
    else:
        _print(loaded, report)


def _json(loaded: LoadedDataset, report: Report, parts: Splits | None) -> dict[str, Any]:
    dataset, grouping = loaded.dataset, loaded.grouping
    return {
        "classes": dataset.counts,
        "left_out": refusals_json(dataset.left_out),
        "groups": {"n": grouping.n_groups, "pattern": grouping.pattern},
        "findings": [_finding_json(finding) for finding in report.findings],
        "patients": {
            "n": grouping.n_patients,
            "per_class": _patients_per_class(loaded),
            "pattern": grouping.pattern,
        },
        "split": {
            part: count_by_class(dataset, parts.part(part)) if parts is not None else {}
            for part in PARTS
        },
        "class_level": _level_json(dataset.layout),
        "labels": _labels_json(dataset.labels),
        "zip_names": {path.name: code_page for path, code_page in dataset.code_pages},
    }


def _level_json(layout: Layout | None) -> dict[str, Any] | None:
    """Describe the level of the class folders; a level is null where sources differ."""
    if layout is None:
        return None
    levels = set(layout.levels)
    return {
        "level": layout.levels[0] if len(levels) == 1 else None,
        "reason": say(layout.reason),
        "is_certain": layout.is_certain,
        "alternatives": [
            {"level": one.level, "classes": list(one.names)} for one in layout.alternatives
        ],
    }


def _labels_json(report: LabelReport | None) -> dict[str, Any] | None:
    if report is None:
        return None
    choice = report.choice
    return {
        "file": choice.file,
        "columns": {role: choice.column(role) or None for role in ROLES},
        "several_labels": choice.several,
        "rows": report.n_rows,
        "missing": report.n_missing,
        "surplus": len(report.surplus),
        "unlabelled": len(report.unlabelled),
        "several": len(report.several),
        "not_unique": len(report.not_unique),
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    values: dict[str, Any] = {
        "kind": finding.kind,
        "severity": finding.severity,
        "message": say(finding.message),
        "files": list(finding.files),
    }
    if finding.value is not None:
        values["value"] = finding.value
    return values


def _patients_per_class(loaded: LoadedDataset) -> dict[str, int]:
    seen = {
        (record.label, patient)
        for record, patient in zip(loaded.dataset.records, loaded.grouping.patients, strict=True)
    }
    counts = Counter(label for label, _ in seen)
    return {name: counts[label] for label, name in enumerate(loaded.dataset.classes)}


def _print(loaded: LoadedDataset, report: Report) -> None:
    dataset = loaded.dataset
    for name, n in dataset.counts.items():
        print_line(f"{n:6}  {name}  ({display_names(name)[language()]})")
    if dataset.labels is not None:
        print_line(_labels_sentence(dataset.labels))
    if dataset.layout is not None and None not in dataset.layout.levels:
        level = ", ".join(
            map(str, sorted({one for one in dataset.layout.levels if one is not None}))
        )
        reason = say(dataset.layout.reason)
        print_line(tr("Class folders: level {level}; {reason}", level=level, reason=reason))
    for path, code_page in dataset.code_pages:
        print_line(
            tr(
                "Names in {file} do not say how they are encoded and were read as {code_page}; "
                "--zip-names changes it.",
                file=path.name,
                code_page=code_page,
            )
        )
    print_line(_patients_sentence(loaded.grouping))
    print_line(tr("{n} files left out", n=len(dataset.left_out)))
    _print_left_out(dataset.left_out)
    print_line()
    if not report.findings:
        print_line(tr("Nothing wrong was found."))
    of_kind: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        of_kind.setdefault((finding.severity, finding.kind), []).append(finding)
    for findings in of_kind.values():
        first = findings[0]
        title = f"{say(severity_name(first.severity))}: {say(kind_name(first.kind))}"
        print_line(f"{title} ({len(findings)})" if len(findings) > 1 else title)
        _print_some([say(finding.message) for finding in findings])


def _print_left_out(left_out: Sequence[Refusal]) -> None:
    """Reason by reason, because thousands of masks would hide the one film that is damaged."""
    of_reason: dict[str, list[str]] = {}
    for refusal in left_out:
        reason = say(refusal.reason)
        line = reason if refusal.file in reason else f"{refusal.file}: {reason}"
        of_reason.setdefault(refusal.reason.template, []).append(line)
    for lines in of_reason.values():
        _print_some(lines)


def _print_some(lines: Sequence[str]) -> None:
    for line in lines[:N_SHOWN]:
        print_line(f"  {line}")
    if len(lines) > N_SHOWN:
        print_line("  " + tr("and {n} more", n=f"{len(lines) - N_SHOWN:,}"))


def _labels_sentence(report: LabelReport) -> str:
    """Name the table and its columns, guessed or chosen."""
    choice = report.choice
    columns = ", ".join(
        f"{role} = {title}" for role in ROLES if (title := choice.column(role) or "")
    )
    return tr("Labels from {file}: {columns}", file=Path(choice.file).name, columns=columns)


def _patients_sentence(grouping: Grouping) -> str:
    match grouping.pattern:
        case "single_images":
            return tr("No patient names found in the file names.")
        case "before_underscore":
            return tr("{n} patients (file name up to the first _)", n=grouping.n_patients)
        case "before_last_number":
            return tr("{n} patients (file name without its last number)", n=grouping.n_patients)
        case "folder":
            return tr("{n} patients (folders below the class folders)", n=grouping.n_patients)
        case "several":
            return tr("{n} patients (names, each class in its own way)", n=grouping.n_patients)
        case "dicom":
            return tr("{n} patients (DICOM files)", n=grouping.n_patients)
        case "table":
            return tr("{n} patients (table of labels)", n=grouping.n_patients)
        case pattern:
            n = grouping.n_patients
            return tr("{n} patients (file names like {pattern})", n=n, pattern=pattern)
