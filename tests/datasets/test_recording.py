"""Which recordings a data set has, and what they call themselves."""

import pytest

from aiops.datasets import recording
from aiops.errors import CaseError


def write(folder, text):
    folder.mkdir(parents=True)
    (folder / "recording.json").write_text(text)


def test_recordings_come_by_folder_with_what_they_say(tmp_path):
    write(tmp_path / "b", '{"id": "first", "entry_service": "front"}')
    write(tmp_path / "a", '{"load": {"requests": 3}}')
    (tmp_path / "unfinished").mkdir()
    found = recording.find(tmp_path)
    assert [each.folder for each in found] == [tmp_path / "a", tmp_path / "b"]
    assert [each.id for each in found] == ["a", "first"]  # without an id, the folder's name
    assert found[0].about == {"load": {"requests": 3}}


def test_no_recordings_are_none(tmp_path):
    assert recording.find(tmp_path / "missing") == []


@pytest.mark.parametrize("text", ['{"id": ', "[1]"])
def test_a_broken_description_is_named(tmp_path, text):
    write(tmp_path / "r001", text)
    assert recording.folders(tmp_path) == [tmp_path / "r001"]
    with pytest.raises(CaseError, match=r"r001/recording.json must be a JSON object"):
        recording.find(tmp_path)
