r"""The `Exec` key of a desktop entry.

https://specifications.freedesktop.org/desktop-entry/latest/exec-variables.html: each argument in
double quotes, with \ before what a shell would see there, and with %% for a percent sign; over
this lie the escapes of any string in such a file, so that one backslash becomes four.
"""

from collections.abc import Sequence

# In this order: a backslash that was put there is not escaped again.
_IN_QUOTES = (("\\", "\\\\"), ('"', '\\"'), ("`", "\\`"), ("$", "\\$"), ("%", "%%"))
_IN_VALUE = (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r"))
# The first word must have no =, and GLib looks for the program before it undoes %%; the shell
# hands on what it gets as it is.
_SHELL = ("/bin/sh", "-c", 'exec "$0" "$@"')


def exec_line(command: Sequence[str]) -> str:
    """The value that starts `command` with all files that were chosen, as paths."""
    words = [*_SHELL, *command] if set(command[0]) & {"=", "%"} else command
    return value(" ".join([*(f'"{_replaced(word, _IN_QUOTES)}"' for word in words), "%F"]))


def value(text: str) -> str:
    """Any text as the value of a key; a space at its start would be lost otherwise."""
    escaped = _replaced(text, _IN_VALUE)
    return "\\s" + escaped[1:] if escaped.startswith(" ") else escaped


def _replaced(text: str, pairs: Sequence[tuple[str, str]]) -> str:
    for plain, escaped in pairs:
        text = text.replace(plain, escaped)
    return text
