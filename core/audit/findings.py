"""Findings of the audit of a dataset: kind, severity, a sentence, the films."""

from dataclasses import dataclass
from typing import Literal, get_args

from core.errors import Message

Kind = Literal[
    "class_level",
    "class_spelling",
    "unreadable",
    "truncated",
    "not_an_image",
    "wrong_extension",
    "labels",
    "several_frames",
    "blank",
    "tiny",
    "coloured",
    "rotated",
    "inverted",
    "exact_duplicate",
    "near_duplicate",
    "shared_frame",
    "in_two_classes",
    "patient_in_two_classes",
    "patients_unknown",
    "leakage",
    "untested_class",
    "imbalance",
    "confounder",
    "single_source",
]
Severity = Literal["error", "warning", "note"]
# What a button can do about a finding; the edits themselves are made by core.data.edits.
Fix = Literal["leave_out", "keep_one", "regroup", "merge"]

KINDS: tuple[Kind, ...] = get_args(Kind)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)  # worst first


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a dataset, and the films it is about."""

    kind: Kind
    severity: Severity
    message: Message  # what was found and why it matters
    files: tuple[str, ...]  # names as in the archive
    value: float | None = None  # the number behind it: a correlation, an AUROC, a share
    fix: Fix | None = None  # what can be done about it here
    classes: tuple[str, ...] = ()  # of the fix "merge": the others join the first
