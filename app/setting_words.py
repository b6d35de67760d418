"""The settings of a run in the user's language: titles, values, help and the guide's table."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from app.i18n import say, tr
from core.config import Group, Setting, settings
from core.errors import Message

GROUP_TITLES: Mapping[Group, Message] = {
    "preset": Message("Preset"),
    "basics": Message("Basics"),
    "split": Message("Split"),
    "optimiser": Message("Optimiser"),
    "ending": Message("When to stop and what to keep"),
    "start": Message("Start from"),
    "arithmetic": Message("Arithmetic"),
    "augmentation": Message("Random changes"),
}
# A run depends on these, too, see core.training.runs.differences.
_NO_SETTINGS: Mapping[str, Message] = {
    "dataset": Message("Dataset"),
    "n_films": Message("Films"),
    "n_classes": Message("Classes"),
    "device": Message("Device"),
}
DEVICE_DESCRIPTION = Message(
    "What computes. Automatic takes a graphics card where there is one: it is many times faster "
    "than the processor."
)
_DEVICES: Mapping[str, Message | str] = {"auto": Message("Automatic"), "cpu": "CPU"}


def setting_title(name: str) -> str:
    """Return the title of a setting, whose name may begin with that of its part."""
    known = _known(name)
    title = known.title if known is not None else _NO_SETTINGS.get(name)
    return say(title) if title is not None else name  # one that a newer program adds


def setting_description(name: str) -> str:
    """Return a sentence or two on what a setting does, and what that costs."""
    return say(settings()[name].description)


def setting_value(name: str, value: Any) -> str:
    """Write the value of a setting, as short as it can be."""
    known = _known(name)
    match value:
        case bool():
            return tr("on") if value else tr("off")
        case 0 | 0.0 if known is not None and known.shown.is_off_at_zero:
            return tr("off")
        case float() if math.isfinite(value):
            return f"{value:.6g}"
        case str():
            choices = known.shown.choices if known is not None else _DEVICES
            title = choices.get(value, value)
            return (say(title) if isinstance(title, Message) else title) or "–"
        case _:
            return str(value)


def option_help(known: Setting) -> str:
    """Return what the command line says of a setting: use, range and the presets' values."""
    low, high = known.limits
    parts = [say(known.description)]
    if low is not None:
        parts.append(tr("From {low} to {high}.", low=_typed(known, low), high=_typed(known, high)))
    if known.shown.is_off_at_zero:
        parts.append(tr("0: off."))
    if known.shown.only_with is not None:
        parts.append(tr("Only with {option}.", option=_condition(known.shown.only_with)))
    default, reference = (option_value(known, name) for name in ("recommended", "reference"))
    parts.append(
        tr("Default: {default}; reference: {reference}.", default=default, reference=reference)
    )
    return " ".join(parts)


def option_value(known: Setting, preset_name: Any) -> str:
    """Return a preset's value of a setting as one would type it."""
    return _typed(known, known.of_preset(preset_name))


def _typed(known: Setting, value: Any) -> str:
    if known.kind == "flag":
        return tr("on") if value else tr("off")
    if known.kind == "text":
        return str(value) or tr("at random")
    text = f"{value:g}" if known.kind == "fraction" else str(value)
    return text.removeprefix("resnet")


def _condition(only_with: tuple[str, tuple[Any, ...]]) -> str:
    name, values = only_with
    known = settings()[name]
    if known.kind == "flag":
        return f"--{known.option}" if values[0] else f"--no-{known.option}"
    return f"--{known.option} " + "|".join(_typed(known, value) for value in values)


def settings_table() -> str:
    """Return the guide's Markdown table of all settings that people can change."""
    head = (tr("Setting"), tr("Option"), tr("Range"), tr("Default"), tr("Reference"), tr("Use"))
    return "\n".join((_row(head), _row("---" for _ in head), *map(_row, _cells()))) + "\n"


def _cells() -> Iterable[tuple[str, ...]]:
    for known in settings().values():
        if known.shown.group is not None:
            yield (
                say(known.title),
                f"`--{known.option}`",
                _range(known),
                option_value(known, "recommended"),
                option_value(known, "reference"),
                say(known.description),
            )


def _range(known: Setting) -> str:
    match known.kind:
        case "choice":
            return ", ".join(f"`{_typed(known, choice)}`" for choice in known.choices)
        case "flag":
            return f"`--{known.option}`, `--no-{known.option}`"
        case "text":
            return tr("a file, or {published}", published="`published`")
    low, high = (_typed(known, limit) for limit in known.limits)
    return tr("{low} to {high}", low=low, high=high)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _known(name: str) -> Setting | None:
    return settings().get(name.rpartition(".")[2])
