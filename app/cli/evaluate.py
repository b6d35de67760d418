"""Opening a dataset, and `evaluate`."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from app.cli.console import ProgressBars, last_of, print_json, print_line, tell
from app.i18n import language, say, tr
from core.data.archive import choose_code_page
from core.data.dataset import LoadedDataset, load_dataset
from core.data.edits import Edits
from core.data.labels import ROLES, LabelChoice, SeveralLabels
from core.data.tables import find_tables
from core.errors import ConfigError, DatasetError, Message, PneumoScopeError
from core.evaluation.comparison import ModelComparison
from core.evaluation.elsewhere import Place
from core.evaluation.evaluate import ModelEvaluation, evaluate_model
from core.evaluation.lung_tests import Retrained
from core.evaluation.model_comparison import compare_models
from core.evaluation.repeated import LearningCurve, SplitBias, Spread
from core.evaluation.statements import Statements, read_statements, statements_of
from core.evaluation.study import Study, TrainingCases, evaluation_of, study_of
from core.evaluation.training_cases import training_cases
from core.models.model_file import read_card
from core.models.operating_point import OperatingPoint
from core.prediction.external_tests import ExternalTest
from core.report.evaluation_facts import split_words
from core.report.evaluation_kit import (
    OWN_TEST,
    PLANNER,
    SHORTCUT_HINT,
    TRAINING_TITLE,
    figure_title,
    lung_sentences,
    near_words,
    place_sentences,
    training_words,
    write_kit,
)
from core.report.facts import ReportContext
from core.report.study_facts import (
    FIGURE_NAMES,
    count_text,
    figure_text,
    p_text,
    share_text,
    study_json,
)
from core.training.lung_control import retrain_without_lungs
from core.training.repeats import compare_splits, learning_curve, repeat_seeds
from core.training.run_description import read_description
from core.workspace import Workspace


def load(
    data: Sequence[Path],
    workspace: Workspace,
    image_size: int,
    bars: ProgressBars,
    *,
    with_edits: bool = True,
    class_level: int | None = None,
    known_classes: Sequence[str] = (),
    labels: LabelChoice | None = None,
    zip_names: str | None = None,
) -> LoadedDataset:
    """Open zips and folders with bars on the screen; say so where edits of the window count."""
    if zip_names is not None:
        for path in data:
            if os.path.isfile(path):
                choose_code_page(path, workspace.datasets, zip_names)
    events = load_dataset(
        data,
        workspace,
        image_size,
        with_edits=with_edits,
        class_level=class_level,
        known_classes=known_classes,
        labels=labels,
    )
    try:
        loaded = last_of(events, LoadedDataset, bars)
    except DatasetError:
        if labels is None and (tables := find_tables(data)):
            tell(tr("--labels takes the classes from a table, such as {file}.", file=tables[0]))
        if labels is not None and labels.label is None:
            tell(tr("--image-column and --label-column name columns that were not guessed."))
        raise
    if loaded.edits != Edits(class_level=class_level):
        tell(
            tr(
                "Changes that were made to this dataset in the window count here too ({n}); "
                "--as-found ignores them.",
                n=loaded.edits.n_changes,
            )
        )
    return loaded


def label_choice(arguments: argparse.Namespace) -> LabelChoice | None:
    """Return the table of labels and its columns among the options.

    A path that is not there is looked for inside the zips and folders.

    Raises:
        ConfigError: Columns are given without a table.
    """
    values = {role: vars(arguments)[f"{role}_column"] for role in ROLES}
    given = [f"--{role}-column" for role in ROLES if values[role] is not None]
    given += ["--several-labels"] if arguments.several_labels is not None else []
    path: Path | None = arguments.labels
    if path is None:
        if given:
            raise ConfigError(
                Message("{given} needs --labels and a table.", given=", ".join(given))
            )
        return None
    if not os.path.exists(path) and not path.is_absolute():
        path = next((table for table in find_tables(arguments.data) if _ends_in(table, path)), path)
    several: SeveralLabels = arguments.several_labels or "refuse"
    return LabelChoice(file=os.path.abspath(path), several=several, **values)


def _ends_in(path: Path, end: Path) -> bool:
    return path.parts[-len(end.parts) :] == end.parts


def _labels_of_run(model: Path, data: Sequence[Path]) -> LabelChoice | None:
    """Return the table by which a model's run labelled these very zips and folders."""
    try:
        described = read_description(model.parent).dataset
        sources = sorted(os.path.abspath(path) for path in data)
        if described.labels is None or sorted(described.sources) != sources:
            return None
        return LabelChoice.from_json(described.labels)
    except PneumoScopeError:  # the model lies elsewhere by now
        return None


def evaluate(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """Measure a model on a dataset."""
    labels = label_choice(arguments)
    card = read_card(arguments.model)  # a wrong model file is refused before films are decoded
    for other in arguments.against:
        read_card(other)
    with ProgressBars() as bars:
        size = card.preprocessing.image_size
        loaded = load(
            arguments.data,
            workspace,
            size,
            bars,
            with_edits=not arguments.as_found,
            class_level=arguments.class_level,
            known_classes=card.classes,
            zip_names=arguments.zip_names,
            labels=labels or _labels_of_run(arguments.model, arguments.data),
        )
        mapping = dict(arguments.map)
        events = evaluate_model(
            arguments.model, loaded, arguments.split, workspace, mapping=mapping
        )
        evaluated = last_of(events, ModelEvaluation, bars)
        point = _operating_point(arguments.operating_point)
        statements = _statements(arguments.statements, workspace, loaded)
        with_lungs = arguments.lung_tests or arguments.retrain_without_lungs
        steps = study_of(evaluated, point, with_lungs=with_lungs)
        study = last_of(steps, Study, bars)
        if arguments.retrain_without_lungs and study.lungs is not None:
            control = retrain_without_lungs(card.training, loaded, "auto", workspace)
            lungs = replace(study.lungs, retrained=last_of(control, Retrained, bars))
            study = replace(study, lungs=lungs)
        if arguments.hard_cases:
            try:
                asking = training_cases(evaluated, workspace)
                study = replace(study, training=last_of(asking, TrainingCases, bars))
            except DatasetError as error:  # the other hard cases are of use without them
                tell(say(error.message))
        if arguments.against:
            comparing = compare_models(evaluated, study, arguments.against, workspace)
            study = replace(study, comparison=last_of(comparing, ModelComparison, bars))
        if arguments.repeat_seeds is not None:
            n = arguments.repeat_seeds
            repeats = repeat_seeds(card.training, loaded, n, "auto", workspace)
            study = replace(study, spread=last_of(repeats, Spread, bars))
        if arguments.learning_curve:
            learning = learning_curve(card.training, loaded, "auto", workspace)
            study = replace(study, learning=last_of(learning, LearningCurve, bars))
        if arguments.compare_splits:
            splits = compare_splits(card.training, loaded, "auto", workspace)
            study = replace(study, splits=last_of(splits, SplitBias, bars))
        if arguments.report is not None:
            context = ReportContext.of(evaluated.classifier, say, language())
            for progress in write_kit(arguments.report, evaluated, study, statements, context):
                bars.show(progress)
    # The loss is the network's, before any correction.
    result = replace(evaluation_of(study), loss=evaluated.result.loss)
    if arguments.json:
        values = result.to_json(card.classes)
        keys = ("name", "sensitivity", "specificity", "f1")
        values["classes"] = [
            {**{key: one[key] for key in keys}, "n": one["n"], "ppv": one["precision"]}
            for one in values["classes"]
        ]
        values["warnings"] = [say(warning) for warning in evaluated.warnings]
        values["external"] = _external_json(evaluated.external)
        values["study"] = study_json(study)
        print_json(values)
        _tell_kept(evaluated)
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
                "{name}: n {n}, sensitivity {sensitivity}, specificity {specificity}, PPV {ppv}, "
                "F1 {f1}",
                name=name,
                n=measures.n,
                sensitivity=_number(measures.sensitivity),
                specificity=_number(measures.specificity),
                ppv=_number(measures.precision),
                f1=_number(measures.f1),
            )
        )
    print_line(tr("Figures with intervals (95%) over patients:"))
    for one in study.figures:
        name = "" if one.label is None else f"{card.classes[one.label]}: "
        why = "" if one.missing is None else f" ({say(one.missing)})"
        print_line(f"  {name}{say(FIGURE_NAMES[one.name])} {figure_text(one)}{why}")
    if study.lungs is not None:
        for sentence in lung_sentences(study, ReportContext.of(evaluated.classifier, say, "en")):
            print_line(sentence)
    context = ReportContext.of(evaluated.classifier, say, language())
    if arguments.hard_cases:
        _print_cases(study, context)
    if study.comparison is not None:
        _print_comparison(study.comparison)
    _print_plans(study, context)
    if study.spread is not None:
        _print_spread(study.spread, context)
    if study.learning is not None:
        _print_learning(study.learning)
    if study.splits is not None:
        print_line(say(split_words(study.splits)))
    for place in study.places:
        _print_place(place)
    external = evaluated.external
    if external is not None:
        print_line(tr("External test: most of these X-rays come from other sources."))
    for warning in evaluated.warnings:
        print_line(tr("About the model: {warning}", warning=say(warning)))
    _tell_kept(evaluated)
    print_line(tr("Research and teaching only, never diagnosis."))


def _operating_point(path: Path | None) -> OperatingPoint | None:
    """Read the file of `--operating-point`.

    Raises:
        ConfigError: It cannot be read or holds anything else.
    """
    if path is None:
        return None
    try:
        return OperatingPoint.from_json(from_json(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise ConfigError(
            Message(
                "{file} cannot be read as an operating point. It is a JSON object such as "
                "{example}.",
                file=path.name,
                example='{"thresholds": {"NORMAL": 0.5, "COVID": 0.2}}',
            )
        ) from error


def _statements(path: Path | None, workspace: Workspace, loaded: LoadedDataset) -> Statements:
    if path is not None:
        return read_statements(path)
    return statements_of(workspace, loaded.dataset.fingerprint)


def _print_place(place: Place) -> None:
    print_line(
        tr(
            "{dataset}: {n} X-rays, accuracy {accuracy}",
            dataset=place.dataset or say(OWN_TEST),
            n=place.right.n,
            accuracy=count_text(place.right),
        )
    )
    for sentence in place_sentences(place):
        print_line(f"  {say(sentence)}")


def _print_cases(study: Study, context: ReportContext) -> None:
    training = () if study.training is None else study.training.highest_loss
    print_line(say(SHORTCUT_HINT))
    for title, cases in (
        (tr("Most confident mistakes"), study.mistakes),
        (tr("Least sure right answers"), study.unsure_hits),
        (say(TRAINING_TITLE), training),
    ):
        print_line(tr("{title}:", title=title))
        for one in cases:
            print_line(
                tr(
                    "  {file}: true class {truth}, predicted {predicted}, probability "
                    "{probability}, shortcut score {shortcut}, nearest {nearest}",
                    file=one.name,
                    truth=context.class_name(one.truth),
                    predicted=context.class_name(one.predicted),
                    probability=f"{one.probability:.3f}",
                    shortcut="–" if one.shortcut is None else f"{one.shortcut:.2f}",
                    nearest=near_words(one, context),
                )
            )
    print_line(say(training_words(study)))


def _print_comparison(found: ModelComparison) -> None:
    first = found.models[0].right
    print_line(
        tr(
            "Comparison of models on the same {n} X-rays ({patients} patients); left out, for "
            "their patients are known to one of the models: {left_out}",
            n=first.n,
            patients=first.n_patients,
            left_out=found.n_left_out,
        )
    )
    for number, one in enumerate(found.models, start=1):
        print_line(
            tr(
                "  {number}: {model}, accuracy {accuracy}",
                number=number,
                model=one.name,
                accuracy=share_text(one.right),
            )
        )
    for pair in found.pairs:
        print_line(
            tr(
                "  {first} and {second}: only the first right {one}, only the second {other}; p "
                "{p}, for all pairs {corrected} ({method})",
                first=pair.first + 1,
                second=pair.second + 1,
                one=pair.test.only_first,
                other=pair.test.only_second,
                p=p_text(pair.test.p),
                corrected=p_text(pair.corrected),
                method=say(pair.test.method),
            )
        )


def _print_plans(study: Study, context: ReportContext) -> None:
    print_line(say(PLANNER))
    for one in study.plans:
        print_line(
            tr(
                "  {name}: now {n} ({patients}), needed {needed} ({needed_patients})",
                name=context.class_name(one.label),
                n=one.n,
                patients=one.n_patients,
                needed=one.needed,
                needed_patients=one.needed_patients,
            )
        )


def _print_spread(spread: Spread, context: ReportContext) -> None:
    print_line(tr("Spread between {n} models that differ in their seed:", n=len(spread.repeats)))
    for one in spread.variations:
        print_line(
            tr(
                "  {figure}: mean {mean}, standard deviation {deviation}, {least} to {most}",
                figure=figure_title(one, context),
                mean=f"{one.mean:.3f}",
                deviation=f"{one.deviation:.3f}",
                least=f"{one.least:.3f}",
                most=f"{one.most:.3f}",
            )
        )
    print_line(
        tr(
            "The answer to {k} of {n} test X-rays depends on the seed.",
            k=len(spread.by_luck),
            n=spread.n_shared,
        )
    )


def _print_learning(learning: LearningCurve) -> None:
    print_line(tr("Learning curve:"))
    for one in learning.repeats:
        found = next((each for each in one.figures if each.name == "accuracy"), None)
        print_line(
            tr(
                "  {patients} patients, {n} X-rays in training: accuracy {accuracy}",
                patients=one.n_train_patients,
                n=one.n_train,
                accuracy=figure_text(found),
            )
        )


def _tell_kept(evaluated: ModelEvaluation) -> None:
    if evaluated.kept is not None:
        tell(say(evaluated.kept))


def _external_json(external: ExternalTest | None) -> dict[str, Any] | None:
    if external is None:
        return None
    low, high = external.interval
    return {
        "dataset": external.dataset,
        "sources": list(external.sources),
        "n": external.n,
        "accuracy": external.accuracy,
        "interval": [low, high],
        "outcome": external.outcome,
    }


def _number(value: float | None) -> str:
    return f"{value:.4f}" if value is not None else "–"
