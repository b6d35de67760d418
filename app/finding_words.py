"""What kinds of findings and severities are called: the same in the window and without one."""

from collections.abc import Mapping

from core.data.audit.findings import Kind, Severity
from core.errors import Message

_KINDS: Mapping[Kind, Message] = {
    "unreadable": Message("Cannot be read"),
    "truncated": Message("Cut short"),
    "not_an_image": Message("Not an image"),
    "wrong_extension": Message("Misnamed format"),
    "blank": Message("Blank"),
    "tiny": Message("Too small"),
    "coloured": Message("Colour or alpha channel"),
    "rotated": Message("Rotated"),
    "inverted": Message("Negative"),
    "exact_duplicate": Message("Exact copies"),
    "near_duplicate": Message("Copies saved anew"),
    "in_two_classes": Message("One film in two classes"),
    "patient_in_two_classes": Message("One patient in two classes"),
    "leakage": Message("Leakage into the test"),
    "imbalance": Message("Uneven classes"),
    "confounder": Message("Class told without the lungs"),
}
_BADGES: Mapping[Kind, Message] = {
    "wrong_extension": Message("Misnamed"),
    "tiny": Message("Small"),
    "coloured": Message("Colour"),
    "exact_duplicate": Message("Copy"),
    "near_duplicate": Message("Saved anew"),
    "in_two_classes": Message("Two classes"),
    "patient_in_two_classes": Message("Patient twice"),
    "leakage": Message("Leakage"),
    "imbalance": Message("Uneven"),
    "confounder": Message("Giveaway"),
}
_SEVERITIES: Mapping[Severity, Message] = {
    "error": Message("Error"),
    "warning": Message("Warning"),
    "note": Message("Note"),
}
_VALUES: Mapping[Kind, Message] = {
    "near_duplicate": Message("Correlation"),
    "in_two_classes": Message("Correlation"),
    "imbalance": Message("Ratio"),
    "confounder": Message("AUROC"),
}


def kind_name(kind: Kind) -> Message:
    """A kind of finding in a few words."""
    return _KINDS[kind]


def kind_badge(kind: Kind) -> Message:
    """A kind of finding in a word or two that fit on a thumbnail."""
    return _BADGES.get(kind, _KINDS[kind])


def severity_name(severity: Severity) -> Message:
    """How bad it is, in a word."""
    return _SEVERITIES[severity]


def value_words(kind: Kind) -> Message | None:
    """What the number of a finding of this kind is; None where its sentence says enough."""
    return _VALUES.get(kind)
