"""The page on benching detectors names every figure and states the numbers that are used."""

from pathlib import Path

from aiops.evaluation import recordings
from aiops.evaluation.detection import SHOP_RULE, THRESHOLDS
from tests.workflows.test_detection import windows

TEXT = (Path(__file__).parents[1] / "docs" / "bench-detection.md").read_text()


def test_every_metric_and_slice_is_named() -> None:
    from aiops.workflows import detection

    found = windows()
    figures = detection.evaluate(detection.fitted("robust-z", found), found, "made", "m").figures
    named = {figure.metric for figure in figures} | {figure.slice for figure in figures}
    assert [name for name in sorted(named) if f"`{name}`" not in TEXT] == []


def test_the_numbers_are_those_used() -> None:
    for stated in (f"0 to **{recordings.BUFFER_STEPS}** windows", f"{THRESHOLDS} thresholds",
                   f"**{recordings.PER_HOUR:g} false alarms an hour**",
                   f"less than {SHOP_RULE.merge_s:g} s apart",
                   f"every {SHOP_RULE.repeat_s:g} s", f"mean of {recordings.DRAWS} random scores"):
        assert stated in " ".join(TEXT.split()), stated
