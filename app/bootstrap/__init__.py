"""From a bare Python to the running program; standard library only.

`arguments` reads the command line, `environment` makes and repairs `.venv` (with `requirements`,
`gpu`, `lock`), `system_libraries` explains what only the system can install, `commands` decides.
"""

from app.bootstrap.commands import console, main

__all__ = ["console", "main"]
