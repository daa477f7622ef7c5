import math

import pytest

from hftk.report.table import Table
from hftk.report.wording import duration, epoch, escaped, figure, listed, plural, roughly, shortened, split_metric


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (figure(None), "–"),
        (figure(math.nan), "NaN"),
        (figure(math.inf), "inf"),
        (figure(0.83456), "0.8346"),
        (epoch(10.0), "10"),
        (epoch(0.25), "0.25"),
        (epoch(None), "–"),
        (duration(3.21), "3.2 s"),
        (duration(59.7), "1 min 00 s"),
        (duration(3599.9), "1 h 00 min"),
        (duration(7500), "2 h 05 min"),
        (duration(None), "–"),
        (roughly(59), "less than a minute"),
        (roughly(61), "about 2 min"),
        (roughly(3601), "about 1 h 01 min"),
        (plural(1, "run"), "1 run"),
        (plural(1200, "step"), "1,200 steps"),
        (listed(["a", "b", "c", "d"]), "a, b, c and 1 more"),
        (split_metric("validation_matthews_correlation"), "validation matthews_correlation"),
        (escaped("a|b *c* <d>\n[e]"), r"a\|b \*c\* \<d\> \[e\]"),
    ],
)
def test_words(said, expected):
    assert said == expected


@pytest.mark.parametrize("width", [8, 20, 31])
def test_a_long_name_keeps_both_ends(width):
    from rich.cells import cell_len

    short = shortened("임베딩=워드투벡터,cell=gru,seed=1", width)
    assert cell_len(short) <= width
    assert "…" in short
    assert short.startswith("임") and short.endswith("1")


def test_a_short_name_stays():
    assert shortened("임베딩", 6) == "임베딩"


def test_a_table_as_markdown_and_html():
    table = Table(["run", "n"], [["a|<b>", "1"]])
    assert table.markdown() == "| run | n |\n| :-- | --: |\n| a\\|\\<b\\> | 1 |"
    assert '<td style="text-align: left">a|&lt;b&gt;</td>' in table.html()
