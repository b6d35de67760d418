"""Documents that lie among X-rays, told by their first bytes, so that they are named as such."""

import codecs
from typing import Literal

from core.errors import ImageReadError, Message

DocumentKind = Literal["text", "PDF", "office"]

_ZIP_HEAD, _ZIP_HEADER_BYTES = b"PK\x03\x04", 30  # of an entry, before its name (APPNOTE 4.3.7)
# Spreadsheets and documents are zips that begin with one of these entries.
_OFFICE_NAMES = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/", b"word/", b"mimetype")
_OLE_HEAD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Word and Excel until 2003
_RICH_TEXT = b"{\\rtf"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ENCODINGS = ("utf-8", "gb18030", "cp1252")
_LEAST_TEXT = 4  # bytes
_LEAST_ASCII = 0.1  # of a text in a code page, in which nearly all bytes are some character
_HEAD_BYTES = 512

# Said of a file among many.
NOT_AN_XRAY: dict[DocumentKind, Message] = {
    "text": Message("A text file, not an X-ray."),
    "PDF": Message("A PDF document, not an X-ray."),
    "office": Message("An office document (Word, Excel or the like), not an X-ray."),
}


def document_kind(head: bytes) -> DocumentKind | None:
    """Tell a document by its first bytes; None where it is none, or may be anything."""
    head = head[:_HEAD_BYTES]
    if head.lstrip(codecs.BOM_UTF8 + b" \r\n\t").startswith(b"%PDF-"):
        return "PDF"
    if is_office_document(head) or head.startswith((_OLE_HEAD, _RICH_TEXT)):
        return "office"
    return "text" if _is_text(head) else None


def is_office_document(head: bytes) -> bool:
    """Return whether a file is a spreadsheet or document in a zip."""
    return head.startswith(_ZIP_HEAD) and head[_ZIP_HEADER_BYTES:].startswith(_OFFICE_NAMES)


def _is_text(head: bytes) -> bool:
    if head.startswith(_UTF_16):
        return True
    if len(head) < _LEAST_TEXT or any(byte < 32 and byte not in b"\t\n\f\r\x1b" for byte in head):
        return False
    for encoding in _ENCODINGS:
        decoder = codecs.getincrementaldecoder(encoding)()  # the last character may be cut
        try:
            text = decoder.decode(head)
        except UnicodeDecodeError:
            continue
        n_ascii = sum(byte < 128 for byte in head)
        if encoding != "utf-8" and n_ascii < _LEAST_ASCII * len(head):
            return False
        return all(character.isprintable() or character.isspace() for character in text)
    return False


def is_a_document(name: object, kind: DocumentKind) -> ImageReadError:
    """Refuse a document that was given as an X-ray."""
    match kind:
        case "text":
            message = Message("{file} is a text file, not an X-ray. Choose the X-ray.", file=name)
        case "PDF":
            message = Message(
                "{file} is a PDF document, not an X-ray. Export the X-ray as PNG or DICOM.",
                file=name,
            )
        case "office":
            message = Message(
                "{file} is an office document (Word, Excel or the like), not an X-ray. Save the "
                "X-ray in it as PNG.",
                file=name,
            )
    return ImageReadError(message, "not_an_image")
