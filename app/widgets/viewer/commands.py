"""Everything that a key or a button of the viewer does, and its name in the user's language."""

from enum import Enum, auto
from typing import Final

from app.translation import tr


class Command(Enum):
    """One thing that can be done to the films in sight."""

    HAND = auto()
    WINDOW = auto()
    RULER = auto()
    MAGNIFIER = auto()
    INVERT = auto()
    TURN_RIGHT = auto()
    TURN_LEFT = auto()
    FLIP_ACROSS = auto()
    FLIP_DOWN = auto()
    FIT = auto()
    PIXELS = auto()
    LARGER = auto()
    SMALLER = auto()
    RESET = auto()
    HEAT = auto()
    MORE_HEAT = auto()
    LESS_HEAT = auto()
    REMOVE_RULER = auto()
    LAYOUT = auto()
    LINK = auto()
    NEXT_PANE = auto()
    PREVIOUS_FILM = auto()
    NEXT_FILM = auto()
    FULL_SCREEN = auto()
    HELP = auto()
    ESCAPE = auto()


# As other radiology viewers have them where they agree.
KEYS: Final[dict[Command, tuple[str, ...]]] = {
    Command.HAND: ("P",),
    Command.WINDOW: ("W",),
    Command.RULER: ("L",),
    Command.MAGNIFIER: ("M",),
    Command.INVERT: ("I",),
    Command.TURN_RIGHT: ("R",),
    Command.TURN_LEFT: ("Shift+R",),
    Command.FLIP_ACROSS: ("H",),
    Command.FLIP_DOWN: ("V",),
    Command.FIT: ("F",),
    Command.PIXELS: ("1",),
    Command.LARGER: ("+", "="),
    Command.SMALLER: ("-",),
    Command.RESET: ("Backspace", "0"),
    Command.HEAT: ("O",),
    Command.MORE_HEAT: ("]",),
    Command.LESS_HEAT: ("[",),
    Command.REMOVE_RULER: ("Del",),
    Command.LAYOUT: ("D",),
    Command.LINK: ("K",),
    Command.NEXT_PANE: ("N",),
    Command.PREVIOUS_FILM: ("Left", "PgUp"),
    Command.NEXT_FILM: ("Right", "PgDown"),
    Command.FULL_SCREEN: ("F11",),
    Command.HELP: ("?", "F1"),
    Command.ESCAPE: ("Esc",),
}

ICONS: Final[dict[Command, str]] = {
    Command.HAND: "hand",
    Command.WINDOW: "window",
    Command.RULER: "ruler",
    Command.MAGNIFIER: "magnifier",
    Command.INVERT: "invert",
    Command.TURN_RIGHT: "turn-right",
    Command.TURN_LEFT: "turn-left",
    Command.FLIP_ACROSS: "flip-across",
    Command.FLIP_DOWN: "flip-down",
    Command.FIT: "fit",
    Command.PIXELS: "pixels",
    Command.RESET: "reset",
    Command.HEAT: "heat",
    Command.LAYOUT: "layout",
    Command.LINK: "link",
    Command.FULL_SCREEN: "full-screen",
    Command.HELP: "help",
}

# Buttons that stay down.
SWITCHES: Final = frozenset(
    {
        Command.HAND,
        Command.WINDOW,
        Command.RULER,
        Command.MAGNIFIER,
        Command.INVERT,
        Command.HEAT,
        Command.LINK,
        Command.FULL_SCREEN,
    }
)


def words(command: Command) -> str:
    """What a command does."""
    return {
        Command.HAND: tr("Move the film with the left button"),
        Command.WINDOW: tr("Window and level with the left button"),
        Command.RULER: tr("Measure with the left button"),
        Command.MAGNIFIER: tr("Magnifying glass"),
        Command.INVERT: tr("Swap black and white"),
        Command.TURN_RIGHT: tr("Turn right"),
        Command.TURN_LEFT: tr("Turn left"),
        Command.FLIP_ACROSS: tr("Flip left to right"),
        Command.FLIP_DOWN: tr("Flip top to bottom"),
        Command.FIT: tr("Show the whole film"),
        Command.PIXELS: tr("One pixel of the film on one of the screen"),
        Command.LARGER: tr("Larger"),
        Command.SMALLER: tr("Smaller"),
        Command.RESET: tr("As it was at first"),
        Command.HEAT: tr("Heat map on or off"),
        Command.MORE_HEAT: tr("Stronger heat map"),
        Command.LESS_HEAT: tr("Fainter heat map"),
        Command.REMOVE_RULER: tr("Remove the last ruler"),
        Command.LAYOUT: tr("One, two or four films"),
        Command.LINK: tr("Link zoom, place and window of all films"),
        Command.NEXT_PANE: tr("Choose the next of the films in sight"),
        Command.PREVIOUS_FILM: tr("Previous film"),
        Command.NEXT_FILM: tr("Next film"),
        Command.FULL_SCREEN: tr("Full screen"),
        Command.HELP: tr("Keys and mouse"),
        Command.ESCAPE: tr("Put the tool away, leave full screen"),
    }[command]
