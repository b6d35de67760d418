"""`check`, `evaluate` and `predict`."""

import argparse
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from app.headless.output import (
    ProgressBars,
    last_of,
    print_json,
    print_line,
    refusals_json,
    tell,
)
from app.translation import language, say, tr
from core import atomic_file
from core.config import preset
from core.data.class_names import display_names
from core.data.loading import LoadedDataset, load_dataset
from core.errors import Message, Refusal, RunFolderError
from core.events import FilmRead, FilmRefused
from core.models.model_card import ModelCard
from core.workspace import Workspace

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def load(data: Path, workspace: Workspace, image_size: int, bars: ProgressBars) -> LoadedDataset:
    """Open a zip or folder with bars on the screen."""
    return last_of(load_dataset(data, workspace, image_size), LoadedDataset, bars)


def check(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """Say what is in a dataset and what was left out of it."""
    with ProgressBars() as bars:
        size = preset("recommended").preprocessing.image_size
        loaded = load(arguments.data, workspace, size, bars)
    dataset, grouping = loaded.dataset, loaded.grouping
    if arguments.json:
        print_json(
            {
                "classes": dataset.counts,
                "left_out": refusals_json(dataset.left_out),
                "groups": {"n": grouping.n_groups, "pattern": grouping.pattern},
            }
        )
        return
    for name, n in dataset.counts.items():
        print_line(f"{n:6}  {name}  ({display_names(name)[language()]})")
    if grouping.pattern == "before_underscore":
        print_line(
            tr("{n} patients (file name up to the first _)", n=grouping.n_groups),
        )
    else:
        print_line(tr("No patient names found in the file names."))
    print_line(tr("{n} files left out", n=len(dataset.left_out)))
    for refusal in dataset.left_out:
        print_line(f"  {refusal.file}: {say(refusal.reason)}")


def evaluate(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """Measure a model on a dataset."""
    from core.evaluation.evaluate import ModelEvaluation, evaluate_model
    from core.models.model_file import read_card

    card = read_card(arguments.model)  # a wrong model file is refused before films are decoded
    with ProgressBars() as bars:
        loaded = load(arguments.data, workspace, card.preprocessing.image_size, bars)
        events = evaluate_model(arguments.model, loaded, arguments.split, workspace)
        evaluated = last_of(events, ModelEvaluation, bars)
    result = evaluated.result
    if arguments.json:
        values = result.to_json(card.classes)
        keys = ("name", "sensitivity", "specificity", "f1")
        values["classes"] = [{key: one[key] for key in keys} for one in values["classes"]]
        print_json(values)
        return
    print_line(
        tr(
            "{n} films: accuracy {accuracy}, mean loss {loss}",
            n=result.n,
            accuracy=f"{result.accuracy:.4f}",
            loss=f"{result.loss:.4f}",
        )
    )
    print_line(tr("Confusion matrix (rows true, columns predicted):"))
    for name, row in zip(card.classes, result.confusion, strict=True):
        print_line("  " + "".join(f"{count:7}" for count in row) + f"  {name}")
    for name, measures in zip(card.classes, result.classes, strict=True):
        print_line(
            tr(
                "{name}: sensitivity {sensitivity}, specificity {specificity}, F1 {f1}",
                name=name,
                sensitivity=_number(measures.sensitivity),
                specificity=_number(measures.specificity),
                f1=_number(measures.f1),
            )
        )


def predict(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """Classify films."""
    from core.prediction.classifier import Classifier, read_films

    classifier = Classifier.open(arguments.model)
    films: list[FilmRead] = []
    refused: list[Refusal] = []
    paths = list(_films_in(arguments.paths))
    with ProgressBars() as bars:
        for event in read_films(classifier, paths):
            if isinstance(event, FilmRead):
                films.append(event)
            elif isinstance(event, FilmRefused):
                refused.append(event.refusal)
            bars.advance(tr("Reading films"), len(films) + len(refused), len(paths))
    if arguments.csv is not None:
        _write_csv(arguments.csv, classifier.card, films)
    if arguments.json:
        print_json(
            {
                "predictions": [_prediction_json(classifier.card, film) for film in films],
                "refused": refusals_json(refused),
            }
        )
        return
    for film in films:
        values = _prediction_json(classifier.card, film)
        scores = ", ".join(f"{name} {p:.4f}" for name, p in values["probabilities"].items())
        print_line(f"{film.file}: {values['class']}  ({scores})")
    for refusal in refused:
        tell(f"{refusal.file}: {say(refusal.reason)}")


def _films_in(paths: Sequence[Path]) -> Iterator[Path]:
    """The files that were named; of a folder, the images directly in it."""
    for path in paths:
        if path.is_dir():
            endings = {".png", ".jpg", ".jpeg"}
            yield from sorted(film for film in path.iterdir() if film.suffix.lower() in endings)
        else:
            yield path


def _prediction_json(card: ModelCard, film: FilmRead) -> dict[str, Any]:
    return {
        "file": film.file,
        "class": card.classes[int(film.probabilities.argmax())],
        "probabilities": {
            name: float(p) for name, p in zip(card.classes, film.probabilities, strict=True)
        },
    }


def _write_csv(path: Path, card: ModelCard, films: Iterable[FilmRead]) -> None:
    """A table that spreadsheets open as it is: a BOM, and no cell that is a formula."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow([inert(cell) for cell in ("file", "class", *card.classes)])
    for film in films:
        winner = card.classes[int(film.probabilities.argmax())]
        table.writerow([inert(film.file), inert(winner), *(f"{p:.6f}" for p in film.probabilities)])
    try:
        atomic_file.write_bytes(path, text.getvalue().encode("utf-8-sig", "surrogateescape"))
    except OSError as error:
        raise RunFolderError(
            Message(
                "The table {file} cannot be written ({reason}). Choose another file.",
                file=str(path),
                reason=error.strerror or str(error),
            )
        ) from error


def inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + cell if cell.startswith(FORMULA_STARTS) else cell


def _number(value: float | None) -> str:
    return f"{value:.4f}" if value is not None else "–"
