"""The rules together: what is silent, and which rule comes first."""

import subprocess
import sys

from hftk.analysis.diagnosis import RULES, SILENCES, diagnose


def test_a_healthy_run_is_silent(make):
    assert diagnose(make()) == []
    assert diagnose(make(baseline=0.85)) == []


def test_a_run_that_left_next_to_nothing_is_silent(make):
    run = {"status": "failed", "curve": [], "epochs": None, "metrics": {}}
    assert diagnose(make(run=run)) == []


def test_every_kind_has_a_rule_and_precedence():
    assert list(RULES) == list(SILENCES)
    for kind, silenced in SILENCES.items():
        assert kind not in silenced and set(silenced) <= set(RULES)
        assert all(list(RULES).index(other) > list(RULES).index(kind) for other in silenced), "causes come first"


def test_nothing_heavy_is_imported():
    code = "import sys, hftk.analysis.diagnosis; print({'torch', 'transformers', 'datasets'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
