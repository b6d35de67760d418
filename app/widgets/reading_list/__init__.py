"""The films that were read, as a list: values in, signals out."""

from app.widgets.reading_list.reading_list import ReadingList
from app.widgets.reading_list.row import THUMBNAIL_PX, ReadingRow

__all__ = ["THUMBNAIL_PX", "ReadingList", "ReadingRow"]
