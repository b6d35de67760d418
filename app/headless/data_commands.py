"""`check` and `evaluate`."""

import argparse
from pathlib import Path

from app.headless.output import print_json, print_line, refusals_json
from app.headless.progress import ProgressBars, last_of
from app.translation import language, say, tr
from core.config import preset
from core.data.class_names import display_names
from core.data.loading import LoadedDataset, load_dataset
from core.workspace import Workspace


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
    print_line(tr("Research and teaching only, never diagnosis."))


def _number(value: float | None) -> str:
    return f"{value:.4f}" if value is not None else "–"
