"""What only people know about a dataset, asked once and kept with it."""

import json
import logging
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from core import files
from core.errors import ConfigError, DatasetError, Message, PneumoScopeError
from core.schema import StrictModel
from core.workspace import Workspace

log = logging.getLogger(__name__)

MOST_LETTERS: Final = 4000
_MOST_BYTES: Final = 1 << 20

_Text = Annotated[str, Field(max_length=MOST_LETTERS)]


class Statements(StrictModel):
    """Statements for a paper, by the keys of core.report.checklists.STATEMENTS; "": not stated.

    Raises:
        ConfigError: A value is not what it must be.
    """

    intended_use: _Text = ""
    design: _Text = ""
    recruitment: _Text = ""
    reference_standard: _Text = ""
    annotators: _Text = ""
    acquisition: _Text = ""
    ethics: _Text = ""
    sample_size: _Text = ""
    registration: _Text = ""
    sharing: _Text = ""
    funding: _Text = ""
    harm: _Text = ""
    public: _Text = ""


def read_statements(path: Path) -> Statements:
    """Read a JSON file of statements.

    Raises:
        ConfigError: It cannot be read or holds anything else.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("too large")
        values: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(
            Message(
                "{file} cannot be read as JSON: {reason}. It holds texts by these names: {names}.",
                file=path.name,
                reason=error.strerror if isinstance(error, OSError) else "no JSON",
                names=", ".join(Statements.model_fields),
            )
        ) from error
    return Statements.from_json(values)


def _place(workspace: Workspace, fingerprint: str) -> Path:
    return workspace.edits / f"{fingerprint}.statements.json"


def statements_of(workspace: Workspace, fingerprint: str) -> Statements:
    """Return what is kept with a dataset; nothing where there is none or it is damaged."""
    try:
        place = _place(workspace, fingerprint)
        return read_statements(place) if place.is_file() else Statements()
    except PneumoScopeError:
        log.exception("the statements of a dataset cannot be read")
        return Statements()


def keep_statements(workspace: Workspace, fingerprint: str, statements: Statements) -> None:
    """Keep statements with a dataset.

    Raises:
        DatasetError: They cannot be written.
    """
    try:
        content = json.dumps(statements.to_json(), ensure_ascii=False, indent=1)
        files.write_bytes(_place(workspace, fingerprint), content.encode())
    except OSError as error:
        raise DatasetError(
            Message(
                "The statements cannot be kept ({reason}). Check that the disk has room.",
                reason=error.strerror or str(error),
            )
        ) from error
