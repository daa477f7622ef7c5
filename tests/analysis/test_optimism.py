"""How much better the winner looked where it was chosen."""

import pytest

from hftk.analysis.optimism import optimism


def told(**changes) -> str:
    given = dict(winner="lr=1e-4", metric="accuracy", goal="maximize", validation=0.85, test=0.83, settings=8, looks=24)
    return optimism(**(given | changes)).sentence


def test_the_winner_of_several_looked_better_where_it_was_chosen():
    assert told() == (
        "lr=1e-4 has accuracy 0.8500 on validation, the best of 8 settings there, 0.0200 better than on test (0.8300). "
        "The best of several is partly the luckiest on validation, so its test figure is the one to quote. Test was "
        "looked at 24 times, once per finished run."
    )


def test_a_kinder_test_is_no_optimism():
    found = optimism(winner="a", metric="accuracy", goal="maximize", validation=0.8, test=0.81, settings=2, looks=2)
    assert found.gap == pytest.approx(-0.01)
    assert (found.settings, found.looks) == (2, 2)
    assert found.sentence == (
        "a has accuracy 0.8000 on validation, the best of 2 settings there, 0.0100 worse than on test (0.8100). Test "
        "was looked at 2 times, once per finished run."
    )


def test_of_a_loss_less_is_better():
    assert "has loss 0.4000 on validation, the best of 8 settings there, 0.1000 better than on test" in told(
        metric="loss", goal="minimize", validation=0.4, test=0.5
    )


def test_one_setting_was_not_chosen():
    assert told(settings=1, looks=1, test=0.85) == (
        "lr=1e-4 has accuracy 0.8500 on validation, the only setting, the same as on test. Test was looked at once."
    )
