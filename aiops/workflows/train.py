"""Train a detector on a data set's normal traffic.

A model is a folder: ``detector.skops``, which is no pickle, and ``card.json``, which says what
was fitted on what. The card alone is tracked by DVC: a skops file is never the same bytes twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from aiops import schema
from aiops.detection import DETECTORS, PerService
from aiops.errors import InputError, UsageError
from aiops.workflows import detection, whole

FILE, CARD = "detector.skops", "card.json"


def make(name: str, settings: Mapping[str, Any] | None = None) -> PerService:
    """An unfitted detector, one a service.

    Args:
        name: one of ``aiops.detection.DETECTORS``.
        settings: arguments of its constructor.

    Raises:
        UsageError: no such detector, or a setting that it does not have.
    """
    if name not in DETECTORS:
        raise UsageError(f"There is no detector {name!r}. Known: {', '.join(DETECTORS)}.")
    given, known = dict(settings or {}), DETECTORS[name]().get_params()
    if unknown := sorted(set(given) - set(known)):
        raise UsageError(f"{name} has no setting {', '.join(unknown)}. It has, with defaults: "
                         f"{', '.join(f'{key}={value}' for key, value in known.items())}.")
    return PerService(DETECTORS[name](**given))


def chosen(params: Path) -> tuple[str, dict[str, Any]]:
    """Name and settings from the section ``detector`` of a params.yaml."""
    section = read_params(params).get("detector")
    if not isinstance(section, dict) or "name" not in section:
        raise InputError(f"{params} must have a section detector with a name, one of "
                         f"{', '.join(DETECTORS)}. Got {section!r}.")
    return section["name"], {key: value for key, value in section.items() if key != "name"}


def read_params(params: Path) -> dict[str, Any]:
    """What a params.yaml holds.

    Raises:
        UsageError: there is none. InputError: it is no YAML of names and values.
    """
    if not params.is_file():
        raise UsageError(f"There is no {params}. Run this in the project's folder.")
    try:
        return dict(yaml.safe_load(params.read_text()) or {})
    except (yaml.YAMLError, TypeError, ValueError) as error:
        raise InputError(f"{params} must be YAML, names with values. {error}") from error


def train(features: Path, model: Path, name: str,
          settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Fit a detector on the windows in ``features`` and write the model folder; its card."""
    windows = detection.read(features)
    detector = make(name, settings).fit(windows.normal())
    return save(detector, card(windows, name, settings), model)


def card(windows: detection.Windows, name: str,
         settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a detector is fitted on, of ``windows.normal()``."""
    rows = windows.normal()
    return {
        "detector": name, "settings": dict(settings or {}),
        "features": list(schema.MODEL_FEATURES), "window_s": windows.window_s,
        "recordings": windows.names("normal"),
        "windows": {str(s): int(n) for s, n in rows.service.value_counts(sort=False).items()},
    }


def save(detector: PerService, about: dict[str, Any], model: Path) -> dict[str, Any]:
    """Write a model folder, whole or not at all."""
    from aiops import tracking

    with whole.folder(model) as part:
        tracking.save_file(detector, part / FILE)
        whole.write_json(about, part / CARD)
    return about


def load(model: Path) -> tuple[PerService, dict[str, Any]]:
    """The detector of a model folder and its card."""
    from aiops import tracking

    about = read_card(model)
    return tracking.load_file(model / FILE), about


def read_card(model: Path) -> dict[str, Any]:
    """The card of a model folder; its detector, which takes seconds to load, is left alone."""
    if not (model / FILE).is_file() or not (model / CARD).is_file():
        raise InputError(f"{model} holds no trained detector ({FILE}, {CARD}). "
                         "Run `dvc repro --force train`, or `aiops pipeline train`.")
    return dict(json.loads((model / CARD).read_text()))
