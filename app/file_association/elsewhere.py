"""Systems that cannot be told."""

from app.file_association.association import UNDONE, FileAssociationError
from core.errors import Message


class NoAssociation:
    """macOS sends files only to application bundles, and a checkout of Python files is none."""

    def is_registered(self) -> bool:
        return False

    def register(self) -> Message:
        raise FileAssociationError(
            Message(
                "macOS opens files by double click only in programs that come as an application "
                "bundle, which PneumoScope is not. Drop the model file on the window, or open it "
                "from the File menu."
            )
        )

    def unregister(self) -> Message:
        return UNDONE
