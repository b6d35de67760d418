"""What all films of a report share: the model, the time, the language."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce

from core.errors import Message
from core.models.model_card import ModelCard

DISCLAIMER = Message("Research and teaching only, never diagnosis.")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReportContext:
    """The model that read the films, and how its report speaks."""

    card: ModelCard
    model_file: str  # its name
    created: datetime  # with its time zone
    version: str  # of the program
    say: Callable[[Message], str]  # a sentence in the user's language
    language: str = "en"  # a code of `core.models.model_card.LANGUAGES`
    # Digest -> "train", "validation", "test" or "kept", of the films the model was made with.
    parts: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        parts = {digest: part for part, some in self.card.split.items() for digest in some}
        object.__setattr__(self, "parts", parts)

    @property
    def disclaimer(self) -> str:
        """The line that every report and every export carries."""
        return self.say(DISCLAIMER)

    @property
    def date(self) -> str:
        """When the report was made, to the minute."""
        return self.created.strftime("%Y-%m-%d %H:%M")

    def class_name(self, label: int) -> str:
        """What the class is called in the report's language."""
        name = self.card.classes[label]
        return self.card.display_names[name].get(self.language, name)

    def listing(self, parts: list[str]) -> str:
        """Words one after the other, with the comma of the language."""
        if not parts:
            return ""
        return reduce(
            lambda first, second: self.say(
                Message("{first}, {second}", first=first, second=second)
            ),
            parts,
        )
