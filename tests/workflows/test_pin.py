"""The version of a data set is DVC's, and other content than the pinned is refused."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from aiops.errors import InputError
from aiops.tracking import dataset_version
from aiops.workflows import pin

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    """Files whose order by path text differs from that by folder, added by DVC itself."""
    tmp_path = tmp_path_factory.mktemp("dvc")
    for name in ("a/x.json", "a.b/x.json", "a/y/z", "b", "ä"):
        path = tmp_path / "set" / "recordings" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    for words in (["init", "--no-scm", "-q"], ["add", "-q", "set/recordings"]):
        subprocess.run([sys.executable, "-m", "dvc", *words], cwd=tmp_path, check=True,
                       env=environment)
    return tmp_path / "set"


@pytest.fixture
def dataset(added, tmp_path):
    return shutil.copytree(added, tmp_path / "set")


def test_the_version_is_the_one_that_dvc_gives(dataset):
    wanted = yaml.safe_load((dataset / "recordings.dvc").read_text())["outs"][0]["md5"]
    assert pin.pinned(dataset) == wanted


def test_other_content_is_refused_unless_allowed(dataset):
    (dataset / "recordings" / "b").write_text("changed")
    with pytest.raises(InputError, match=r"not what recordings\.dvc pins.*dvc checkout"):
        pin.pinned(dataset)
    assert pin.pinned(dataset, allow_unpinned=True) == dataset_version(dataset / "recordings")


def test_a_set_without_pin_or_recordings_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match="dvc pull"):
        pin.pinned(tmp_path)
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "f").write_text("1")
    with pytest.raises(InputError, match="dvc add.*--allow-unpinned"):
        pin.pinned(tmp_path)
    assert pin.pinned(tmp_path, allow_unpinned=True).endswith(".dir")


@pytest.mark.parametrize("name", [p.parent.name for p in ROOT.glob("datasets/*/recordings.dvc")])
def test_the_bundled_sets_are_as_pinned(name):
    if not (ROOT / "datasets" / name / "recordings").is_dir():
        pytest.skip(f"datasets/{name} is not pulled: run `dvc pull`")
    assert pin.pinned(ROOT / "datasets" / name).endswith(".dir")
