"""How large a picture may be, checked by what its header says before memory is taken for it."""

from typing import Final

from core.errors import ImageReadError, Message

MAX_PIXELS: Final = 64_000_000
MAX_SIDE: Final = 20_000
MIN_SIDE: Final = 16
MAX_FILE_BYTES = 160 * 2**20
# What the decoder may hold; with the grey levels that are handed back, reading stays below 200 MiB.
MAX_DECODED_BYTES: Final = 128 * 2**20


def check_size(width: int, height: int, bytes_a_pixel: int, name: object) -> None:
    """Refuse a picture that is too small or too large.

    Args:
        width: In pixels, as the header says.
        height: Likewise.
        bytes_a_pixel: What the decoder needs for each.
        name: What to call the file.

    Raises:
        ImageReadError: It is.
    """
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise too_large(name)
    if min(width, height) < MIN_SIDE:
        raise ImageReadError(
            Message(
                "{file} has {width} x {height} pixels, too few for an X-ray; it needs {least} a "
                "side. Export it again in full size.",
                file=name,
                width=width,
                height=height,
                least=MIN_SIDE,
            ),
            "tiny",
        )
    if width * height * bytes_a_pixel > MAX_DECODED_BYTES:
        raise ImageReadError(
            Message(
                "{file} is too large: reading its {width} x {height} pixels would take {needed} "
                "MiB of memory, and {limit} are allowed. Save it as 8-bit greyscale or make it "
                "smaller.",
                file=name,
                width=width,
                height=height,
                needed=width * height * bytes_a_pixel >> 20,
                limit=MAX_DECODED_BYTES >> 20,
            )
        )


def too_large(name: object) -> ImageReadError:
    """The refusal of a picture whose file or sides are out of all bounds."""
    return ImageReadError(
        Message(
            "{file} is too large; an image may have {limit} million pixels and {side} a side. "
            "Make it smaller and try again.",
            file=name,
            limit=MAX_PIXELS // 1_000_000,
            side=MAX_SIDE,
        )
    )
