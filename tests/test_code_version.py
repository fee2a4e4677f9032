"""Kept results go stale with what is computed, and with nothing else."""

import pytest

from aiops import code_version as versions
from aiops import rca

FILES = {"__init__.py": "from pkg.a import f",
         "a.py": "from pkg import b\n\ndef f():\n    return b.g()\n",
         "b.py": '"""B."""\nfrom pkg.sub import h\n\ndef g():\n    return h\n',
         "sub/__init__.py": "h = 1\n", "sub/c.py": "import pkg.a\n", "d.py": "x = 1\n"}


@pytest.fixture
def version(tmp_path):
    def of(*modules, alone=(), **changed):
        versions.sources.cache_clear()
        versions._read.cache_clear()
        for name, text in {**FILES, **changed}.items():
            path = tmp_path / "pkg" / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text)
        return versions.code_version(modules, alone, tmp_path / "pkg")

    return of


def test_what_is_imported_counts_however_far_down(version):
    before = version("pkg.a")
    assert version("pkg.a") == before
    assert version("pkg.a", **{"sub/__init__.py": "h = 2\n"}) != before
    assert version("pkg.a", **{"b.py": FILES["b.py"].replace("return h", "return -h")}) != before


def test_other_modules_and_packages_above_do_not(version):
    before = version("pkg.a")
    assert version("pkg.a", **{"d.py": "x = 2\n", "sub/c.py": "y = 1\n",
                               "__init__.py": "z = 3\n"}) == before


def test_words_do_not_count(version):
    before = version("pkg.a")
    assert version("pkg.a", **{"b.py": '"""Other words."""\n# a remark\n'
                               + FILES["b.py"].split("\n", 1)[1]}) == before


def test_a_module_alone_counts_without_what_it_imports(version):
    before = version("pkg.d", alone=["pkg.a"])
    assert version("pkg.d", alone=["pkg.a"], **{"b.py": "g = 1\n"}) == before
    assert version("pkg.d", alone=["pkg.a"], **{"a.py": "f = 1\n"}) != before


def test_a_ranker_depends_on_its_evidence_and_on_no_other_ranker():
    rankers = {kind.__module__ for kind in rca.RANKERS.values()}
    corrects = {"aiops.rca.graph_network": {"aiops.rca.fusion"}}  # what the default says
    for each in rankers:
        assert versions.reached([each]) & rankers == {each} | corrects.get(each, set())
    assert {"aiops.base", "aiops.rca.view", "aiops.rca.evidence.latency"} <= versions.reached(
        ["aiops.rca.fusion"])
