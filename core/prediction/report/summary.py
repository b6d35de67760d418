"""A film's answer as plain text for the clipboard."""

from core.data.names import showable
from core.errors import Message
from core.prediction.report.context import ReportContext
from core.prediction.report.film import ReportFilm
from core.prediction.verdict import level_words, verdict_of

_MOST_CLASSES = 10  # that are listed; a model may know a thousand


def percent(share: float) -> str:
    """A probability or part as one reads it; never 100 % or 0 % where it is not."""
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def film_text(film: ReportFilm, context: ReportContext) -> str:
    """One film in a few lines."""
    opinion, say = film.opinion, context.say
    explanation = None if callable(film.explanation) else film.explanation
    verdict = verdict_of(opinion, None if explanation is None else explanation.honesty)
    order = opinion.probabilities.argsort()[::-1]
    lines = [showable(film.file)]
    for label in order[:_MOST_CLASSES]:
        lines.append(
            f"  {context.class_name(int(label))}  {percent(float(opinion.probabilities[label]))}"
        )
    if len(order) > _MOST_CLASSES:
        lines.append("  " + say(more_classes(len(order) - _MOST_CLASSES)))
    lines.append("  " + say(calibration_words(opinion.is_calibrated)))
    lines.append(f"  {say(level_words(verdict.level))}")
    lines += [f"  - {say(reason)}" for reason in verdict.reasons]
    part = part_words(context.parts.get(film.digest))
    if part is not None:
        lines.append(f"  - {say(part)}")
    if opinion.neighbours:
        names = [context.class_name(one.label) for one in opinion.neighbours]
        lines.append("  " + say(neighbour_words(context.listing(names))))
    if film.true_class is not None:
        lines.append("  " + say(true_class_words(context.class_name(film.true_class))))
    lines += [f"  {name}: {value}" for name, value in film.dicom.items() if value]
    return "\n".join([*lines, "", *_ending(context)]) + "\n"


def calibration_words(is_calibrated: bool) -> Message:
    """Whether a probability may be taken for how often the model is right."""
    if is_calibrated:
        return Message("The probabilities are calibrated.")
    return Message("The probabilities are uncalibrated.")


def neighbour_words(names: str) -> Message:
    """The classes of the nearest training films."""
    return Message("Nearest training films: {classes}", classes=names)


def true_class_words(name: str) -> Message:
    """What the film truly is, where somebody said so."""
    return Message("True class: {name}", name=name)


def more_classes(n: int) -> Message:
    """What a list of classes leaves out."""
    return Message("and {n} more classes", n=n)


def part_words(part: str | None) -> Message | None:
    """What it means that a film was used to make the model; None: nothing of note."""
    match part:
        case "train":
            return Message("The model was trained on this very film, so its answer proves nothing.")
        case "validation":
            return Message("The model was chosen by this very film, so its answer proves little.")
        case _:
            return None


def _ending(context: ReportContext) -> list[str]:
    read = Message(
        "Read by {model} ({digest}) with PneumoScope {version}.",
        model=context.model_file,
        digest=context.card.tensors_sha256[:12],
        version=context.version,
    )
    return [context.say(read), context.disclaimer]
