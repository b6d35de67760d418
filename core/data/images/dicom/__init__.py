"""DICOM films: the header is walked by our own bounded code, the pixels come from pydicom."""

from core.data.images.dicom.reading import read_dicom

__all__ = ["read_dicom"]
