"""Charts of an evaluation, drawn by Matplotlib: one drawing for window, report, SVG and PNG.

Nothing here touches the screen, so charts may be drawn in any thread.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from core.errors import Message
from core.evaluation.curves import Curve
from core.evaluation.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

FONT_FILE: Final = Path(__file__).resolve().parents[2] / "resources/fonts/NotoSansSC-Regular.otf"
PNG_DPI: Final = 200
Say = Callable[[Message], str]

# Told apart by people who confuse red and green (Okabe and Ito, 2008), also in grey by their dash.
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
_DASHES: Final = ("-", "--", "-.", ":")
_MOST_CLASSES: Final = 7  # with a curve of their own


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of a chart as #rrggbb."""

    background: str = "#ffffff"
    text: str = "#18212a"
    muted: str = "#5a6874"
    grid: str = "#d4dae0"
    good: str = "#1f7a45"
    bad: str = "#b93a32"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that can be drawn."""

    name: str  # of its file
    title: Message
    draw: Callable[["Drawing", Study, "Words", Look], None]
    size: tuple[float, float] = (5.2, 4.2)  # inches
    is_drawn: Callable[[Study], bool] = lambda _study: True  # whether a study has it


@dataclass(frozen=True, slots=True)
class Words:
    """The language of a chart."""

    say: Say
    classes: Sequence[str]  # names of the classes as they are shown


def render(
    chart: Chart,
    study: Study,
    words: Words,
    look: Look = Look(),
    kinds: Sequence[Literal["svg", "png"]] = ("png",),
    size: tuple[float, float] | None = None,
) -> list[bytes]:
    """Draw a chart once and return it as each of `kinds`.

    Args:
        chart: One of CHARTS.
        study: The evaluation.
        words: Its language.
        look: Its colours.
        kinds: "svg" has its letters as outlines, so that it looks alike everywhere.
        size: In inches; None: the chart's own.
    """
    import matplotlib
    from matplotlib.figure import Figure as Drawing

    settings: dict[str, Any] = {
        "font.family": [_font()],
        "font.size": 9,
        "axes.unicode_minus": False,
        "text.color": look.text,
        "axes.labelcolor": look.text,
        "axes.edgecolor": look.muted,
        "xtick.color": look.muted,
        "ytick.color": look.muted,
        "figure.facecolor": look.background,
        "axes.facecolor": look.background,
        "legend.facecolor": look.background,
        "legend.edgecolor": look.grid,
        "legend.labelcolor": look.text,
        "grid.color": look.grid,
        "svg.fonttype": "path",
        "svg.hashsalt": "pneumoscope",  # the same study gives the same file
    }
    with matplotlib.rc_context(settings):
        drawing = Drawing(figsize=size or chart.size, layout="constrained")
        chart.draw(drawing, study, words, look)
        contents = []
        for kind in kinds:
            content = io.BytesIO()
            meta = {"Date": None} if kind == "svg" else {"Software": "PneumoScope"}
            drawing.savefig(content, format=kind, dpi=PNG_DPI, metadata=meta)
            drawing.set_layout_engine("none")  # all kinds have the places of the first
            contents.append(content.getvalue())
    return contents


@cache
def _font() -> str:
    from matplotlib import font_manager

    font_manager.fontManager.addfont(FONT_FILE)
    return str(font_manager.FontProperties(fname=str(FONT_FILE)).get_name())


def _axes(drawing: "Drawing", across: str, up: str) -> "Axes":
    axes = drawing.add_subplot()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _unit(axes: "Axes") -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)


def _legend(axes: "Axes", place: str = "best") -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc=place, fontsize=8, framealpha=0.85)


def _draw_curves(
    axes: "Axes", curves: Sequence[Curve | None], names: Sequence[str], *, steps: bool
) -> None:
    for label, (curve, name) in enumerate(zip(curves, names, strict=True)):
        if curve is None or label >= _MOST_CLASSES:
            continue
        colour, dash = _COLOURS[label % len(_COLOURS)], _DASHES[label % len(_DASHES)]
        how = "steps-post" if steps else "default"
        axes.plot(curve.x, curve.y, dash, color=colour, label=name, drawstyle=how, linewidth=1.6)
        if curve.low is not None and curve.high is not None:
            fill: Literal["post"] | None = "post" if steps else None
            axes.fill_between(
                curve.x, curve.low, curve.high, color=colour, alpha=0.13, step=fill, linewidth=0
            )


def _named(words: Words, study: Study, figure: str) -> list[str]:
    """Return the classes' names with one of their figures."""
    names = []
    for label, name in enumerate(words.classes):
        found = study.figure(figure, label)
        names.append(name if found is None or found.value is None else f"{name}  {found.value:.3f}")
    return names


def _roc(drawing: "Drawing", study: Study, words: Words, look: Look) -> None:
    axes = _axes(drawing, words.say(Message("1 - specificity")), words.say(Message("Sensitivity")))
    axes.plot([0, 1], [0, 1], color=look.grid, linewidth=1)
    _draw_curves(axes, study.roc, _named(words, study, "auroc"), steps=True)
    _unit(axes)
    _legend(axes, "lower right")


def _precision_recall(drawing: "Drawing", study: Study, words: Words, look: Look) -> None:
    axes = _axes(drawing, words.say(Message("Sensitivity")), words.say(Message("PPV")))
    names = _named(words, study, "average_precision")
    _draw_curves(axes, study.precision_recall, names, steps=True)
    _unit(axes)
    _legend(axes, "lower left")


def _calibration(drawing: "Drawing", study: Study, words: Words, look: Look) -> None:
    n = min(len(words.classes), _MOST_CLASSES)
    grid = drawing.add_gridspec(2, n, height_ratios=(4, 1))
    for label in range(n):
        axes = drawing.add_subplot(grid[0, label])
        axes.plot([0, 1], [0, 1], color=look.grid, linewidth=1)
        colour = _COLOURS[label]
        for found, dash, name in (
            (study.calibration_before[label], ":", Message("before correction")),
            (study.calibration[label], "-", Message("after correction")),
        ):
            if found is None:
                continue
            curve = found.curve
            axes.plot(curve.x, curve.y, dash, color=colour, label=words.say(name), linewidth=1.6)
            if dash == "-" and curve.low is not None and curve.high is not None:
                axes.fill_between(
                    curve.x, curve.low, curve.high, color=colour, alpha=0.13, linewidth=0
                )
        after = study.calibration[label]
        title = words.classes[label]
        if after is not None and after.slope is not None and after.intercept is not None:
            numbers = words.say(
                Message(
                    "slope {slope}, intercept {intercept}",
                    slope=f"{after.slope:.2f}",
                    intercept=f"{after.intercept:+.2f}",
                )
            )
            title = f"{title}\n{numbers}"
        axes.set_title(title, fontsize=8)
        axes.grid(linewidth=0.5)
        _unit(axes)
        axes.set_xticklabels([])
        below = drawing.add_subplot(grid[1, label], sharex=axes)
        if after is not None:
            places = (np.arange(len(after.counts)) + 0.5) / len(after.counts)
            below.bar(places, after.counts, 0.09, color=look.grid)
            below.bar(places, after.positives, 0.09, color=colour)
        below.set_xlabel(words.say(Message("Probability")))
        below.tick_params(labelbottom=True)
        below.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        if label == 0:
            axes.set_ylabel(words.say(Message("Observed share")))
            below.set_ylabel(words.say(Message("X-rays")))
            _legend(axes, "upper left")
        else:
            axes.set_yticklabels([])


def _probabilities(drawing: "Drawing", study: Study, words: Words, look: Look) -> None:
    n = min(len(words.classes), _MOST_CLASSES)
    answered = study.answered
    rows = drawing.subplots(n, 1, sharex=True, squeeze=False)[:, 0]
    for label, axes in enumerate(rows):
        for truth, name in enumerate(words.classes[:_MOST_CLASSES]):
            scores = answered.probabilities[answered.truth == truth, label]
            axes.hist(
                scores,
                bins=20,
                range=(0, 1),
                histtype="step",
                color=_COLOURS[truth],
                linestyle=_DASHES[truth % len(_DASHES)],
                linewidth=1.4,
                label=name,
            )
        axes.set_ylabel(words.classes[label], fontsize=8)
        axes.grid(linewidth=0.5)
    rows[0].set_title(words.say(Message("X-rays by their true class")), fontsize=8)
    _legend(rows[0], "upper center")
    rows[-1].set_xlabel(words.say(Message("Probability of the class on the left")))


def _decision(drawing: "Drawing", study: Study, words: Words, look: Look) -> None:
    axes = _axes(
        drawing,
        words.say(Message("Threshold of the probability")),
        words.say(Message("Net benefit")),
    )
    top = 0.0
    for label, found in enumerate(study.net_benefit[:_MOST_CLASSES]):
        colour = _COLOURS[label]
        axes.plot(found.thresholds, found.model, color=colour, label=words.classes[label])
        axes.plot(found.thresholds, found.everybody, ":", color=colour, linewidth=1)
        top = max(top, float(found.model.max()), float(found.everybody.max()))
    axes.axhline(0, color=look.muted, linewidth=1)
    axes.set_ylim(-0.15 * max(top, 0.1), 1.1 * max(top, 0.1))
    axes.set_xlim(0, 1)
    axes.plot([], [], ":", color=look.muted, label=words.say(Message("everybody called ill")))
    _legend(axes, "upper right")


def _doubt(drawing: "Drawing", study: Study, words: Words, look: Look) -> None:
    axes = _axes(
        drawing,
        words.say(Message("Share of the X-rays that get an answer")),
        words.say(Message("Share of wrong answers among them")),
    )
    curve = study.doubt.curve
    axes.plot(curve.x, curve.y, color=_COLOURS[0], linewidth=1.6)
    share = study.doubt.n_sure / study.doubt.n
    if study.doubt.accuracy_of_sure is not None:
        axes.plot(
            [share],
            [1 - study.doubt.accuracy_of_sure],
            "o",
            color=_COLOURS[1],
            label=words.say(Message("without the answers “not sure”")),
        )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(bottom=0)
    _legend(axes, "upper left")


def _flow(drawing: "Drawing", study: Study, words: Words, look: Look) -> None:
    axes = drawing.add_subplot()
    axes.set_axis_off()
    axes.set_xlim(0, 10)
    flow, say = study.flow, words.say
    n_chosen = flow.n_used
    steps = [
        (Message("{n} files found", n=flow.n_found), None),
        (
            Message("{n} X-rays read", n=flow.n_found - flow.n_refused),
            Message("{n} refused", n=flow.n_refused),
        ),
        (
            Message("{n} X-rays of the dataset", n=flow.n_found - flow.n_refused - flow.n_left_out),
            Message("{n} left out by the user", n=flow.n_left_out),
        ),
        (
            Message("{n} X-rays evaluated", n=n_chosen),
            Message(
                "{n} of other parts; {same} files hold an X-ray of another file",
                n=flow.n_not_chosen,
                same=flow.n_duplicates,
            ),
        ),
    ]
    y, box = 0.0, {"boxstyle": "round,pad=0.5", "facecolor": "none"}
    for number, (kept, lost) in enumerate(steps):
        axes.text(3, y, say(kept), ha="center", va="center", bbox={**box, "edgecolor": look.text})
        if number:
            axes.annotate(
                "",
                (3, y + 0.42),
                (3, y + 1.58),
                arrowprops={"arrowstyle": "->", "color": look.muted},
            )
        if lost is not None:
            axes.annotate(
                "", (5.6, y + 1), (3, y + 1), arrowprops={"arrowstyle": "->", "color": look.muted}
            )
            axes.text(5.7, y + 1, say(lost), va="center", fontsize=8, color=look.muted, wrap=True)
        y -= 2
    for label, name in enumerate(words.classes[:_MOST_CLASSES]):
        n = int((study.answered.truth == label).sum())
        who = len(np.unique(study.answered.patients[study.answered.truth == label]))
        text = say(Message("{name}: {n} X-rays, {patients} patients", name=name, n=n, patients=who))
        axes.text(3, y + 0.9 - 0.7 * label, text, ha="center", fontsize=8)
    axes.set_ylim(y - 0.7 * len(words.classes), 1)


def _confusion(drawing: "Drawing", study: Study, words: Words, look: Look) -> None:
    from matplotlib.colors import to_rgba

    answered = study.answered
    c = answered.n_classes
    counts = np.zeros((c, c), np.int64)
    np.add.at(counts, (answered.truth, answered.predicted), 1)
    axes = drawing.add_subplot()
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares = counts / totals
    colours = np.zeros((c, c, 4))
    for row in range(c):
        for column in range(c):
            tone = look.good if row == column else look.bad
            colours[row, column] = to_rgba(tone, 0.08 + 0.6 * shares[row, column])
            if c <= _MOST_CLASSES * 2:
                axes.text(
                    column,
                    row,
                    f"{counts[row, column]}\n{shares[row, column]:.0%}",
                    ha="center",
                    va="center",
                    fontsize=9 if c < _MOST_CLASSES else 6,
                )
    axes.imshow(colours, aspect="auto")
    axes.set_xticks(range(c), words.classes, rotation=20 if c > 3 else 0)
    axes.set_yticks(range(c), words.classes)
    axes.set_xlabel(words.say(Message("Predicted class")))
    axes.set_ylabel(words.say(Message("True class")))


def _learning(drawing: "Drawing", study: Study, words: Words, look: Look) -> None:
    axes = _axes(
        drawing,
        words.say(Message("Patients in training")),
        words.say(Message("Sensitivity, and accuracy")),
    )
    assert study.learning is not None
    repeats = study.learning.repeats
    labels = range(min(len(words.classes), _MOST_CLASSES - 1))
    lines: list[tuple[str, int | None, str]] = [
        ("accuracy", None, words.say(Message("Accuracy"))),
        *(("sensitivity", label, words.classes[label]) for label in labels),
    ]
    for number, (name, label, title) in enumerate(lines):
        found = [
            (repeat.n_train_patients, one)
            for repeat in repeats
            for one in repeat.figures
            if (one.name, one.label) == (name, label) and one.value is not None
        ]
        x, y = [n for n, _ in found], [one.value or 0.0 for _, one in found]
        colour, dash = _COLOURS[number], _DASHES[number % len(_DASHES)]
        axes.plot(x, y, dash, color=colour, marker="o", markersize=4, label=title, linewidth=1.6)
        if label is None:  # the band of one line alone, or nothing could be told
            ends = [one.interval or (one.value or 0.0,) * 2 for _, one in found]
            low, high = [end[0] for end in ends], [end[1] for end in ends]
            axes.fill_between(x, low, high, color=colour, alpha=0.13, linewidth=0)
    axes.set_xlim(left=0)
    axes.set_ylim(-0.02, 1.02)
    _legend(axes, "lower right")


CHARTS: Final = (
    Chart("flow", Message("Flow of the X-rays"), _flow, (5.2, 4.6)),
    Chart("confusion", Message("Confusion matrix"), _confusion),
    Chart("roc", Message("ROC curves"), _roc),
    Chart("precision_recall", Message("Precision-recall curves"), _precision_recall),
    Chart("calibration", Message("Calibration"), _calibration, (7.6, 3.8)),
    Chart("probabilities", Message("Distribution of the probabilities"), _probabilities),
    Chart("decision", Message("Decision curves"), _decision),
    Chart("doubt", Message("What “not sure” is worth"), _doubt),
    Chart(
        "learning",
        Message("Learning curve"),
        _learning,
        is_drawn=lambda study: study.learning is not None,
    ),
)
