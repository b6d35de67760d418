"""A dataset made in memory: three classes of small films, and what a report says of them."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np

from app.data.viewmodel import DataViewModel, OpenDataset
from core.audit.confounder import Confounder, Separation
from core.audit.findings import Finding
from core.audit.report import Report
from core.data.cache import ImageCache
from core.data.dataset import LoadedDataset
from core.data.edits import Edits
from core.data.records import Dataset, Record
from core.data.survey import Survey
from core.errors import Message, Refusal
from core.images.film import FilmHeader
from core.images.fingerprint import LENGTH
from core.images.traces import LENGTH as N_TRACES

CLASSES = ("COVID", "NORMAL", "Viral_Pneumonia")
SIDE = 32  # pixels


def name_of(label: int, number: int) -> str:
    return f"films/{CLASSES[label]}/{label}{number:03d}.png"


def make_dataset(n_per_class: int = 4) -> LoadedDataset:
    """Films of SIDE pixels that say they are 200 x 100; one file cannot be read."""
    records = tuple(
        Record(name_of(label, number), Path("nowhere"), f"digest-{label}-{number}", label)
        for label in range(len(CLASSES))
        for number in range(n_per_class)
    )
    broken = Refusal("films/NORMAL/broken.png", Message("It is cut short."), "truncated")
    dataset = Dataset((Path("films.zip"),), CLASSES, records, (broken,))
    pixels = np.random.default_rng(0).integers(0, 255, (len(records), 128, 128)).astype(np.uint8)
    header = FilmHeader("PNG", 200, 100, 8, 1, False, None, 1)
    digests = tuple(record.digest for record in records)
    cache = ImageCache(
        folder=Path("nowhere"),
        size=SIDE,
        rows={digest: row for row, digest in enumerate(digests)},
        grey=pixels[:, :SIDE, :SIDE],
        thumbnails=pixels,
        prints=np.zeros((len(records), LENGTH), np.float32),
        traces=np.zeros((len(records), N_TRACES), np.float32),
        headers=dict.fromkeys(digests, header),
        colour_rows={},
        colour=np.empty((0, SIDE, SIDE, 3), np.uint8),
        unreadable={},
    )
    # What the audit measures is of no concern to those who show its report.
    survey = cast(Survey, SimpleNamespace(digests=digests, same_image=()))
    return LoadedDataset.of(dataset, Edits(), cache, survey)


def finding(kind: str, severity: str, *names: str, **more: object) -> Finding:
    """A finding whose sentence is its kind and its first film."""
    message = Message("{kind} {name}", kind=kind, name=names[0] if names else "")
    return Finding(kind, severity, message, names, **more)  # type: ignore[arg-type]


BLANK = finding("blank", "error", name_of(0, 0), fix="leave_out")
BLANK_TOO = finding("blank", "error", name_of(0, 1), fix="leave_out")
COPIES = finding(
    "exact_duplicate", "warning", name_of(1, 0), name_of(1, 1), value=1.0, fix="keep_one"
)
CUT = finding("truncated", "warning", "films/NORMAL/broken.png")
LEAKAGE = finding("leakage", "note", name_of(0, 0), name_of(2, 0), value=0.5)
GIVEAWAY = finding("confounder", "error", name_of(0, 2), value=0.9)
FINDINGS = (BLANK, BLANK_TOO, COPIES, CUT, LEAKAGE)


def confounder() -> Confounder:
    covid, normal = Separation(0, 0.912, 0.85, 0.97, 0.005), Separation(1, 0.7, 0.6, 0.8, 0.005)
    alone = (("aspect", 0.9), ("format", 0.55))
    return Confounder((covid, normal), ((0, 1, 0.9),), covid, alone, (2,), ())


def bring(model: DataViewModel, loaded: LoadedDataset, *findings: Finding) -> None:
    """Put a dataset and its report in front, as if it had been opened."""
    one = OpenDataset((Path(f"{id(loaded)}.zip"),), loaded)
    one.report = Report(findings, confounder() if GIVEAWAY in findings else None)
    model.datasets.append(one)
    model.show(len(model.datasets) - 1)
