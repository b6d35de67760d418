"""Why a model could not be exported."""

from core.errors import PneumoScopeError


class ExportError(PneumoScopeError):
    """A model cannot be written in another form."""
