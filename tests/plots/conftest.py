"""Traces as they are, and with a slow network between two services."""

import pandas as pd
import pytest

from tests.traces import make_traces


@pytest.fixture
def calm() -> pd.DataFrame:
    return make_traces()


@pytest.fixture
def slow() -> pd.DataFrame:
    return make_traces(wire_ms=500.0, at_s=100.0)
