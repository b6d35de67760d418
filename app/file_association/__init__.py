"""Opening model files by double click: what the user's desktop must know; standard library only.

`freedesktop` tells Linux desktops, `windows` the registry, `elsewhere` why it cannot be done;
`command` is what they start. Everything is the user's own, and nothing of another program's
is changed but which of them opens model files, for that is what the user asks for here.
"""

import sys

from app.file_association.association import Association, FileAssociationError
from app.file_association.elsewhere import NoAssociation
from app.file_association.freedesktop import FreedesktopAssociation
from app.file_association.windows import WindowsAssociation

__all__ = ["Association", "FileAssociationError", "association"]


def association() -> Association:
    """What this system offers to the user who runs this program."""
    if sys.platform == "win32":
        return WindowsAssociation.of_user()
    if sys.platform == "darwin":
        return NoAssociation()
    return FreedesktopAssociation.of_user()
