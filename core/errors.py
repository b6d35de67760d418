"""Refusals: each says what happened, to which file, why, and what to do next."""

from dataclasses import dataclass
from typing import Literal

# What kind of trouble left a file out; "other" has nothing to do with its content.
RefusalKind = Literal["unreadable", "truncated", "not_an_image", "tiny", "other"]


class Message:
    """A sentence for the user: an English template and the values that fill it.

    Templates are the keys of the translation catalogue, so they must be literals with
    named fields (`Message("{file} is encrypted.", file=name)`); the window translates
    the template first and fills it afterwards.
    """

    __slots__ = ("template", "values")

    def __init__(self, template: str, /, **values: object) -> None:
        self.template = template
        self.values = values

    def __str__(self) -> str:
        return self.template.format(**self.values)

    def __repr__(self) -> str:
        return f"Message({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return self.template == other.template and self.values == other.values

    def __hash__(self) -> int:
        return hash(str(self))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was left out, and why."""

    file: str  # as it is called in the archive or folder
    reason: Message
    kind: RefusalKind = "other"


class PneumoScopeError(Exception):
    """Base of all refusals; its text is one plain sentence or two, with the remedy."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class ArchiveError(PneumoScopeError):
    """A zip cannot be unpacked safely."""


class DatasetError(PneumoScopeError):
    """The files do not form a dataset that can be trained or evaluated on."""


class ImageReadError(PneumoScopeError):
    """An image cannot be read, or is not one image; `kind` says in a word why."""

    def __init__(self, message: Message, kind: RefusalKind = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind


class ConfigError(PneumoScopeError):
    """A setting is out of its range or unknown."""


class DeviceError(PneumoScopeError):
    """The device asked for is not there, or its memory is too small."""


class ModelFileError(PneumoScopeError):
    """A model file is damaged, foreign or hostile."""


class RunFolderError(PneumoScopeError):
    """A run folder cannot be made, written or read."""


class TrainingError(PneumoScopeError):
    """Training cannot go on."""
