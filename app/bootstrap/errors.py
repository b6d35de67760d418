"""Why a start was refused."""

from core.errors import PneumoScopeError


class SetupError(PneumoScopeError):
    """The packages cannot be installed or do not load; exit code 1."""


class UsageError(PneumoScopeError):
    """The command line makes no sense here; exit code 2."""
