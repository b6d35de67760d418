"""BMP and TIFF films of every kind that Pillow writes, and some that it does not."""

import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.images.reading import load_xray
from tests.core.images.image_files import HEIGHT, WIDTH, film, refused, saved

MIN_IS_WHITE = 0


def tiff(
    values: NDArray[np.generic],
    photometric: int = 1,
    sample_format: int = 1,
    extra: dict[int, tuple[int, int]] | None = None,
    keep: int | None = None,
) -> bytes:
    """An uncompressed TIFF of one strip written by hand (TIFF 6.0, section 2).

    Args:
        values: Shape (H, W).
        photometric: Tag 262.
        sample_format: Tag 339; 1 unsigned, 2 signed, 3 floating point.
        extra: More entries: tag to kind and value.
        keep: How many bytes of the picture to keep.
    """
    content = values.tobytes()
    entries = {
        256: (4, values.shape[1]),
        257: (4, values.shape[0]),
        258: (3, 8 * values.dtype.itemsize),
        259: (3, 1),
        262: (3, photometric),
        273: (4, 0),
        277: (3, 1),
        278: (4, values.shape[0]),
        279: (4, len(content)),
        339: (3, sample_format),
    } | (extra or {})
    start = 8 + 2 + 12 * len(entries) + 4
    entries[273] = (4, start)
    directory = b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, (kind, value) in sorted(entries.items())
    )
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)
    return head + content[: len(content) if keep is None else keep]


# Grey


def test_an_eight_bit_film_is_read_to_the_bit() -> None:
    for kind in ("BMP", "TIFF"):
        for mode in ("L", "RGB", "P"):
            assert np.array_equal(
                load_xray(saved(Image.fromarray(film()).convert(mode), kind)), film()
            )


def test_a_one_bit_image_is_black_and_white() -> None:
    for kind in ("BMP", "TIFF"):
        bits = Image.fromarray(film()).convert("1")
        assert np.array_equal(load_xray(saved(bits, kind)), np.asarray(bits, dtype=np.uint8) * 255)


def test_a_coloured_image_keeps_its_colours() -> None:
    for kind in ("BMP", "TIFF"):
        colour = np.stack([film(), 255 - film(), np.full_like(film(), 90)], axis=2)
        assert np.array_equal(load_xray(saved(Image.fromarray(colour), kind)), colour)


def test_lossless_compression_changes_nothing() -> None:
    for compression in ("raw", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate"):
        for dtype in (np.uint8, np.uint16):
            levels = Image.fromarray(film().astype(dtype))
            read = load_xray(saved(levels, "TIFF", compression=compression))
            assert np.array_equal(read, load_xray(saved(levels, "PNG")))


def test_a_fax_is_black_and_white() -> None:
    for compression in ("group3", "group4"):
        bits = Image.fromarray(film()).convert("1")
        read = load_xray(saved(bits, "TIFF", compression=compression))
        assert np.array_equal(read, np.asarray(bits, dtype=np.uint8) * 255)


def test_a_jpeg_in_a_tiff_is_read() -> None:
    read = load_xray(saved(Image.fromarray(film()), "TIFF", compression="jpeg", quality=95))
    assert np.abs(read.astype(int) - film()).mean() < 4


def test_a_big_tiff_is_read() -> None:
    assert np.array_equal(load_xray(saved(Image.fromarray(film()), "TIFF", big_tiff=True)), film())


def test_an_upside_down_bmp_is_read() -> None:
    data = bytearray(saved(Image.fromarray(film()), "BMP"))
    data[22:26] = struct.pack("<i", -HEIGHT)
    assert np.array_equal(load_xray(bytes(data)), film()[::-1])


# More than eight bits


def test_a_sixteen_bit_tiff_is_read_as_the_png() -> None:
    levels = Image.fromarray(film().astype(np.uint16) * 16)
    assert np.array_equal(load_xray(saved(levels, "TIFF")), load_xray(saved(levels, "PNG")))


def test_a_floating_point_film_is_windowed() -> None:
    for scale in (1.0, 1e-6, 1e30, 257.0):
        noise = np.random.default_rng(1).normal(0, 1, (100, 100)).astype(np.float32)
        low, high = np.percentile(noise, [0.5, 99.5])
        expected = np.clip((noise - low) / (high - low) * 255, 0, 255)
        read = load_xray(saved(Image.fromarray(noise * np.float32(scale)), "TIFF"))
        assert np.abs(read - expected).max() < 2


def test_a_giant_value_does_not_darken_a_floating_point_film() -> None:
    values = np.random.default_rng(1).normal(0, 1, (100, 100)).astype(np.float32)
    plain = load_xray(saved(Image.fromarray(values), "TIFF"))
    values[5, 5] = 1e9
    read = load_xray(saved(Image.fromarray(values), "TIFF"))
    assert np.abs(read.astype(int) - plain)[6:].max() < 3


def test_a_constant_floating_point_film_is_black() -> None:
    values = np.full((20, 20), 0.3, np.float32)
    assert load_xray(saved(Image.fromarray(values), "TIFF")).max() == 0


def test_whole_numbers_of_32_bits_are_windowed() -> None:
    for offset in (0, -1000, 70_000):
        levels = film().astype(np.int32) * 16
        read = load_xray(saved(Image.fromarray(levels + offset), "TIFF"))
        expected = load_xray(saved(Image.fromarray(levels.astype(np.uint16)), "PNG"))
        assert np.abs(read.astype(int) - expected).max() <= 1


def test_unsigned_numbers_of_32_bits_do_not_become_negative() -> None:
    levels = film().astype(np.uint32) * 2**24
    read = load_xray(tiff(levels))
    assert np.corrcoef(read.ravel(), levels.ravel())[0, 1] > 0.999


def test_signed_numbers_of_16_bits_keep_their_order() -> None:
    levels = film().astype(np.int16) * 16 - 2000
    read = load_xray(tiff(levels, sample_format=2))
    assert np.corrcoef(read.ravel(), levels.ravel())[0, 1] > 0.999


def test_where_zero_is_white_the_film_is_inverted_once() -> None:
    for dtype, sample_format in ((np.uint8, 1), (np.uint16, 1), (np.float32, 3)):
        levels = film().astype(dtype)
        positive = load_xray(tiff(levels, sample_format=sample_format))
        negative = load_xray(tiff(levels, MIN_IS_WHITE, sample_format))
        assert np.array_equal(negative, 255 - positive)


# Transparency and orientation


def test_transparent_parts_are_black() -> None:
    for mode in ("LA", "RGBA"):
        image = Image.fromarray(film()).convert(mode)
        alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
        alpha[:10] = 0
        image.putalpha(Image.fromarray(alpha))
        read = load_xray(saved(image, "TIFF"))
        assert (read[:10] == 0).all()
        assert np.array_equal(read[10:], film()[10:])


def test_a_tiff_is_turned_upright_once() -> None:
    for dtype in (np.uint8, np.uint16, np.float32):
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[0x0112] = orientation
            levels = Image.fromarray(film().astype(dtype))
            turned = load_xray(saved(levels, "PNG" if dtype == np.uint16 else "TIFF", exif=exif))
            assert np.array_equal(load_xray(saved(levels, "TIFF", exif=exif)), turned)
            assert (turned.shape == (WIDTH, HEIGHT)) == (orientation >= 5)


# Refusals


def test_a_tiff_of_several_pages_is_refused_by_number() -> None:
    pages = [Image.fromarray(film())] * 3
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert "holds 3 pictures" in str(refused(data))


def test_a_small_copy_in_a_tiff_is_no_second_picture() -> None:
    copy = Image.new("L", (20, 20))
    copy.encoderinfo = {"tiffinfo": {254: 1}}
    data = saved(Image.fromarray(film()), "TIFF", save_all=True, append_images=[copy])
    assert np.array_equal(load_xray(data), film())


def test_directories_that_follow_each_other_in_a_circle_are_no_pages() -> None:
    data = bytearray(tiff(film()))
    data[8 + 2 + 120 : 8 + 2 + 124] = struct.pack("<I", 8)
    assert np.array_equal(load_xray(bytes(data)), film())


def test_a_cut_image_is_said_to_be_cut_short() -> None:
    for kind in ("BMP", "TIFF"):
        for part in (0.3, 0.9, 0.99):
            data = saved(Image.fromarray(film()), kind)
            error = refused(data[: int(len(data) * part)])
            assert "is cut short" in str(error)
            assert error.kind == "truncated"


def test_a_cut_compressed_tiff_is_said_to_be_cut_short() -> None:
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        data = saved(Image.fromarray(film()), "TIFF", compression=compression)
        assert refused(data[: len(data) * 2 // 3]).kind == "truncated"


def test_a_strip_past_the_end_is_said_to_be_cut_off() -> None:
    assert refused(tiff(film(), keep=700)).kind == "truncated"


def test_too_few_pixels_are_refused() -> None:
    for kind in ("BMP", "TIFF"):
        assert refused(saved(Image.new("L", (15, 40)), kind)).kind == "tiny"


def test_rare_compressions_are_refused() -> None:
    for compression in (6, 34887, 34925, 50000, 50001):
        assert refused(tiff(film(), extra={259: (3, compression)})).kind == "unreadable"


def test_signed_bytes_keep_their_order() -> None:
    levels = (film().astype(np.int16) - 128).astype(np.int8)
    assert np.array_equal(load_xray(tiff(levels, sample_format=2)).argsort(), film().argsort())


def test_a_list_of_too_many_strips_is_refused() -> None:
    data = bytearray(tiff(film()))
    place = data.index(struct.pack("<HHI", 273, 4, 1))
    data[place : place + 8] = struct.pack("<HHI", 273, 4, 2**30)
    assert refused(bytes(data)).kind == "unreadable"


def test_a_tiff_too_large_is_refused_before_it_is_decoded() -> None:
    for width, height in ((20_001, 16), (9000, 9000), (2**31, 2**31)):
        made = tiff(film(), extra={256: (4, width), 257: (4, height)})
        assert "is too large" in str(refused(made))


def test_a_bmp_too_large_is_refused_before_it_is_decoded() -> None:
    data = bytearray(saved(Image.fromarray(film()), "BMP"))
    data[18:26] = struct.pack("<II", 9000, 9000)
    assert "is too large" in str(refused(bytes(data)))


def test_a_film_that_takes_too_much_memory_is_refused_with_the_figures() -> None:
    made = tiff(film().astype(np.float32), sample_format=3, extra={256: (4, 7000), 257: (4, 7000)})
    assert "its 7000 x 7000 pixels would take 186 MiB of memory, and 128 are allowed" in (
        str(refused(made))
    )


def test_a_text_that_begins_like_a_bitmap_is_not_an_image() -> None:
    assert refused(b"BMW and other cars\n" * 10).kind == "not_an_image"
