"""The same job on the command line; imports no Qt."""

from app.headless.commands import run

__all__ = ["run"]
