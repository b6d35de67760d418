"""A process of its own for GDCM, which ends the whole process over some damaged films.

Run by `gdcm_process` as a plain script; it knows nothing of the program. Each request on standard
input is a line of JSON and as many bytes of a packed picture as it says; the answer on standard
output is a line with the number of bytes and the unpacked picture, 0 where it is damaged.
"""

import json
import sys
from typing import Any


def main() -> None:
    """Answer until standard input is closed."""
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        try:
            pixels = unpacked(sys.stdin.buffer.read(request["n_bytes"]), request)
        except Exception:  # noqa: BLE001 - the asker needs to know no more than that it failed
            pixels = b""
        sys.stdout.buffer.write(b"%d\n" % len(pixels))
        sys.stdout.buffer.write(pixels)
        sys.stdout.buffer.flush()


def unpacked(frame: bytes, request: dict[str, Any]) -> bytes:
    """Unpack one picture, colours side by side."""
    import gdcm  # type: ignore[import-untyped]

    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())

    syntax = gdcm.TransferSyntax.GetTSType(request["syntax"])
    photometric = gdcm.PhotometricInterpretation.GetPIType(request["photometric"])
    bits_stored = request["bits_stored"]
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((request["columns"], request["rows"], 1))
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(photometric))
    image.SetPixelFormat(
        gdcm.PixelFormat(
            request["samples"],
            request["bits_allocated"],
            bits_stored,
            bits_stored - 1,
            request["is_signed"],
        )
    )
    image.SetDataElement(element)
    # SWIG hands bytes out as text with stand-ins for whatever is no UTF-8.
    return image.GetBuffer().encode("utf-8", "surrogateescape")


if __name__ == "__main__":
    main()
