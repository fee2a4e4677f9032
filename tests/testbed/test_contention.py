import os
import subprocess
import sys
import time

import pytest

from aiops.testbed import contention

BUSY = "import time\nend = time.time() + 3\nwhile time.time() < end: pass"


def busy():
    return subprocess.Popen([sys.executable, "-c", BUSY])


def watched(pids, process):
    with contention.Watch(lambda: pids, every_s=1.0) as watch:
        process.wait()
    return watch.samples[1]


def test_our_own_work_is_not_foreign():
    process = busy()
    sample = watched([process.pid], process)
    assert sample["own_cores"] > 0.3
    assert sample["busy_cores"] == pytest.approx(sample["own_cores"] + sample["foreign_cores"],
                                                 abs=0.1)


def test_work_of_another_process_is_foreign():
    # started through a shell that ends, so that it does not descend from the test's process
    shell = subprocess.run([f"{sys.executable} -c '{BUSY}' >/dev/null & echo $!"], shell=True,
                           stdout=subprocess.PIPE, check=True)
    pid = int(shell.stdout)
    with contention.Watch(lambda: [], every_s=1.0) as watch:
        while os.path.exists(f"/proc/{pid}") and len(watch.samples) < 2:
            time.sleep(0.05)
    sample = watch.samples[0]
    assert sample["foreign_cores"] > 0.3
    assert sample["own_cores"] < 0.3
    assert sample["own_wait_cores"] >= 0


def test_spoilt_when_more_than_a_tenth_was_busy():
    quiet, loud = {"foreign_cores": 0.05}, {"foreign_cores": 1.0}
    assert not contention.spoilt([quiet] * 18 + [loud] * 2)
    assert contention.spoilt([quiet] * 17 + [loud] * 3)
    assert contention.spoilt([])


def test_a_shielded_shop_is_spoilt_only_by_its_own_waiting():
    loud = {"foreign_cores": 1.9, "own_wait_cores": 0.3}
    waiting = {"foreign_cores": 0.0, "own_wait_cores": 0.6}
    assert not contention.spoilt([loud] * 20, shielded=True)
    assert contention.spoilt([loud] * 17 + [waiting] * 3, shielded=True)


def test_the_summary_tells_medians_and_worst_values():
    quiet = {"foreign_cores": 0.05}
    assert contention.summary([{**quiet, "pressure_share": None, "own_wait_cores": 0.1}]) == {
        "foreign_cores_p50": 0.05, "foreign_cores_max": 0.05, "pressure_share_max": None,
        "own_wait_cores_max": 0.1}
