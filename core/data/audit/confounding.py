"""What is not lung in each film, and the finding when that alone gives the class away."""

import contextlib
import dataclasses
import hashlib
import json
from typing import Any

import numpy as np

from core import atomic_file
from core.data.audit.confounder import (
    LEAST_FILMS,
    LEAST_GROUPS,
    Confounder,
    Separation,
    find_confounder,
)
from core.data.audit.findings import Finding, Severity
from core.data.audit.property_model import Property
from core.data.loading import LoadedDataset
from core.errors import Message

RED_AUROC = 0.8
NOTED_AUROC = 0.65
CONFOUNDER_FILE = "confounder.json"  # in the cache's folder
CONFOUNDER_VERSION = 2  # raise it when other properties or another classifier count
_N_NAMED = 3  # properties in the sentence
_NOT_JPEG = 0.0  # as a quality, which begins at 1

_NAMES = {
    "width": Message("width in pixels"),
    "height": Message("height in pixels"),
    "aspect": Message("ratio of width to height"),
    "format": Message("file format"),
    "bits": Message("bit depth"),
    "channels": Message("number of channels"),
    "jpeg_quality": Message("JPEG quality"),
    "mean": Message("mean grey level"),
    "spread": Message("spread of grey levels"),
    "border_black": Message("black border"),
    "border_white": Message("white border"),
    "corner_detail": Message("detail in the corners"),
    "source": Message("source"),
}


def property_name(key: str) -> Message:
    """A property as people call it."""
    return _NAMES[key]


def properties_of(loaded: LoadedDataset) -> tuple[Property, ...]:
    """What is known of each film without its lungs; all arrays have shape (N,)."""
    records, survey = loaded.dataset.records, loaded.survey
    headers = [loaded.cache.headers[record.digest] for record in records]
    row = {digest: number for number, digest in enumerate(survey.digests)}
    rows = np.array([row[record.digest] for record in records], np.int64)

    def numbers(key: str, values: Any) -> Property:
        return Property(key, np.asarray(values, np.float64), is_category=False)

    def categories(key: str, values: list[Any]) -> Property:
        _, codes = np.unique(np.array(values), return_inverse=True)
        return Property(key, codes.astype(np.float64), is_category=True)

    found = [
        numbers("width", [header.width for header in headers]),
        numbers("height", [header.height for header in headers]),
        numbers("aspect", [header.width / header.height for header in headers]),
        categories("format", [header.format for header in headers]),
        categories("bits", [header.bits for header in headers]),
        categories("channels", [header.channels for header in headers]),
        numbers("jpeg_quality", [header.jpeg_quality or _NOT_JPEG for header in headers]),
        numbers("mean", survey.appearance.mean[rows]),
        numbers("spread", survey.appearance.spread[rows]),
        numbers("border_black", survey.appearance.border_black[rows]),
        numbers("border_white", survey.appearance.border_white[rows]),
        numbers("corner_detail", survey.appearance.corner_detail[rows]),
    ]
    if len(loaded.dataset.sources) > 1:
        found.append(categories("source", [record.source for record in records]))
    return tuple(found)


def open_confounder(loaded: LoadedDataset) -> Confounder | None:
    """The confounder of a dataset; it is remembered until other films or patients are asked for."""
    records, groups = loaded.dataset.records, loaded.grouping.groups
    lines = [
        f"{record.digest} {record.label} {record.source} {group}"
        for record, group in zip(records, groups, strict=True)
    ]
    text = "\n".join([str(CONFOUNDER_VERSION), *lines])
    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    path = loaded.cache.folder / CONFOUNDER_FILE
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["key"] == key:
            return _from_json(values["confounder"], len(records))
    _, group_numbers = np.unique(np.array(groups), return_inverse=True)
    confounder = find_confounder(
        properties_of(loaded),
        np.array([record.label for record in records], np.int64),
        group_numbers.astype(np.int64),
        len(loaded.dataset.classes),
    )
    values = dataclasses.asdict(confounder) if confounder is not None else None
    with contextlib.suppress(OSError):  # it can be found again
        atomic_file.write_text(path, json.dumps({"key": key, "confounder": values}))
    return confounder


def confounder_finding(loaded: LoadedDataset, confounder: Confounder | None) -> Finding:
    """How far the worst class is given away, and by what."""
    if confounder is None:
        message = Message(
            "Whether the classes can be told apart without the lungs was not examined: two classes "
            "of at least {films} films from {patients} patients are needed.",
            films=LEAST_FILMS,
            patients=LEAST_GROUPS,
        )
        return Finding("confounder", "note", message, ())
    worst = confounder.worst
    name = loaded.dataset.classes[worst.label]
    severity: Severity = "note"
    if worst.auroc > RED_AUROC:
        severity = "error"
    elif worst.auroc > NOTED_AUROC and worst.low > 0.5:
        severity = "warning"
    values = {
        "name": name,
        "auroc": f"{worst.auroc:.2f}",
        "low": f"{worst.low:.2f}",
        "high": f"{worst.high:.2f}",
    }
    if severity == "note":
        message = Message(
            "What is not lung (size, format, border, brightness) hardly tells the classes apart: "
            "at most {name} with AUROC {auroc} (interval {low} to {high}, 95%).",
            **values,
        )
    else:
        message = Message(
            "Without a look at the lungs, {name} is told from the rest with AUROC {auroc} "
            "(interval {low} to {high}, 95%), by {properties}. A network may learn that instead "
            "of the disease: take all classes from the same hospitals and bring them to one form.",
            **values,
            properties=_named(confounder),
        )
    films = [*confounder.examples, *confounder.counter_examples]
    names = tuple(loaded.dataset.records[index].name for index in films)
    return Finding("confounder", severity, message, names, worst.auroc)


def _named(confounder: Confounder) -> Message:
    """The properties that tell most, with what each of them reaches alone."""
    named = [
        Message("{property} ({auroc} alone)", property=property_name(key), auroc=f"{area:.2f}")
        for key, area in confounder.properties[:_N_NAMED]
    ]
    joined = named[0]
    for one in named[1:]:
        joined = Message("{first}, {second}", first=joined, second=one)
    return joined


def _from_json(values: Any, n_films: int) -> Confounder | None:
    """Read what `dataclasses.asdict` wrote.

    Raises:
        ValueError, KeyError, TypeError: It is something else.
    """
    if values is None:
        return None
    examples = tuple(int(index) for index in values["examples"])
    counter_examples = tuple(int(index) for index in values["counter_examples"])
    if any(not 0 <= index < n_films for index in (*examples, *counter_examples)):
        raise ValueError("a film that is not there")
    properties = tuple((str(key), float(area)) for key, area in values["properties"])
    if any(key not in _NAMES for key, _ in properties):
        raise ValueError("a property that is not known")
    return Confounder(
        classes=tuple(Separation(**one) for one in values["classes"]),
        worst=Separation(**values["worst"]),
        properties=properties,
        examples=examples,
        counter_examples=counter_examples,
    )
