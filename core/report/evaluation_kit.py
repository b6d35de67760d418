"""The paper kit: a folder with the PDF report, JSON, tables, charts and checklists."""

import contextlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from core import files
from core.errors import Message, RunFolderError
from core.evaluation.elsewhere import Place
from core.evaluation.evaluate import ModelEvaluation
from core.evaluation.figures import PRIMARY
from core.evaluation.lung_tests import Retrained
from core.evaluation.repeated import Variation
from core.evaluation.statements import Statements
from core.evaluation.study import Answer, Study
from core.events import Progress
from core.report.charts import CHARTS, Words, render
from core.report.checklists import GUIDELINES, STATEMENTS
from core.report.evaluation_facts import NOT_STATED, UNKNOWN_PATIENTS, Facts
from core.report.facts import ReportContext
from core.report.paper import BOTTOM, INK, INNER, MARGIN, MUTED, PANEL, WARNING, Paper
from core.report.study_facts import (
    FIGURE_NAMES,
    FLOW_COLUMNS,
    PART_NAMES,
    answer_rows,
    case_rows,
    comparison_rows,
    confusion_rows,
    count_text,
    difference_text,
    figure_rows,
    figure_text,
    flow_rows,
    learning_rows,
    p_text,
    place_rows,
    share_text,
    split_rows,
    spread_rows,
    study_json,
    subgroup_rows,
)

_WRITING: Final = Message("Writing the paper kit")
_ROW: Final = 5.4  # mm
_MOST_HARD: Final = 8
_STARTS, _WIDTHS = (52, 92, 115), (39, 22, INNER - 115)  # mm, of the columns
_N_STEPS: Final = 4 + len(GUIDELINES)  # and one for each chart


def write_kit(
    folder: Path,
    evaluated: ModelEvaluation,
    study: Study,
    statements: Statements,
    context: ReportContext,
) -> Iterator[Progress]:
    """Write all that a paper needs of an evaluation.

    Args:
        folder: New, empty, or one that an earlier kit was written to.
        evaluated: The evaluation.
        study: Its figures.
        statements: What only people know about the dataset.
        context: The report's language.

    Yields:
        Progress, after each file.

    Raises:
        RunFolderError: The folder or a file in it cannot be written.
    """
    _make(folder)
    (folder / "figures").mkdir(exist_ok=True)
    (folder / "tables").mkdir(exist_ok=True)
    facts = Facts(evaluated, study, statements, context.say)
    words = Words(context.say, [context.class_name(n) for n in range(len(study.classes))])
    done, n_steps = 0, _N_STEPS + sum(chart.is_drawn(study) for chart in CHARTS)

    def step() -> Progress:
        nonlocal done
        done += 1
        return Progress(_WRITING, done, n_steps)

    text = json.dumps(study_json(study), ensure_ascii=False, allow_nan=False, indent=1)
    files.write_user_file(folder / "evaluation.json", text.encode("utf-8", "backslashreplace"))
    yield step()
    for name, rows in (
        ("figures", figure_rows(study)),
        ("confusion", confusion_rows(study)),
        ("answers", answer_rows(study)),
        ("flow", flow_rows(study)),
        ("subgroups", subgroup_rows(study)),
        ("hard_cases", case_rows(study)),
        ("elsewhere", place_rows(study)),
        ("comparison", comparison_rows(study)),
        ("repeats", spread_rows(study)),
        ("learning_curve", learning_rows(study)),
        ("splits", split_rows(study)),
    ):
        _write_table(folder / "tables" / f"{name}.csv", list(rows))
    yield step()
    pictures: dict[str, bytes] = {}
    for chart in CHARTS:
        if not chart.is_drawn(study):
            for kind in ("png", "svg"):
                _remove(folder / "figures" / f"{chart.name}.{kind}")
            continue
        pictures[chart.name], outlines = render(chart, study, words, kinds=("png", "svg"))
        files.write_user_file(folder / "figures" / f"{chart.name}.png", pictures[chart.name])
        files.write_user_file(folder / "figures" / f"{chart.name}.svg", outlines)
        yield step()
    methods = "\n\n".join(facts.methods())
    files.write_user_file(folder / "methods.txt", f"{methods}\n".encode())
    yield step()
    for name, items in GUIDELINES:
        answers = [
            [item.number, context.say(item.topic), _stated(facts, item.key)] for item in items
        ]
        file = folder / f"checklist {name}.csv"
        files.write_csv(file, [["item", "topic", "answer"], *answers])
        yield step()
    files.write_user_file(folder / "report.pdf", _report(facts, pictures, context))
    yield step()


def _write_table(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write a table; where there is none, one of an earlier kit goes too."""
    if rows:
        files.write_csv(path, rows)
    else:
        _remove(path)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strange = [one.name for one in folder.iterdir()]
    except OSError as error:
        raise RunFolderError(
            Message(
                "The folder {folder} cannot be written ({reason}). Choose another one.",
                folder=str(folder),
                reason=error.strerror or str(error),
            )
        ) from error
    if strange and "evaluation.json" not in strange:
        raise RunFolderError(
            Message(
                "{folder} holds other files. Choose a new or empty folder for the paper kit.",
                folder=str(folder),
            )
        )


def _stated(facts: Facts, key: str) -> str:
    return facts.answer(key) or facts.say(NOT_STATED)


def _report(facts: Facts, pictures: dict[str, bytes], context: ReportContext) -> bytes:
    say = context.say
    title = say(Message("Evaluation report"))
    paper = Paper(
        head=(f"PneumoScope · {title}", f"{context.model_file} · {context.date}"),
        foot=context.disclaimer,
        page_words=lambda number: say(Message("Page {number}", number=number)),
        title=title,
        subject=context.disclaimer,
        program=f"PneumoScope {context.version}",
        created=datetime.now().astimezone(),
        language=context.language.replace("_", "-"),
    )
    _summary(paper, facts, context, title)
    by_name = {chart.name: chart for chart in CHARTS}
    for pair in (
        ("flow", "confusion"),
        ("roc", "precision_recall"),
        ("calibration", "probabilities"),
        ("decision", "doubt"),
    ):
        y = paper.add_page(say(by_name[pair[0]].title))
        for name in pair:
            y = _picture(paper, y, say(by_name[name].title), by_name[name].size, pictures[name])
    _all_figures(paper, facts, context)
    _flow(paper, facts, context)
    _lungs_and_cases(paper, facts, context)
    _elsewhere(paper, facts, context)
    _comparison(paper, facts, context)
    _luck(paper, facts, context, pictures)
    y = paper.add_page(say(Message("Methods")))
    y = paper.heading(MARGIN, y, say(Message("Methods")))
    for paragraph in facts.methods():
        y = paper.paragraph(MARGIN, y, paragraph, 9.5, width=INNER) + 3
    y = paper.heading(MARGIN, y + 3, say(Message("Stated by the authors")))
    for key, topic in STATEMENTS.items():
        y = _entry(paper, y, say(topic), _stated(facts, key))
    for name, items in GUIDELINES:
        y = paper.heading(MARGIN, paper.add_page(name), name)
        for item in items:
            y = _entry(paper, y, f"{item.number}  {say(item.topic)}", _stated(facts, item.key))
    return paper.content()


def _summary(paper: Paper, facts: Facts, context: ReportContext, title: str) -> None:
    say, study, evaluated = context.say, facts.study, facts.evaluated
    y = paper.add_page(say(Message("Summary")), is_cover=True)
    paper.text(MARGIN, y + 6, title, 20, is_bold=True, width=INNER)
    y = paper.paragraph(MARGIN, y + 11, facts.answer("data"), 9.5, MUTED, width=INNER)
    y = paper.paragraph(
        MARGIN, y, facts.answer("internal") or facts.answer("external"), 9.5, MUTED, width=INNER
    )
    y = paper.paragraph(MARGIN, y, context.disclaimer, 9.5, WARNING, width=INNER) + 4
    y = paper.heading(MARGIN, y, say(Message("Primary figures, intervals (95%) over patients")))
    columns = ("sensitivity", "specificity", "auroc")
    y = _row(paper, y, ["", *(say(FIGURE_NAMES[name]) for name in columns)], is_head=True)
    for label in range(len(study.classes)):
        cells = [figure_text(study.figure(name, label)) for name in columns]
        y = _row(paper, y, [context.class_name(label), *cells])
    balanced = study.figure("balanced_accuracy")
    y = _row(paper, y, [say(FIGURE_NAMES["balanced_accuracy"]), figure_text(balanced), "", ""])
    if balanced is not None and balanced.missing is not None:
        y = paper.paragraph(MARGIN, y, say(balanced.missing), 8.5, MUTED, width=INNER)
    y = paper.heading(MARGIN, y + 5, say(Message("What to worry about")))
    for warning in evaluated.warnings:
        y = paper.paragraph(MARGIN, y, f"• {say(warning)}", 9.5, INK, width=INNER) + 1
    if study.lungs is not None:
        y = paper.paragraph(MARGIN, y, f"• {say(study.lungs.summary)}", 9.5, width=INNER) + 1
    paper.paragraph(MARGIN, y + 1, facts.answer("doubt"), 9.5, width=INNER)


def _row(
    paper: Paper,
    y: float,
    cells: Sequence[str],
    starts: Sequence[float] | None = None,
    *,
    is_head: bool = False,
) -> float:
    """Write a row of a table; `starts` of the columns in mm, None: the first is the widest."""
    if starts is None:
        width = (INNER - 52) / max(len(cells) - 1, 1)
        starts = [0.0, *(52 + column * width - 1 for column in range(len(cells) - 1))]
    if is_head:
        paper.box(MARGIN, y, INNER, _ROW, PANEL)
    for start, end, cell in zip(starts, [*starts[1:], INNER], cells, strict=True):
        paper.text(MARGIN + start + 1, y + 3.9, cell, 9, width=end - start - 2, is_bold=is_head)
    return y + _ROW


def _picture(
    paper: Paper, y: float, title: str, size: tuple[float, float], picture: bytes
) -> float:
    y = paper.heading(MARGIN, y, title)
    width = min(INNER, 150.0 if size[0] < 6 else INNER)
    height = width * size[1] / size[0]
    if height > 112:
        width, height = width * 112 / height, 112.0
    paper.picture(picture, MARGIN + (INNER - width) / 2, y, width, height)
    return y + height + 6


def _all_figures(paper: Paper, facts: Facts, context: ReportContext) -> None:
    say = context.say
    y = paper.heading(
        MARGIN, paper.add_page(say(Message("All figures"))), say(Message("All figures"))
    )
    head = [
        say(word)
        for word in (
            Message("Figure"),
            Message("Value (interval, 95%)"),
            Message("X-rays (patients)"),
            Message("Method, or why it is missing"),
        )
    ]
    y = _figures_head(paper, y, head)
    for one in facts.study.figures:
        if y + _ROW > BOTTOM:
            y = _figures_head(paper, paper.add_page(), head)
        name = say(FIGURE_NAMES[one.name])
        if one.label is not None:
            name = f"{name}, {context.class_name(one.label)}"
        why = one.missing or one.method
        cells = [name, figure_text(one), f"{one.n} ({one.n_patients})", say(why) if why else ""]
        paper.text(MARGIN + 1, y + 3.9, cells[0], 8.5, width=50, is_bold=one.name in PRIMARY)
        for place, width, cell in zip(_STARTS, _WIDTHS, cells[1:], strict=True):
            paper.text(MARGIN + place, y + 3.9, cell, 8.5, width=width)
        y += _ROW


def _figures_head(paper: Paper, y: float, words: Sequence[str]) -> float:
    paper.box(MARGIN, y, INNER, _ROW, PANEL)
    for place, width, word in zip((1, *_STARTS), (50, *_WIDTHS), words, strict=True):
        paper.text(MARGIN + place, y + 3.9, word, 8.5, width=width, is_bold=True)
    return y + _ROW


def _lungs_and_cases(paper: Paper, facts: Facts, context: ReportContext) -> None:
    say, study = context.say, facts.study
    y = paper.add_page(say(Message("Does it read the lungs?")))
    y = paper.heading(MARGIN, y, say(Message("Does it read the lungs?")))
    if study.lungs is None:
        y = paper.paragraph(
            MARGIN, y, say(Message("The lung tests were not run.")), 9.5, MUTED, width=INNER
        )
    else:
        for sentence in lung_sentences(study, context):
            y = paper.paragraph(MARGIN, y, sentence, 9.5, width=INNER) + 1
    y = paper.paragraph(MARGIN, y + 3, say(SHORTCUT_HINT), 8.5, MUTED, width=INNER)
    lists = [
        (Message("Most confident mistakes"), study.mistakes),
        (Message("Least sure right answers"), study.unsure_hits),
    ]
    if study.training is not None:
        lists.append((TRAINING_TITLE, study.training.highest_loss))
    for title, cases in lists:
        if y + 30 > BOTTOM:
            y = paper.add_page()
        y = paper.heading(MARGIN, y + 4, say(title))
        if title is TRAINING_TITLE:
            y = paper.paragraph(MARGIN, y, say(training_words(study)), 8.5, MUTED, width=INNER)
        rows = [
            (
                Path(one.name).name,
                context.class_name(one.truth),
                context.class_name(one.predicted),
                f"{one.probability:.1%}",
                "–" if one.shortcut is None else f"{one.shortcut:.2f}",
                near_words(one, context),
            )
            for one in cases[:_MOST_HARD]
        ]
        y = _table(paper, y, [say(word) for word in CASE_COLUMNS], rows, _CASE_STARTS)


_CASE_STARTS: Final = (0, 37, 64, 91, 110, 134)  # mm
SHORTCUT_HINT: Final = Message(
    "Shortcut score: the share of the other classes' X-rays that look less like the answered class "
    "in size, format, texture and frame. Near 1, what is no lung speaks for the answer."
)
TRAINING_TITLE: Final = Message("Training X-rays with the highest loss")
CASE_COLUMNS: Final = (
    Message("X-ray"),
    Message("True class"),
    Message("Predicted class"),
    Message("Probability"),
    Message("Shortcut score"),
    Message("Nearest training X-rays"),
)


def near_words(one: Answer, context: ReportContext) -> str:
    """Name the classes of the nearest training X-rays, the most frequent first."""
    counts = Counter(context.class_name(near.label) for near in one.nearest)
    return context.listing([f"{name} {n}" for name, n in counts.most_common()]) or "–"


def training_words(study: Study) -> Message:
    """Say what the list of training X-rays is good for, and what not."""
    found = study.training
    if found is None:
        return Message("The model was not asked about its training X-rays.")
    if found.confounded:
        return Message(
            "{n} training X-rays were asked about. Here {classes} can be told without the lungs; "
            "on such data the honest X-rays look mislabelled. Change no label by this list.",
            n=found.n,
            classes=", ".join(found.confounded),
        )
    return Message(
        "{n} training X-rays were asked about. Some of these may be mislabelled, others are only "
        "hard: look at each before you change a label.",
        n=found.n,
    )


def _elsewhere(paper: Paper, facts: Facts, context: ReportContext) -> None:
    say, study = context.say, facts.study
    if not study.places:
        return
    y = paper.heading(MARGIN, paper.add_page(say(PLACES_TITLE)), say(PLACES_TITLE))
    for one in study.places:
        if y + 30 > BOTTOM:
            y = paper.add_page()
        name = one.dataset or say(OWN_TEST)
        paper.text(MARGIN, y + 4, name, 10, is_bold=True, width=INNER)
        y += _ROW + 1
        y = _row(paper, y, ["", say(Message("Right")), say(Message("X-rays"))], is_head=True)
        y = _row(paper, y, [say(Message("Accuracy")), count_text(one.right), f"{one.right.n:,}"])
        for label, count in enumerate(one.classes):
            if y + _ROW > BOTTOM:
                y = paper.add_page()
            y = _row(paper, y, [context.class_name(label), count_text(count), f"{count.n:,}"])
        for sentence in place_sentences(one):
            y = paper.paragraph(MARGIN, y + 1, say(sentence), 9, width=INNER)
        y += 5


PLACES_TITLE: Final = Message("Here and elsewhere")
OWN_TEST: Final = Message("The model's own test")


def place_sentences(one: Place) -> Iterator[Message]:
    """Say how a test elsewhere differs from the own one, in its result and its X-rays."""
    if one.difference is not None:
        yield Message(
            "Accuracy against the own test: {difference} (95%, Newcombe).",
            difference=difference_text(one.difference),
        )
    if one.acquisition is not None:
        yield Message("Its X-rays are {difference}.", difference=one.acquisition)


def _comparison(paper: Paper, facts: Facts, context: ReportContext) -> None:
    found, say = facts.study.comparison, context.say
    if found is None:
        return
    title = say(Message("Comparison of models"))
    y = paper.heading(MARGIN, paper.add_page(title), title)
    y = paper.paragraph(MARGIN, y, facts.answer("comparison"), 9.5, width=INNER) + 2
    for number, one in enumerate(found.models, start=1):
        text = f"{number}  {share_text(one.right)}  {one.name}"
        paper.text(MARGIN + 1, y + 3.9, text, 9, width=INNER - 2)
        y += _ROW
    words = (
        Message("Models"),
        Message("Only first right"),
        Message("Only second right"),
        Message("p"),
        Message("p, all pairs"),
    )
    rows = [
        (
            f"{pair.first + 1} – {pair.second + 1}",
            str(pair.test.only_first),
            str(pair.test.only_second),
            p_text(pair.test.p),
            p_text(pair.corrected),
        )
        for pair in found.pairs
    ]
    _table(paper, y + 3, [say(word) for word in words], rows)


def _luck(paper: Paper, facts: Facts, context: ReportContext, pictures: dict[str, bytes]) -> None:
    say, study = context.say, facts.study
    title = say(Message("Luck and size"))
    y = paper.heading(MARGIN, paper.add_page(title), title)
    rows = [
        (
            context.class_name(one.label),
            f"{one.sensitivity:.3f}",
            f"{one.n:,} ({one.n_patients:,})",
            f"{one.needed:,} ({one.needed_patients:,})",
        )
        for one in study.plans
    ]
    y = paper.paragraph(MARGIN, y, say(PLANNER), 9.5, width=INNER) + 1
    y = _table(paper, y, ["", *(say(word) for word in PLAN_COLUMNS[1:])], rows) + 4
    if study.spread is not None:
        y = paper.paragraph(MARGIN, y, facts.answer("luck"), 9.5, width=INNER) + 1
        variations = [
            (
                figure_title(one, context),
                f"{one.mean:.3f}",
                f"{one.deviation:.3f}",
                f"{one.least:.3f}–{one.most:.3f}",
            )
            for one in study.spread.variations
        ]
        y = _table(paper, y, ["", *(say(word) for word in SPREAD_COLUMNS[1:])], variations) + 4
    if study.splits is not None:
        y = paper.paragraph(MARGIN, y, facts.answer("leakage"), 9.5, width=INNER) + 3
    if "learning" in pictures:
        chart = next(one for one in CHARTS if one.name == "learning")
        if y + 125 > BOTTOM:
            y = paper.add_page()
        _picture(paper, y, say(chart.title), chart.size, pictures["learning"])


def figure_title(one: Variation, context: ReportContext) -> str:
    """Name a figure with its class."""
    name = context.say(FIGURE_NAMES[one.name])
    return name if one.label is None else f"{name}, {context.class_name(one.label)}"


PLANNER: Final = Message(
    "Test X-rays (patients) of each class that would narrow the interval of its sensitivity to 5 "
    "points either way:"
)
PLAN_COLUMNS: Final = (
    Message("Class"),
    Message("Sensitivity"),
    Message("Now"),
    Message("Needed"),
)
SPREAD_COLUMNS: Final = (
    Message("Figure"),
    Message("Mean"),
    Message("Standard deviation"),
    Message("Smallest to largest"),
)


def _flow(paper: Paper, facts: Facts, context: ReportContext) -> None:
    say = context.say
    title = say(Message("Flow of the X-rays by part and class"))
    y = paper.heading(MARGIN, paper.add_page(title), title)
    head = [say(word) for word in FLOW_COLUMNS]
    rows = [
        (say(PART_NAMES[one.part]), context.name_of(one.name), f"{one.n:,}", f"{one.n_patients:,}")
        for one in facts.study.flow.parts
    ]
    y = _table(paper, y, head, rows)
    if not facts.study.are_patients_known:
        paper.paragraph(MARGIN, y + 2, say(UNKNOWN_PATIENTS), 8.5, MUTED, width=INNER)


def _table(
    paper: Paper,
    y: float,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    starts: Sequence[float] | None = None,
) -> float:
    """Write a table, its head again on each page; `starts` as for `_row`."""
    y = _row(paper, y, head, starts, is_head=True)
    for cells in rows:
        if y + _ROW > BOTTOM:
            y = _row(paper, paper.add_page(), head, starts, is_head=True)
        y = _row(paper, y, cells, starts)
    return y


def lung_sentences(study: Study, context: ReportContext) -> Iterator[str]:
    """Say what came out of the lung tests, the summary first."""
    lungs, say = study.lungs, context.say
    if lungs is None:
        return
    yield say(lungs.summary)
    yield say(
        Message(
            "Of {n} X-rays, {k} without reliable lungs were left out.",
            n=lungs.n_films,
            k=lungs.n_without_lungs,
        )
    )
    if lungs.told_without_lungs:
        names = [context.class_name(label) for label in lungs.told_without_lungs]
        yield say(
            Message(
                "Surely told from the rest with the lungs painted over: {classes}.",
                classes=context.listing(names),
            )
        )
    for one in lungs.removals:
        words = _REMOVALS[one.kept]
        low, high = one.right.interval
        share = f"{one.right.value:.0%} ({low:.0%}–{high:.0%})"
        if one.fill is None:
            yield say(Message("{what}: {share} right.", what=words, share=share))
            continue
        fill = _FILLS[one.fill]
        yield say(Message("{what} {fill}: {share} right.", what=words, fill=fill, share=share))
    for swap in lungs.swaps:
        template = (
            Message(
                "Control, lungs and frame of one class: the answer followed the frame in {frame} "
                "and the lungs in {lungs} of {n}.",
            )
            if swap.is_control
            else Message(
                "Lungs of one class in the frame of another: the answer followed the frame in "
                "{frame} and the lungs in {lungs} of {n}.",
            )
        )
        n = swap.followed_frame.n
        yield say(
            Message(
                template.template,
                frame=round(swap.followed_frame.value * n),
                lungs=round(swap.followed_lungs.value * n),
                n=n,
            )
        )
    if lungs.retrained is not None:
        yield from _retrained_sentences(lungs.retrained, context)
    for probe in lungs.probes:
        low, high = probe.area.interval
        yield say(
            Message(
                "Within {name}, the network's features tell the {asked} with AUROC {auroc} ({low} "
                "to {high}); shuffled {control}.",
                name=context.class_name(probe.label),
                asked=_ASKED[probe.asked],
                auroc=f"{probe.area.value:.2f}",
                low=f"{low:.2f}",
                high=f"{high:.2f}",
                control=f"{probe.control.value:.2f}",
            )
        )


def _retrained_sentences(found: Retrained, context: ReportContext) -> Iterator[str]:
    low, high = found.right.interval
    yield context.say(
        Message(
            "The same recipe, trained on {n} X-rays at 64 pixels with the rectangle around the "
            "lungs painted over: {share} right ({low} to {high}); the most frequent class alone "
            "gives {chance}.",
            n=found.n_train,
            share=f"{found.right.value:.0%}",
            low=f"{low:.0%}",
            high=f"{high:.0%}",
            chance=f"{found.chance:.0%}",
        )
    )
    for label, area in enumerate(found.areas):
        if area is not None:
            low, high = area.interval
            yield context.say(
                Message(
                    "  {name} from the rest: AUROC {auroc} ({low} to {high}).",
                    name=context.class_name(label),
                    auroc=f"{area.value:.2f}",
                    low=f"{low:.2f}",
                    high=f"{high:.2f}",
                )
            )


_REMOVALS: Final = {
    "all": Message("Whole X-rays"),
    "without_lungs": Message("Without the lungs"),
    "lungs_only": Message("Lungs alone"),
    "without_as_much_elsewhere": Message("Without as much elsewhere (control)"),
}
_FILLS: Final = {"mean": Message("(mean grey)"), "noise": Message("(noise)")}
_ASKED: Final = {
    "source": Message("source"),
    "format": Message("file format"),
    "size": Message("size"),
}


def _entry(paper: Paper, y: float, topic: str, text: str) -> float:
    """Write a topic and what is known of it, on a new page where it does not fit."""
    lines = max(len(paper.lines(topic, 8, 66)), len(paper.lines(text, 8, INNER - 70)))
    if y + lines * 4.1 > BOTTOM:
        y = paper.add_page()
    left = paper.paragraph(MARGIN, y, topic, 8, MUTED, width=66)
    right = paper.paragraph(MARGIN + 70, y, text, 8, width=INNER - 70)
    return max(left, right) + 1.2
