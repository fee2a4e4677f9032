"""A Figure is what --json prints."""

import json

import pytest

from aiops.evaluation.figures import Figure, to_json


def test_json_has_the_keys_of_the_design():
    figure = Figure("rca", "set", "model", "all", "ac@1", 0.5, None, None, 3, 0.1, "share")
    assert list(json.loads(to_json([figure]))[0]) == [
        "benchmark", "dataset", "model", "slice", "metric", "value", "low", "high", "n",
        "chance", "unit"]
    with pytest.raises(ValueError, match="finite"):
        Figure("rca", "set", "model", "all", "ac@1", float("nan"), None, None, 3, 0.1, "share")
