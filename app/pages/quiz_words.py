"""The figures of a score card in words."""

from app.translation import tr
from core.quiz.score_card import ModelInfluence, ReaderScore, ScoreCard
from core.quiz.session import QuizAnswer
from core.statistics import Interval

CHANCE = 0.05  # p below which a difference is hardly chance
FEW = 200  # films: below, the interval of an accuracy is more than about 10 points wide


def share(part: int, whole: int) -> str:
    """A count with its percentage."""
    if not whole:
        return "–"
    return tr("{part} of {whole} ({share})", part=part, whole=whole, share=f"{part / whole:.0%}")


def summary_cells(score: ReaderScore) -> tuple[str, str, str]:
    """How many were right, the accuracy and kappa, with their intervals."""
    low, high = score.accuracy_interval
    accuracy = tr(
        "{value} ({low} to {high})",
        value=f"{score.accuracy:.0%}",
        low=f"{low:.0%}",
        high=f"{high:.0%}",
    )
    return (
        tr("{part} of {whole}", part=score.n_right, whole=score.n),
        accuracy,
        _kappa(score.kappa, score.kappa_interval),
    )


def _kappa(kappa: float | None, interval: Interval | None) -> str:
    if kappa is None or interval is None:
        return "–"
    low, high = interval
    return tr(
        "{value} ({low} to {high})", value=f"{kappa:.2f}", low=f"{low:.2f}", high=f"{high:.2f}"
    )


def influence_lines(influence: ModelInfluence) -> list[str]:
    """What hearing the model did to the answers, the lesson last."""
    lines = [
        tr(
            "Films on which you were right and the model was wrong: {n}. It talked you into a "
            "wrong answer on {misled} of them.",
            n=influence.n_tempted,
            misled=influence.n_misled,
        ),
        tr(
            "Films on which you were wrong and the model was right: {n}. It brought you to the "
            "right answer on {helped} of them.",
            n=influence.n_helpable,
            helped=influence.n_helped,
        ),
        tr("Answers that you changed: {n}.", n=influence.n_changed),
    ]
    if influence.n_misled:
        lines.append(
            tr(
                "To follow a machine into a mistake that one would not have made alone is called "
                "automation bias. It befalls experts too: decide what you see before you look at "
                "the model."
            )
        )
    return lines


def gain_lines(card: ScoreCard) -> list[str]:
    """What hearing the model was worth, and whether that can be chance."""
    alone, together = card.alone.n_right, card.together.n_right
    if alone == together:
        return [tr("With the model as many of your answers were right as without it.")]
    line = tr(
        "Right answers with the model: {together}, without it: {alone}.",
        together=together,
        alone=alone,
    )
    p = f"{card.influence.p_value:.3f}"
    if card.influence.p_value < CHANCE:
        chance = tr("Chance alone hardly explains that (exact McNemar test, p = {p}).", p=p)
    else:
        chance = tr("With so few films that can be chance (exact McNemar test, p = {p}).", p=p)
    return [line, chance]


def caution_lines(card: ScoreCard, n_asked: int, n_refused: int) -> list[str]:
    """What must be known before the figures are believed."""
    lines = []
    if card.alone.n < n_asked - n_refused:
        lines.append(
            tr(
                "The quiz was stopped early: {n} of {asked} films were answered.",
                n=card.alone.n,
                asked=n_asked - n_refused,
            )
        )
    if card.n_learned:
        lines.append(
            tr(
                "{n} of the films were among those that the model has learned: its score, and "
                "yours with it, are too good.",
                n=card.n_learned,
            )
        )
    if card.alone.n < FEW:
        lines.append(
            tr(
                "{n} films are few: where intervals overlap, which reader is the better one may be "
                "chance.",
                n=card.alone.n,
            )
        )
    return lines


def answer_marks(answer: QuizAnswer) -> list[tuple[str, int]]:
    """What to write beside which class: the learner's answers and the truth."""
    if answer.alone == answer.final:
        own = [(tr("you"), answer.final)]
    else:
        own = [(tr("you first"), answer.alone), (tr("you now"), answer.final)]
    return [*own, (tr("✓ truth"), answer.film.label)]
