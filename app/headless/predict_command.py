"""`predict`."""

import argparse
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.headless.output import print_json, print_line, refusals_json, tell
from app.headless.progress import ProgressBars, last_of
from app.translation import say, tr
from core.csv_cells import write_csv
from core.data.folder import Unpacked, list_folder
from core.errors import ArchiveError, ImageReadError, Message, Refusal
from core.events import FilmRead, FilmRefused
from core.models.model_card import ModelCard
from core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class _Film:
    """What is kept of a film: the event's picture would be megabytes each."""

    file: str
    probabilities: NDArray[np.float32]  # (C,), sums to 1


def predict(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """Classify films; files that are none are told and do not stop the others.

    Raises:
        ImageReadError: There was not one film; the (empty) result was printed before.
    """
    from core.prediction.classifier import Classifier, read_films

    classifier = Classifier.open(arguments.model)
    films: list[_Film] = []
    with ProgressBars() as bars:
        paths, refused = _find(arguments.paths, bars)
        events = read_films(classifier, paths)
        assert isinstance(events, Generator)
        with closing(events):
            for done, event in enumerate(events, start=1):
                if isinstance(event, FilmRead):
                    films.append(_Film(event.file, event.probabilities))
                elif isinstance(event, FilmRefused):
                    refused.append(event.refusal)
                bars.advance(tr("Reading films"), done, len(paths))
    if arguments.json:
        predictions = [_as_json(classifier.card, film) for film in films]
        print_json({"predictions": predictions, "refused": refusals_json(refused)})
    else:
        _print(classifier.card, films, refused)
    if arguments.csv is not None:
        write_csv(arguments.csv, _table(classifier.card, films))
    if not films:
        # Reasons that name their file come last, see `_find`.
        raise ImageReadError(Message("No X-ray could be read. {reason}", reason=refused[-1].reason))


def _find(paths: Sequence[Path], bars: ProgressBars) -> tuple[list[Path], list[Refusal]]:
    """The files that were named; of a folder, all images in it and below, as in training.

    Where there is no file at all, the refusals are of whole folders and name them.
    """
    films: list[Path] = []
    refused: list[Refusal] = []
    for path in paths:
        if not os.path.isdir(path):  # Path.is_dir raises for names that are too long
            films.append(path)
            continue
        try:
            found = last_of(list_folder(path), Unpacked, bars)
        except ArchiveError as error:
            refused.append(Refusal(str(path), error.message))
            continue
        films += [file.path for file in found.files]
        refused += [Refusal(str(path / one.file), one.reason) for one in found.left_out]
    return films, refused


def _as_json(card: ModelCard, film: _Film) -> dict[str, Any]:
    return {
        "file": film.file,
        "class": _winner(card, film),
        "probabilities": {
            name: float(p) for name, p in zip(card.classes, film.probabilities, strict=True)
        },
    }


def _print(card: ModelCard, films: Sequence[_Film], refused: Sequence[Refusal]) -> None:
    for film in films:
        pairs = zip(card.classes, film.probabilities, strict=True)
        scores = ", ".join(f"{name} {p:.4f}" for name, p in pairs)
        print_line(f"{film.file}: {_winner(card, film)}  ({scores})")
    if films:
        print_line(tr("Research and teaching only, never diagnosis."))
    if films or len(refused) > 1:  # one alone is what the command ends with
        for refusal in refused:
            tell(f"{refusal.file}: {say(refusal.reason)}")


def _winner(card: ModelCard, film: _Film) -> str:
    return card.classes[int(film.probabilities.argmax())]


def _table(card: ModelCard, films: Sequence[_Film]) -> Iterator[Sequence[str]]:
    """The rows of the table, the disclaimer among the titles."""
    yield ("file", "class", *card.classes, tr("Research and teaching only, never diagnosis."))
    for film in films:
        yield (film.file, _winner(card, film), *(f"{p:.6f}" for p in film.probabilities), "")
