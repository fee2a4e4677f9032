"""Files and folders are there whole or not at all, also where the writer was killed."""

import shutil
from pathlib import Path

import pytest

from aiops.workflows import whole


def test_a_folder_takes_the_others_place_and_leaves_nothing_beside_it(tmp_path):
    for text in ("first", "second"):
        with whole.folder(tmp_path / "a") as part:
            (part / text).touch()
        assert [p.name for p in (tmp_path / "a").iterdir()] == [text]
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("make", [whole.folder, whole.file])
def test_what_raised_changes_nothing(tmp_path, make):
    whole.write(tmp_path / "a" / "b", b"before")
    target = tmp_path / "a" if make is whole.folder else tmp_path / "a" / "b"
    with pytest.raises(ZeroDivisionError), make(target) as part:
        fail_half_way(part / "c" if make is whole.folder else part)
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")} == {"a", "a/b"}
    assert (tmp_path / "a" / "b").read_bytes() == b"before"


@pytest.mark.parametrize("step", range(6))
def test_a_kill_at_any_step_of_the_swap_leaves_a_whole_folder(tmp_path, monkeypatch, step):
    """Stops like a kill would, at the step-th rename or amid that removal; then runs again."""
    with whole.folder(tmp_path / "a") as part:
        (part / "first").touch()
    calls = []

    remove, rename = shutil.rmtree, Path.rename

    def counted(real):
        def call(*args, **kwargs):
            calls.append(real)
            if len(calls) > step:
                for file in args[0].glob("*") if real is remove else ():
                    file.unlink()
                raise Killed
            return real(*args, **kwargs)
        return call

    with monkeypatch.context() as patch:
        patch.setattr(whole.shutil, "rmtree", counted(remove))
        patch.setattr(Path, "rename", counted(rename))
        try:
            with whole.folder(tmp_path / "a") as part:
                (part / "second").touch()
        except Killed:
            assert step < 5
    held = {p.name: [f.name for f in p.iterdir()] for p in tmp_path.iterdir()}
    assert held.get("a", ["first"]) in (["first"], ["second"])
    assert ["first"] in held.values() or ["second"] in held.values()
    with whole.folder(tmp_path / "a") as part:
        (part / "third").touch()
    assert [p.name for p in tmp_path.rglob("*")] == ["a", "third"]


def fail_half_way(path):
    path.write_bytes(b"half")
    raise ZeroDivisionError


class Killed(BaseException):
    """What nothing here catches."""
