"""The refusals that several readers share, and the one error that is not the image's fault."""

from core.errors import ImageReadError, Message


class FileAccessError(ImageReadError):
    """Disk or memory failed while an image was read; the image itself may be sound."""

    def __init__(self, message: Message) -> None:
        super().__init__(message, "other")


def not_an_image(name: object) -> ImageReadError:
    """The content is none of the formats."""
    return ImageReadError(
        Message(
            "{file} is not an image that can be read: by its content it is no PNG, JPEG, BMP, TIFF "
            "or DICOM file. Export it again as one of these.",
            file=name,
        ),
        "not_an_image",
    )


def without_preamble(name: object) -> ImageReadError:
    """Only guessing could tell how the rest of the file is written."""
    return ImageReadError(
        Message(
            "{file} looks like a DICOM file that lacks its beginning (preamble). Export it again "
            "as a DICOM file.",
            file=name,
        )
    )


def cut_short(name: object) -> ImageReadError:
    """The file ends before the picture does."""
    return ImageReadError(
        Message(
            "{file} is cut short: its end is missing. Copy or export it again from the original.",
            file=name,
        ),
        "truncated",
    )


def damaged(name: object) -> ImageReadError:
    """It is whole and yet cannot be read."""
    return ImageReadError(
        Message(
            "{file} cannot be read: it is damaged, or stored in a way that is rare for X-rays. "
            "Export it again from the original, best as PNG.",
            file=name,
        )
    )


def several_pictures(name: object, n_pictures: int) -> ImageReadError:
    """It holds more than one picture."""
    return ImageReadError(
        Message(
            "{file} holds {n} pictures and only one can be read. Save each as a file of its own.",
            file=name,
            n=n_pictures,
        )
    )


def too_dark(name: object) -> ImageReadError:
    """Only the upper half of 16 bits can be read, and there is next to nothing in it."""
    return ImageReadError(
        Message(
            "{file} is a very dark 16-bit image in colour or with transparency, of which too few "
            "grey levels can be read. Save it as 16-bit greyscale.",
            file=name,
        )
    )


def transparent(name: object) -> ImageReadError:
    """There is nothing to be seen."""
    return ImageReadError(
        Message("{file} is wholly transparent. Export it again without transparency.", file=name)
    )
