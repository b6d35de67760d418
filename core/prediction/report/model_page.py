"""What a report says of the model: where it comes from and what it was worth when tested."""

from collections.abc import Mapping
from typing import Any

from core.errors import Message
from core.prediction.report.context import ReportContext
from core.prediction.report.paper import BOTTOM, INNER, MARGIN, MUTED, Paper
from core.prediction.report.summary import more_classes, percent
from core.statistics import wilson_interval

_MOST_LETTERS = 200  # of a foreign name
_MOST_CLASSES = 12  # that get a row, where there is room
_ROW, _CALIBRATION = 5.8, 29.0  # mm: of a class, and what stands below them all


def draw_model(paper: Paper, y: float, context: ReportContext) -> float:
    """The model's facts, its test and its calibration; where the content below starts."""
    say, card = context.say, context.card
    y = paper.heading(MARGIN, y, say(Message("The model")))
    facts = {
        Message("File"): context.model_file,
        Message("Network"): say(
            Message(
                "{name}, films of {side} x {side} pixels",
                name=card.architecture.replace("resnet", "ResNet-"),
                side=card.preprocessing.image_size,
            )
        ),
        Message("Classes"): context.listing(
            [context.class_name(label) for label in range(min(len(card.classes), _MOST_CLASSES))]
        ),
        Message("Trained on"): say(
            Message(
                "{name}, {n} films (fingerprint {fingerprint})",
                name=card.dataset["name"][:_MOST_LETTERS],
                n=len(card.split["train"]),
                fingerprint=card.dataset["fingerprint"][:12],
            )
        ),
        Message("Training ended"): say(
            Message(
                "{date}, the best of {epochs} epochs was epoch {epoch}",
                date=card.created[:16].replace("T", " "),
                epochs=card.history["epochs"],
                epoch=card.history["best_epoch"],
            )
        ),
        Message("SHA-256 of its weights"): card.tensors_sha256,
        Message("Report by"): f"PneumoScope {context.version}",
    }
    for name, value in facts.items():
        paper.text(MARGIN, y + 3.3, say(name), 8.5, MUTED, width=40)
        y = max(y + 5, paper.paragraph(MARGIN + 42, y, value, 8.5, width=INNER - 42, most_lines=2))
    y = _draw_test(paper, y + 4, context)
    return _draw_calibration(paper, y + 4, context)


def _draw_test(paper: Paper, y: float, context: ReportContext) -> float:
    say = context.say
    test: Any = context.card.metrics.get("test")
    y = paper.heading(MARGIN, y, say(Message("On films it was not trained on")))
    if not _is_evaluation(test, len(context.card.classes)):
        words = Message("The model was never tested: how often it is right is not known.")
        return paper.paragraph(MARGIN, y, say(words), 9, width=INNER)
    n, accuracy = test["n"], test["accuracy"]
    low, high = wilson_interval(round(accuracy * n), n)
    words = Message(
        "{accuracy} of {n} test films were classified correctly (interval {low} "
        "to {high}, 95%). On films from another hospital or device it may be much less.",
        accuracy=percent(accuracy),
        n=n,
        low=percent(low),
        high=percent(high),
    )
    y = paper.paragraph(MARGIN, y, say(words), 9, width=INNER) + 2
    columns = (MARGIN + 92, MARGIN + 120, MARGIN + 149, MARGIN + INNER)
    titles = (Message("Films"), Message("Sensitivity"), Message("Specificity"), Message("PPV"))
    paper.text(MARGIN, y + 3.3, say(Message("Class")), 8, MUTED)
    for x, title in zip(columns, titles, strict=True):
        paper.text(x, y + 3.3, say(title), 8, MUTED, align="right")
    y += 5
    n_shown = _n_rows(len(test["classes"]), BOTTOM - _CALIBRATION - y)
    for label, row in enumerate(test["classes"][:n_shown]):
        paper.line(y)
        paper.text(MARGIN, y + 4, context.class_name(label), 9, width=76)
        values = [str(row["n"])] + [
            "–" if row[name] is None else percent(row[name])
            for name in ("sensitivity", "specificity", "precision")
        ]
        for x, value in zip(columns, values, strict=True):
            paper.text(x, y + 4, value, 9, align="right")
        y += _ROW
    left_out = len(test["classes"]) - n_shown
    if left_out > 0:
        paper.text(MARGIN, y + 4, say(more_classes(left_out)), 8, MUTED)
        y += _ROW
    return y


def _n_rows(n_classes: int, room: float) -> int:
    """How many classes get a row; where not all do, one row says how many are left out."""
    fitting = int(room / _ROW)
    if n_classes <= min(fitting, _MOST_CLASSES):
        return n_classes
    return max(1, min(fitting - 1, _MOST_CLASSES))


def _draw_calibration(paper: Paper, y: float, context: ReportContext) -> float:
    say, values = context.say, context.card.calibration
    y = paper.heading(MARGIN, y, say(Message("Calibration of its probabilities")))
    if values is None:
        words = Message(
            "Uncalibrated: there were too few validation films to check how often the model is "
            "right when it is this sure. Read the probabilities as a ranking."
        )
        return paper.paragraph(MARGIN, y, say(words), 9, width=INNER)
    words = Message(
        "Calibrated: one temperature ({temperature}) was fitted on {n} validation films, so that "
        "of films given 80 % about 80 in 100 are right. The mean error fell from {before} to "
        "{after} on these films.",
        temperature=format(values["temperature"], ".2f"),
        n=values["n"],
        before=percent(values["ece_before"]),
        after=percent(values["ece_after"]),
    )
    return paper.paragraph(MARGIN, y, say(words), 9, width=INNER)


def _is_evaluation(test: Any, n_classes: int) -> bool:
    """Whether the card holds a test's numbers: a model file may hold any JSON there."""
    if not isinstance(test, Mapping):
        return False
    n, accuracy, classes = (test.get(name) for name in ("n", "accuracy", "classes"))
    if type(n) is not int or n < 1 or not _is_share(accuracy) or not isinstance(classes, list):
        return False
    return len(classes) == n_classes and all(
        isinstance(row, Mapping)
        and type(row.get("n")) is int
        and all(
            name in row and (row[name] is None or _is_share(row[name]))
            for name in ("sensitivity", "specificity", "precision")
        )
        for row in classes
    )


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
