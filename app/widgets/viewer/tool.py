"""What the left mouse button does to a film."""

from enum import Enum, auto


class Tool(Enum):
    """One of three; the right button always changes the window, the middle one always moves."""

    HAND = auto()
    WINDOW = auto()
    RULER = auto()
