"""Images of every kind: the picture a viewer would see, or one plain sentence."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from core.errors import ImageReadError
from core.images import formats, reading
from core.images.film import square
from core.images.reading import load_xray
from tests.core.images.image_files import (
    HEIGHT,
    WIDTH,
    film,
    png,
    refusal,
    refused,
    saved,
    wide_png,
)

# Grey films


def test_an_eight_bit_png_is_read_to_the_bit() -> None:
    read = load_xray(saved(Image.fromarray(film())))
    assert read.dtype == np.uint8
    assert np.array_equal(read, film())


def test_a_path_and_its_bytes_read_alike(tmp_path: Path) -> None:
    data = saved(Image.fromarray(film()), "JPEG")
    path = tmp_path / "film.png"  # the extension lies
    path.write_bytes(data)
    assert np.array_equal(load_xray(path), load_xray(data))


def test_a_grey_jpeg_in_colour_is_grey() -> None:
    for quality in (50, 75, 95):
        read = load_xray(saved(Image.fromarray(film()).convert("RGB"), "JPEG", quality=quality))
        assert read.shape == (HEIGHT, WIDTH)
        assert np.abs(read.astype(int) - film()).mean() < 4


def test_a_grey_png_in_colour_is_read_to_the_bit() -> None:
    assert np.array_equal(load_xray(saved(Image.fromarray(film()).convert("RGB"))), film())


def test_small_colour_noise_is_grey() -> None:
    noise = np.random.default_rng(0).integers(-3, 4, (HEIGHT, WIDTH, 3))
    noisy = np.clip(film()[..., None] + noise, 0, 255).astype(np.uint8)
    assert load_xray(saved(Image.fromarray(noisy))).ndim == 2


def test_a_one_bit_image_is_black_and_white() -> None:
    bits = Image.fromarray(film()).convert("1")
    assert np.array_equal(load_xray(saved(bits)), np.asarray(bits, dtype=np.uint8) * 255)


def test_few_bits_are_spread_over_the_whole_range() -> None:
    for depth in (1, 2, 4):
        rows = (b"\0" + b"\xff" * (16 * depth // 8)) * 8 + (b"\0" + bytes(16 * depth // 8)) * 8
        read = load_xray(png(rows, 16, 16, depth, 0))
        assert (read[:8] == 255).all()
        assert (read[8:] == 0).all()


def test_an_interlaced_or_progressive_image_is_read() -> None:
    assert load_xray(saved(Image.fromarray(film()), "JPEG", progressive=True)).shape == (40, 50)


# Sixteen bits


def test_a_twelve_bit_film_keeps_its_grey_levels() -> None:
    levels = np.linspace(100, 3900, 64 * 64).reshape(64, 64).astype(np.uint16)
    read = load_xray(saved(Image.fromarray(levels)))
    assert read.shape == (64, 64)
    assert len(np.unique(read)) == 256
    assert np.corrcoef(read.ravel(), levels.ravel())[0, 1] > 0.9999


def test_the_window_of_a_film_is_its_central_99_percent() -> None:
    levels = np.random.default_rng(1).normal(20_000, 3_000, (100, 100)).astype(np.uint16)
    low, high = np.percentile(levels, [0.5, 99.5])
    expected = np.clip((levels - low) / (high - low) * 255, 0, 255)
    assert np.abs(load_xray(saved(Image.fromarray(levels))) - expected).max() < 2


def test_a_hot_pixel_does_not_darken_a_sixteen_bit_film() -> None:
    levels = np.random.default_rng(1).integers(0, 4096, (100, 100)).astype(np.uint16)
    levels[3, 3] = 65535
    assert load_xray(saved(Image.fromarray(levels))).mean() > 120


def test_a_nearly_constant_sixteen_bit_film_keeps_its_mark() -> None:
    levels = np.full((100, 100), 500, dtype=np.uint16)
    levels[0, 0] = 900
    read = load_xray(saved(Image.fromarray(levels)))
    assert read[0, 0] == 255
    assert read[1:].max() == 0


def test_a_constant_sixteen_bit_film_is_black() -> None:
    assert load_xray(saved(Image.fromarray(np.full((20, 20), 7, np.uint16)))).max() == 0


def test_sixteen_bits_of_colour_are_read_by_their_upper_half() -> None:
    samples = np.repeat(film().astype(np.uint16)[..., None] * 257, 3, axis=2)
    assert np.array_equal(load_xray(wide_png(samples, 2)), film())


def test_a_twelve_bit_film_in_wide_colour_is_refused() -> None:
    for colour_type, n_channels in ((2, 3), (4, 2), (6, 4)):
        samples = np.repeat(film().astype(np.uint16)[..., None] * 16, n_channels, axis=2)
        if n_channels != 3:
            samples[..., -1] = 65535
        assert "too few grey levels" in refusal(wide_png(samples, colour_type))


# Palettes, transparency, colour


def test_a_palette_gives_colours_and_not_indices() -> None:
    negative = Image.fromarray(255 - film()).convert("P")
    negative.putpalette([255 - level for level in range(256) for _ in range(3)])
    assert np.array_equal(load_xray(saved(negative)), film())


def test_a_transparent_palette_entry_is_black() -> None:
    image = Image.fromarray(film()).convert("P")
    image.putpalette([level for level in range(256) for _ in range(3)])
    read = load_xray(saved(image, transparency=9))
    assert (read[film() == 9] == 0).all()
    assert (read[film() != 9] == film()[film() != 9]).all()


def test_an_unused_alpha_channel_changes_nothing() -> None:
    for mode in ("LA", "RGBA"):
        assert np.array_equal(load_xray(saved(Image.fromarray(film()).convert(mode))), film())


def test_transparent_parts_are_black() -> None:
    for mode in ("LA", "RGBA"):
        image = Image.fromarray(film()).convert(mode)
        alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
        alpha[:10] = 0
        image.putalpha(Image.fromarray(alpha))
        read = load_xray(saved(image))
        assert (read[:10] == 0).all()
        assert np.array_equal(read[10:], film()[10:])


def test_a_wholly_transparent_image_is_refused() -> None:
    image = Image.fromarray(film()).convert("RGBA")
    image.putalpha(0)
    assert "wholly transparent" in refusal(saved(image))


def test_a_coloured_image_keeps_its_colours() -> None:
    colour = np.stack([film(), 255 - film(), np.full_like(film(), 90)], axis=2)
    assert np.array_equal(load_xray(saved(Image.fromarray(colour))), colour)


def test_a_coloured_mark_makes_an_image_coloured() -> None:
    colour = np.repeat(film()[..., None], 3, axis=2)
    colour[5:8, 5:8] = (220, 20, 20)
    assert load_xray(saved(Image.fromarray(colour))).shape == (HEIGHT, WIDTH, 3)


def test_a_single_coloured_pixel_of_many_does_not() -> None:
    colour = np.full((100, 100, 3), 90, np.uint8)
    colour[5, 5] = (220, 20, 20)
    assert load_xray(saved(Image.fromarray(colour))).shape == (100, 100)


def test_cmyk_is_read_as_its_picture() -> None:
    cmyk = Image.fromarray(film()).convert("RGB").convert("CMYK")
    read = load_xray(saved(cmyk, "JPEG", quality=95))
    assert read.shape == (HEIGHT, WIDTH)
    assert np.abs(read.astype(int) - film()).mean() < 4


# Orientation


def test_exif_rotation_equals_pillows() -> None:
    for kind in ("PNG", "JPEG"):
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[0x0112] = orientation
            data = saved(Image.fromarray(film()), kind, exif=exif)
            with Image.open(io.BytesIO(data)) as image:
                expected = np.asarray(ImageOps.exif_transpose(image))
            assert np.array_equal(load_xray(data), expected)


def test_a_sixteen_bit_film_is_rotated_too() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    levels = film().astype(np.uint16) * 16
    upright = load_xray(saved(Image.fromarray(levels)))
    assert np.array_equal(
        load_xray(saved(Image.fromarray(levels), exif=exif)), np.rot90(upright, -1)
    )


def test_damaged_exif_does_not_lose_the_picture() -> None:
    data = saved(Image.fromarray(film()), exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert np.array_equal(load_xray(data), film())


# Refusals


def test_other_formats_are_refused_under_any_name(tmp_path: Path) -> None:
    for kind in ("GIF", "PPM", "ICO"):
        path = tmp_path / "film.png"
        path.write_bytes(saved(Image.fromarray(film()).convert("RGB"), kind))
        error = refused(path)
        assert str(error).startswith(
            "film.png is not an image that can be read: by its content it is"
        )
        assert error.kind == "not_an_image"


def test_an_animated_png_is_refused() -> None:
    frames = [Image.fromarray(film()), Image.fromarray(255 - film())]
    data = saved(frames[0], save_all=True, append_images=frames[1:])
    assert "holds 2 pictures" in refusal(data)


def test_a_cut_image_is_said_to_be_cut_short() -> None:
    for kind in ("PNG", "JPEG"):
        for part in (0.0, 0.1, 0.3, 0.5, 0.9, 0.99):
            noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
            data = saved(Image.fromarray(noise), kind)
            error = refused(data[: int(len(data) * part)])
            assert "is cut short: its end is missing" in str(error)
            assert error.kind == "truncated"


def test_no_single_changed_byte_of_a_png_goes_unnoticed() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)
    data = saved(Image.fromarray(noise))
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x55
        with pytest.raises(ImageReadError):
            load_xray(bytes(changed))


def test_bytes_after_the_end_of_a_png_do_not_matter() -> None:
    assert np.array_equal(load_xray(saved(Image.fromarray(film())) + b"\0" * 9), film())


def test_too_few_pixels_are_refused() -> None:
    assert "15 x 40 pixels, too few" in refusal(saved(Image.new("L", (15, 40))))
    assert load_xray(saved(Image.new("L", (16, 16)))).shape == (16, 16)


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    for width, height in (
        (8001, 8000),
        (20_001, 16),
        (9500, 9500),
        (12_000, 12_000),
        (15_000, 15_000),
        (2**31 - 1, 9),
    ):
        message = refusal(png(b"", width, height, 8, 0))
        assert "is too large; an image may have 64 million pixels" in message


def test_a_size_warning_never_reaches_the_console() -> None:
    data = png(b"", 10_000, 10_000, 8, 0)  # 100 million: Pillow warns from 89 on
    code = (
        "import sys; from core.images.reading import load_xray\n"
        "try: load_xray(sys.stdin.buffer.read())\n"
        "except Exception as error: print(type(error).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=data,
        capture_output=True,
        cwd=Path(reading.__file__).parents[2],
        check=True,
    )
    assert done.stdout.decode().strip() == "ImageReadError"
    assert done.stderr == b""


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.png").startswith("gone.png cannot be opened")


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    assert "cannot be opened" in refusal(tmp_path)


def test_a_giant_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "film.png").write_bytes(saved(Image.fromarray(film())))
    monkeypatch.setattr(formats, "MAX_FILE_BYTES", 10)
    assert "film.png is too large" in refusal(tmp_path / "film.png")


def test_bytes_without_a_name_are_called_the_image() -> None:
    assert refusal(b"\0nonsense").startswith("The image is not an image")


# Resizing


def test_square_is_pillows_lanczos_for_grey_and_for_colour() -> None:
    grey = film()
    expected = Image.fromarray(grey).resize((32, 32), Image.Resampling.LANCZOS)
    assert np.array_equal(square(grey, 32), np.asarray(expected))
    colour = square(np.repeat(grey[..., None], 3, axis=2), 32)
    assert colour.shape == (32, 32, 3)
    assert np.array_equal(colour[..., 1], square(grey, 32))
