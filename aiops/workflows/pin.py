"""Is the version of a data set that lies here the one that git pins?"""

from __future__ import annotations

from pathlib import Path

import yaml

from aiops.errors import InputError


def pinned(dataset: Path, allow_unpinned: bool = False) -> str:
    """DVC's hash of a data set's recordings, which is the one that ``recordings.dvc`` pins.

    It is computed, as DVC does, so that a scheduler needs neither DVC's lock nor its seconds.

    Args:
        dataset: folder with ``recordings/`` and ``recordings.dvc``.
        allow_unpinned: take recordings that are not the pinned ones, or have no pin.

    Raises:
        InputError: no recordings, no pin, or other content than the pin says.
    """
    from aiops import tracking

    recordings, pin = dataset / "recordings", dataset / "recordings.dvc"
    if not recordings.is_dir():
        raise InputError(f"{dataset} has no recordings/. Run `dvc pull`, or record some.")
    found = tracking.dataset_version(recordings)
    if not allow_unpinned:
        _check(pin, found)
    return found


def _check(pin: Path, found: str) -> None:
    cure = "or pass --allow-unpinned."
    if not pin.is_file():
        raise InputError(f"There is no {pin}: nothing says which version this is. "
                         f"Run `dvc add {pin.with_suffix('')}`, {cure}")
    wanted = yaml.safe_load(pin.read_text())["outs"][0]["md5"]
    if found != wanted:
        raise InputError(
            f"{pin.with_suffix('')} is not what {pin.name} pins: got {found}, pinned {wanted}. "
            f"Run `dvc checkout {pin}` for the pinned one, `dvc add` to pin this one, {cure}")
