"""DICOM files made for the tests."""

import io
import struct
from pathlib import Path

import gdcm
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    JPEG2000,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

DX = "1.2.840.10008.5.1.4.1.1.1.1"
SR = "1.2.840.10008.5.1.4.1.1.88.11"


def dataset(pixels: NDArray[np.generic] | None, **values: object) -> Dataset:
    """A data set of a grey (H, W) or RGB (H, W, 3) picture; `values` are set last."""
    made = Dataset()
    made.SOPClassUID = DX
    made.SOPInstanceUID = "1.2.3.4"
    made.Modality = "DX"
    made.PatientName = "Doe^Jane"
    made.PatientID = "P-17"
    if pixels is not None:
        made.Rows, made.Columns = pixels.shape[:2]
        made.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
        made.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
        if pixels.ndim == 3:
            made.PlanarConfiguration = 0
        made.BitsAllocated = 8 * pixels.dtype.itemsize
        made.BitsStored = made.BitsAllocated
        made.HighBit = made.BitsStored - 1
        made.PixelRepresentation = int(pixels.dtype.kind == "i")
        content = pixels.tobytes()
        made.PixelData = content + bytes(len(content) % 2)
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def written(made: Dataset, syntax: str = ExplicitVRLittleEndian, **options: object) -> bytes:
    """The bytes of a file with preamble."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = made.get("SOPClassUID", DX)
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    meta.TransferSyntaxUID = syntax
    file = FileDataset("", made, file_meta=meta, preamble=bytes(128))
    target = io.BytesIO()
    dcmwrite(target, file, force_encoding=bool(options), enforce_file_format=not options, **options)
    return target.getvalue()


def dicom(pixels: NDArray[np.generic] | None, **values: object) -> bytes:
    return written(dataset(pixels, **values))


def packed_by_pillow(pixels: NDArray[np.generic], kind: str, **options: object) -> bytes:
    """JPEG baseline or JPEG 2000."""
    target = io.BytesIO()
    if kind == "JPEG":
        Image.fromarray(pixels).save(target, "JPEG", **options)
    else:
        Image.fromarray(pixels).save(target, "JPEG2000", no_jp2=True, **options)
    made = dataset(pixels)
    if made.SamplesPerPixel == 3:
        made.PhotometricInterpretation = "YBR_FULL_422" if kind == "JPEG" else "YBR_RCT"
    made.PixelData = encapsulate([target.getvalue()])
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    return written(made, JPEGBaseline8Bit if kind == "JPEG" else JPEG2000Lossless)


def packed_by_gdcm(plain: bytes, syntax: str, folder: Path) -> bytes:
    """Lossless JPEG, JPEG-LS or RLE."""
    (folder / "plain.dcm").write_bytes(plain)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(folder / "plain.dcm"))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(syntax)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(folder / "packed.dcm"))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return (folder / "packed.dcm").read_bytes()


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    """One explicit little-endian element with a short length."""
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


LOSSLESS = (JPEGLosslessSV1, JPEGLSLossless, RLELossless)
LOSSY = (JPEG2000,)
