"""What file managers, browsers, terminals and screenshot tools put into a drop or the clipboard."""

import base64
import os
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QImage
from PySide6.QtWidgets import QApplication

from app.drops import Dropped, can_take, contents_of, welcome
from tests.app.hands import carrying

MOVE, COPY = Qt.DropAction.MoveAction, Qt.DropAction.CopyAction
PNG = b"\x89PNG\r\n\x1a\n and so on"
posix = pytest.mark.skipif(os.name != "posix", reason="paths as on POSIX")
pytestmark = [posix, pytest.mark.usefixtures("qapp")]


def mime(**parts: bytes) -> QMimeData:
    """Data by type, `_` for `/` and `__` for `-`."""
    data = QMimeData()
    for kind, content in parts.items():
        data.setData(kind.replace("__", "-").replace("_", "/"), QByteArray(content))
    return data


def text(content: str) -> QMimeData:
    data = QMimeData()
    data.setText(content)
    return data


def picture() -> QImage:
    image = QImage(20, 10, QImage.Format.Format_Grayscale8)
    image.fill(Qt.GlobalColor.gray)
    return image


def said(dropped: Dropped) -> list[str]:
    return [str(refusal) for refusal in dropped.refusals]


class TestFiles:
    def test_files_and_folders_of_a_file_manager(self) -> None:
        paths = (Path("/data/ward 1"), Path("/data/胸片 #1 100%.png"), Path("/data/a?b.png"))
        assert contents_of(carrying(*paths)) == Dropped(paths)

    def test_names_that_are_no_utf_8_keep_their_bytes(self) -> None:
        (path,) = contents_of(mime(text_uri__list=b"file:///tmp/%D0%D8%FF.png\r\n")).paths
        assert os.fsencode(path) == b"/tmp/\xd0\xd8\xff.png"

    def test_names_that_were_not_escaped_are_taken_as_they_stand(self) -> None:
        raw = "# a comment\r\nfile:///tmp/raw 胸 #1?.png\r\nfile:/tmp/two.png\r\n\r\n".encode()
        dropped = contents_of(mime(text_uri__list=raw))
        assert dropped.paths == (Path("/tmp/raw 胸 #1?.png"), Path("/tmp/two.png"))

    def test_this_computer_may_be_named(self) -> None:
        for host in ("", "localhost", "LOCALHOST"):
            dropped = contents_of(mime(text_uri__list=f"file://{host}/tmp/a.png".encode()))
            assert dropped.paths == (Path("/tmp/a.png"),)

    def test_another_computer_is_told_from_it(self) -> None:
        dropped = contents_of(mime(text_uri__list=b"file://pacs/films/a.png"))
        assert dropped.paths == ()
        assert said(dropped) == [
            "This lies on another computer or device (pacs). Copy it to this computer, then drop "
            "the copy."
        ]

    def test_what_gnome_copies_without_a_list(self) -> None:
        raw = b"copy\nfile:///tmp/a%20b.png\nfile:///tmp/c.png\0"
        dropped = contents_of(mime(**{"x__special_gnome__copied__files": raw}))
        assert dropped.paths == (Path("/tmp/a b.png"), Path("/tmp/c.png"))

    def test_a_file_goes_before_its_icon(self) -> None:
        data = carrying(Path("/tmp/a.png"))
        data.setImageData(picture())
        assert contents_of(data) == Dropped((Path("/tmp/a.png"),))

    def test_ten_thousand_files_are_sorted_without_a_look_at_the_disk(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = carrying(*[Path(f"/nowhere/film {number}.png") for number in range(10_000)])
        with monkeypatch.context() as patch:
            for name in ("stat", "lstat", "open", "scandir"):
                patch.setattr(os, name, None)
            assert can_take(data)
            dropped = contents_of(data)
        assert len(dropped.paths) == 10_000
        assert dropped.paths[-1] == Path("/nowhere/film 9999.png")


class TestTexts:
    @pytest.mark.parametrize(
        "written",
        [
            "/data/a b.png",
            "  /data/a b.png\n",
            '"/data/a b.png"',
            "'/data/a b.png'",
            "file:///data/a%20b.png",
            "x-special/nautilus-clipboard\ncopy\nfile:///data/a%20b.png\n",
        ],
    )
    def test_a_text_that_is_a_path_is_one(self, written: str) -> None:
        assert can_take(text(written))
        assert contents_of(text(written)) == Dropped((Path("/data/a b.png"),))

    def test_several_lines_are_several_paths(self) -> None:
        dropped = contents_of(text("/data/a.png\r\n\n~/b.png\n"))
        assert dropped.paths == (Path("/data/a.png"), Path.home() / "b.png")

    @pytest.mark.parametrize("written", ["", "hello world", "a.png", "/data/a.png\nand then words"])
    def test_any_other_text_is_not_wanted_and_says_what_is(self, written: str) -> None:
        assert not contents_of(text(written)).paths
        assert said(contents_of(text(written))) == [
            "This holds neither a file nor a picture. Copy or drag a film's file, or the picture "
            "itself."
        ]
        if written:
            assert not can_take(text(written))

    def test_an_address_written_out_is_a_link(self) -> None:
        (sentence,) = said(contents_of(text("https://example.org/film.png")))
        assert sentence.startswith("This is a link to example.org.")

    def test_a_windows_path_is_a_path(self) -> None:
        (path,) = contents_of(text(r'"C:\Films\a b.png"')).paths
        assert str(path) == r"C:\Films\a b.png"


class TestLinks:
    def test_the_web_is_never_asked(self) -> None:
        for scheme in ("http", "https", "ftp", "HTTPS"):
            data = carrying(QUrl(f"{scheme}://example.org/film.png"))
            assert can_take(data)  # or nobody could be told why not
            assert said(contents_of(data)) == [
                "This is a link to example.org. Save the picture first, then drop its file: "
                "PneumoScope never fetches anything."
            ]

    def test_what_lies_elsewhere_is_to_be_copied(self) -> None:
        for link in ("smb://server/share/a.png", "sftp://u@server/a", "mtp:/a/b"):
            (sentence,) = said(contents_of(carrying(QUrl(link))))
            assert sentence.startswith("This lies on another computer or device (")
            assert "Copy it to this computer" in sentence

    def test_many_links_are_one_refusal_of_each_kind(self) -> None:
        urls = [QUrl(f"https://e{n}.org/{n}.png") for n in range(50)]
        assert len(said(contents_of(carrying(*urls, QUrl("smb://s/a"), QUrl("smb://s/b"))))) == 2

    def test_files_beside_links_are_taken(self) -> None:
        dropped = contents_of(carrying(QUrl("https://example.org/a.png"), Path("/tmp/b.png")))
        assert dropped.paths == (Path("/tmp/b.png"),)
        assert len(dropped.refusals) == 1

    def test_a_link_nobody_can_make_sense_of(self) -> None:
        (sentence,) = said(contents_of(mime(text_uri__list=b"https://[broken/a.png")))
        assert sentence.startswith("This holds neither")
        (sentence,) = said(contents_of(text("https://[broken/a.png")))
        assert sentence.startswith("This is a link to https.")


class TestPictures:
    def test_a_screenshot(self) -> None:
        data = QMimeData()
        data.setImageData(picture())
        assert can_take(data)
        (image,) = contents_of(data).pictures
        assert isinstance(image, QImage)
        assert image == picture()

    def test_a_picture_dragged_out_of_a_browser_goes_before_its_address(self) -> None:
        data = carrying(QUrl("https://example.org/film.png"))
        data.setImageData(picture())
        dropped = contents_of(data)
        assert len(dropped.pictures) == 1
        assert dropped.refusals == ()

    def test_a_whole_file_goes_before_what_was_decoded_of_it(self) -> None:
        data = mime(image_png=PNG)
        data.setImageData(picture())
        assert contents_of(data).pictures == (PNG,)

    def test_what_only_is_called_a_picture_is_none(self) -> None:
        data = mime(image_png=b"GIF89a")
        assert can_take(data)
        assert contents_of(data).pictures == ()
        assert said(contents_of(data))[0].startswith("This holds neither")

    def test_a_picture_written_out_in_its_address(self) -> None:
        url = b"data:image/png;base64," + base64.b64encode(PNG)
        assert contents_of(mime(text_uri__list=url)) == Dropped(pictures=(PNG,))

    def test_an_address_without_a_picture_in_it_is_a_link(self) -> None:
        for url in (b"data:image/png;base64,A", b"data:,hello", b"data:"):
            dropped = contents_of(mime(text_uri__list=url))
            assert dropped.pictures == ()
            assert len(dropped.refusals) == 1

    def test_a_giant_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.drops.MAX_FILE_BYTES", 10)
        dropped = contents_of(mime(image_png=PNG + bytes(3 * 2**20)))
        assert dropped.pictures == ()
        assert said(dropped) == [
            "The picture has 3 MiB, and 0 MiB are allowed. Save it as a smaller file."
        ]


class TestWelcome:
    def test_what_would_be_moved_is_only_copied(self, qapp: QApplication) -> None:
        event = dropping(carrying(Path("/tmp/a.png")), MOVE | COPY)
        assert event.dropAction() == MOVE
        assert welcome(event)
        assert event.isAccepted()
        assert event.dropAction() == COPY

    def test_words_and_an_empty_drag_are_not_accepted(self) -> None:
        for data in (text("only words"), QMimeData()):
            event = dropping(data, COPY)
            event.ignore()
            assert not welcome(event)
            assert not event.isAccepted()


def dropping(data: QMimeData, action: Qt.DropAction) -> QDropEvent:
    event = QDropEvent(
        QPointF(5, 5), action, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
    )
    event.data_kept_alive = data
    return event
