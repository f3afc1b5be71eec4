from __future__ import annotations

import errno
import hashlib
import io
import urllib.error
from dataclasses import replace
from http.client import IncompleteRead
from pathlib import Path

import pytest

from ultra_face.data import widerface_download
from ultra_face.data.widerface_download import ARCHIVES, HOST, download_widerface


@pytest.fixture
def web(official_archives, monkeypatch):
    """The archives as a web site of small files; its list of requests."""
    contents = {archive.name: (official_archives / archive.name).read_bytes() for archive in ARCHIVES}
    small = tuple(
        replace(
            archive,
            size=len(contents[archive.name]),
            sha256=hashlib.sha256(contents[archive.name]).hexdigest(),
        )
        for archive in ARCHIVES
    )
    requests = []

    def urlopen(url, timeout):
        requests.append(url)
        return io.BytesIO(contents[url.removeprefix(f"{HOST}/")])

    monkeypatch.setattr(widerface_download, "ARCHIVES", small)
    monkeypatch.setattr(widerface_download, "_CHUNK", 100)
    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    return requests


@pytest.fixture
def no_network(monkeypatch):
    def urlopen(url, timeout):
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)


def test_archives_are_fetched_and_prepared_once(web, tmp_path):
    report = download_widerface(tmp_path / "widerface")
    assert [split.images for split in report.splits.values()] == [1, 1]
    assert web == [f"{HOST}/{archive.name}" for archive in ARCHIVES]
    assert sorted(path.name for path in (tmp_path / "widerface-archives").iterdir()) == sorted(
        archive.name for archive in ARCHIVES
    )
    download_widerface(tmp_path / "widerface")
    assert len(web) == len(ARCHIVES)


def test_progress_sees_every_chunk_and_image(web, tmp_path):
    lengths = []

    def count(items):
        lengths.append(len(items))
        return items

    download_widerface(tmp_path / "widerface", progress=count)
    chunks = [-(-archive.size // 100) for archive in widerface_download.ARCHIVES]
    assert lengths == [*chunks, 2]


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("fixture", ["official_source", "official_archives"])
def test_archives_put_there_by_hand_need_no_network(fixture, request, tmp_path):
    request.getfixturevalue(fixture).rename(tmp_path / "widerface-archives")
    report = download_widerface(tmp_path / "widerface")
    assert [split.faces for split in report.splits.values()] == [1, 1]


@pytest.mark.usefixtures("no_network")
def test_without_network_the_missing_archives_and_their_place_are_named(official_archives, tmp_path):
    folder = tmp_path / "widerface-archives"
    folder.mkdir()
    (official_archives / "WIDER_train.zip").rename(folder / "WIDER_train.zip")
    with pytest.raises(
        FileNotFoundError,
        match=r"WIDER FACE cannot be fetched \(https://.*WIDER_val\.zip: .*Name or service not known.*\); "
        r"get WIDER_val\.zip, wider_face_split\.zip from http://shuoyang1213\.me/WIDERFACE, "
        r"put them into .*widerface-archives, and run again",
    ):
        download_widerface(tmp_path / "widerface")
    assert not (tmp_path / "widerface").exists()


@pytest.mark.parametrize("error", [TimeoutError("timed out"), IncompleteRead(b"", 9)])
def test_a_connection_that_breaks_leaves_no_archive(web, tmp_path, monkeypatch, error):
    class Broken(io.BytesIO):
        def read(self, size):
            raise error

    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: Broken())
    with pytest.raises(
        FileNotFoundError, match=r"WIDER FACE cannot be fetched \(.*(timed out|IncompleteRead).*\); get"
    ):
        download_widerface(tmp_path / "widerface")
    assert list((tmp_path / "widerface-archives").iterdir()) == []


def test_an_altered_archive_is_not_kept(web, tmp_path, monkeypatch):
    altered = tuple(replace(archive, sha256="0" * 64) for archive in widerface_download.ARCHIVES)
    monkeypatch.setattr(widerface_download, "ARCHIVES", altered)
    with pytest.raises(FileNotFoundError, match=r"WIDER_train\.zip came incomplete or altered"):
        download_widerface(tmp_path / "widerface")
    assert list((tmp_path / "widerface-archives").iterdir()) == []


def test_a_full_disk(web, tmp_path, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OSError, match=r"the disk is full while writing .*WIDER_train\.zip"):
        download_widerface(tmp_path / "widerface")
