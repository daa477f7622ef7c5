import base64
import hashlib
import json
import math
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from hftk.report.content import Content, Interval
from hftk.report.page import SCRIPTS, STYLES, page_html
from hftk.report.page.bars import REACH, Scale
from hftk.report.page.comparison import comparison
from hftk.report.page.shown import percent, signed, significant, swept_words, title

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "<!-- <script>",
    "-->]]>",
    '"\'>" onmouseover="alert(1)" \'',
    "{{ content.title }} {% raw %} ${alert(1)} `${1}`",
    "a\u2028b\u2029c",
    "&lt;b&gt; &amp; &#60;",
    "javascript:alert(1)",
    "\\u003c \\ \\n %3Cb%3E",
    "한국어 <b>굵게</b> \u202eabc",
    "constructor",
    "__proto__",
]
VOID = {"meta", "input", "img", "wbr", "br"}


class Page(HTMLParser):
    """The elements of a page, and whether they are properly nested."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.shape: list[tuple[str, tuple[str, ...]]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.comments: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute stands twice: {tag} {attrs}"
        self.elements.append((tag, dict(attrs)))
        if tag != "wbr":
            self.shape.append((tag, tuple(name for name, _ in attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]].append(data)
        else:
            self.texts.append(data)

    def handle_comment(self, data):
        self.comments.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    @property
    def payload(self) -> dict:
        return json.loads(self.raw["script"][0])


@pytest.fixture(scope="module", params=["news", "korean", "fifty", "failed", "single", "tagger"])
def content(request) -> Content:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def html(content) -> str:
    return page_html(content)


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def harmless(hostile) -> Page:
    return Page(page_html(hostile("x")))


class TestForm:
    def test_is_well_formed_with_ids_headings_and_names_in_order(self, page):
        ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
        assert [name for name, times in ids.items() if times > 1] == []
        links = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
        assert {link for link in links if link[1:] not in ids and not link.startswith("#run=")} == set()
        named = {
            value for _, attributes in page.elements for key, value in attributes.items() if key == "aria-labelledby"
        }
        assert named - set(ids) - {"run-name"} == set()  # which the script makes
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1 and all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
        tables = [tag for tag, _ in page.elements if tag in ("table", "caption")]
        assert tables == ["table", "caption"] * (len(tables) // 2)
        assert not page.comments

    def test_asks_nothing_of_the_network_and_runs_only_its_own_script(self, page):
        policy = next(attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes)
        script, style = "".join(page.raw["script"][1:]), "".join(page.raw["style"])
        for kind, text in {"script": script, "style": style}.items():
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"{kind}-src 'sha256-{digest}'" in policy
        assert policy.startswith("default-src 'none'; img-src data:;") and "unsafe" not in policy
        assert "@import" not in style and "url(" not in style
        for _, attributes in page.elements:
            assert "style" not in attributes and not any(name.startswith("on") for name in attributes)
            assert all((attributes.get(name) or "data:").startswith("data:") for name in ("src", "srcset", "action"))
            assert (attributes.get("href") or "#").startswith("#")

    def test_the_same_content_gives_the_same_bytes(self, content, html):
        assert page_html(replace(content)) == html

    def test_holds_all_its_parts(self):
        html = page_html(_nothing())
        parts = [("style", f"{name}.css") for name in STYLES] + [("script", f"{name}.js") for name in SCRIPTS]
        for folder, name in parts:
            assert files("hftk.report.page").joinpath(folder, name).read_text(encoding="utf-8") in html
        there = {
            path.name for folder in ("style", "script") for path in files("hftk.report.page").joinpath(folder).iterdir()
        }
        assert there == {name for _, name in parts}

    def test_an_empty_report_is_a_page_too(self):
        page = Page(page_html(_nothing()))
        assert not any(tag in ("table", "section") and attributes.get("aria-labelledby") != "comparison"
                       and attributes.get("aria-label") != "Summary" for tag, attributes in page.elements)  # fmt: skip


class TestEscaping:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_any_text_stays_text(self, hostile, harmless, text):
        html = page_html(hostile(text))
        page = Page(html)
        # the same elements with the same attributes, whatever the text is
        assert page.shape == harmless.shape
        assert page.comments == []
        assert page.text.count(text) >= 30
        assert page.payload["labels"] == [text, f"2{text}"]
        assert [row["name"] for row in page.payload["rows"]] == [f"{letter}={text}" for letter in "abc"]
        assert page.payload["rows"][0]["swept"][0] == [text, text]
        assert next(iter(page.payload["curves"][0]["gradients"].values())) == [1, 2]
        assert page.payload["classes"][0]["split"] == text
        payload = re.search(r'id="payload">(.*?)</script>', html, re.DOTALL)[1]
        assert not re.search("[<>&\u2028\u2029]", payload), "no letter that HTML or a script could read"


class TestSize:
    def test_fifty_runs_of_thirty_epochs_and_fifty_classes_are_below_3_mb(self, fifty):
        assert len(fifty.curves) == len(fifty.classes) == 50
        assert all(len(curve.columns["epoch"]) == 30 for curve in fifty.curves)
        assert len(fifty.labels) == 50 and len(fifty.hardest + fifty.suspicious) == 100
        assert len(page_html(fifty).encode()) < 3_000_000 / 2

    def test_matrices_without_a_zero_fit_too(self, fifty):
        full = [replace(one, confusion=[[7 + row for _ in range(50)] for row in range(50)]) for one in fifty.classes]
        assert len(page_html(replace(fifty, classes=full)).encode()) < 3_000_000 / 2


class TestPayload:
    def test_the_confusion_matrix_is_packed_without_loss(self, content, page):
        for packed, classes in zip(page.payload["classes"], content.classes, strict=True):
            cells = []
            for number in packed["confusion"]:
                cells += [0] * -number if number < 0 else [number]
            whole = [cell for line in classes.confusion for cell in line]
            assert cells + [0] * (len(whole) - len(cells)) == whole

    def test_figures_keep_six_digits_and_what_is_no_number_its_name(self, failed):
        curve = failed.curves[1]
        changed = replace(curve, columns=curve.columns | {"grad_norm": [1 / 3, None, math.inf, -math.inf, 2.0, 1e-9]})
        columns = Page(page_html(replace(failed, curves=[changed]))).payload["curves"][0]["columns"]
        assert columns["grad_norm"] == [0.333333, None, "inf", "-inf", 2, 1e-9]
        assert columns["train_loss"][-1] == "NaN"


class TestWithoutScript:
    def test_table_and_texts_are_in_the_page_itself(self, news):
        text = " ".join(Page(page_html(news)).text.split())
        for row in news.rows:
            assert row.name in text and f"{row.figures['test_accuracy']:.4f}" in text
        said = [*news.summary, *news.advice, *news.footnotes, *news.notices, *news.commands]
        said += [finding.message for finding in news.findings] + [note.text for note in news.data]
        said += [" ".join(example.text.split()) for example in news.hardest + news.suspicious]
        said += [value for _, value in news.facts]
        assert [one for one in said if one not in text] == []

    def test_korean_stays_whole(self, korean):
        page = Page(page_html(korean))
        assert all(sentence in page.text for sentence in korean.lessons)
        assert all(f"{row.against_test:.4f}" in page.text and row.value in page.text for row in korean.changes)
        assert "\u22120.0494" in page.text and "\u22120.0097 to +0.0063" in " ".join(page.text.split())
        assert korean.title in page.text and all(row.name in page.text for row in korean.rows)
        assert 'class="run text" lang=""' in page_html(korean)


class TestComparison:
    def test_rows_stand_in_the_order_of_the_content_and_the_unfinished_below(self, failed, news):
        assert [line.row for line in comparison(news).lines] == news.rows
        table = comparison(failed)
        assert [line.row.name for line in table.lines] == ["learning_rate=2e-05"]
        assert [line.row.status for line in table.unfinished] == ["failed", "pruned"]
        reasons = [cell.text for line in table.unfinished for cell in line.cells if "NaN at step" in cell.text]
        assert reasons == [failed.rows[1].reason]

    def test_cells_are_words_and_what_they_are_sorted_by(self, news):
        table = comparison(news)
        cells = dict(zip([column.title for column in table.columns], table.lines[1].cells, strict=True))
        assert (cells["validation accuracy"].text, cells["validation accuracy"].value) == ("0.7012", 0.7012)
        assert cells["over baseline"].text == "\u22120.0203"
        assert cells["beside the first"].text == "first"
        assert cells["findings"].text == "overfitting"  # without what was found in all nine
        assert cells["embeddings"].text == "glove"
        assert cells["time"].value == 2135.7
        assert "trained" in cells and "seed" not in cells
        baseline = dict(zip([column.title for column in table.columns], table.lines[0].cells, strict=True))
        assert (baseline["over baseline"].text, baseline["over baseline"].value) == ("–", None)

    def test_a_figure_that_is_no_number_has_no_place_in_the_order(self, failed):
        table = comparison(failed)
        titles = [column.title for column in table.unfinished_columns]
        cell = table.unfinished[0].cells[titles.index("validation accuracy until then")]
        assert (cell.text, cell.value) == ("NaN", None)
        endless = replace(failed, rows=[replace(failed.rows[0], figures={"validation_accuracy": math.inf})])
        assert comparison(endless).lines[0].cells[0].value is None

    def test_first_press_brings_the_best_up(self, news):
        assert next(c.first for c in comparison(news).columns if c.title == "test accuracy") == "descending"
        lower = comparison(replace(news, goal="minimize"))
        assert next(c.first for c in lower.columns if c.title == "test accuracy") == "ascending"

    def test_filters_are_the_keys_with_few_values(self, fifty, news):
        assert [(one.key, one.values) for one in comparison(news).filters] == [
            ("model.cell", ["gru", "lstm", "rnn"]),
            ("embeddings", ["glove", "fasttext", "word2vec"]),
        ]
        rows = [replace(row, swept={"training.learning_rate": float(place)}) for place, row in enumerate(fifty.rows)]
        assert comparison(replace(fifty, rows=rows)).filters == []


class TestBars:
    def test_places_are_shares_of_the_common_line(self):
        scale = Scale.over([0.5, 0.7], [Interval(0.4, 0.6), None], first=None)
        assert (scale.low, scale.high) == (pytest.approx(0.4 - 0.018), pytest.approx(0.7 + 0.018))
        bar = scale.bar(0.5, Interval(0.4, 0.6))
        assert (bar.low, bar.at, bar.high) == pytest.approx((5.36, 35.12, 64.88), abs=0.01)
        assert bar.label == "0.5000, 95 % interval 0.4000 to 0.6000"
        assert scale.bar(0.7, None).label == "0.7000, no interval"

    def test_what_is_far_from_the_first_is_pointed_to(self):
        half = 0.01
        values = [0.80, 0.80 - half * (REACH - 2), 0.05, 0.999]
        intervals = [Interval(value - half, value + half) for value in values]
        scale = Scale.over(values, intervals, first=0.80)
        sides = [scale.bar(value, interval).beyond for value, interval in zip(values, intervals, strict=True)]
        assert sides == [None, None, "left", "right"]

    @pytest.mark.parametrize("value", [None, math.nan, math.inf])
    def test_no_number_no_bar(self, value):
        assert Scale.over([value], [None], first=None) is None
        assert Scale.over([0.5], [None], first=value).bar(value, None) is None

    def test_one_figure_has_a_line_too(self):
        assert Scale.over([0.5], [None], first=0.5).bar(0.5, None).at == 50
        assert Scale.over([0.0], [None], first=0.0).bar(0.0, None).at == 50


class TestShown:
    def test_words(self):
        assert [signed(value) for value in (0.01234, -0.5, 0.00001, -0.00001, None, math.nan)] == [
            "+0.0123",
            "\u22120.5000",
            "0.0000",
            "0.0000",
            "–",
            "–",
        ]
        assert [title(name) for name in ("test_ece", "test_brier", "validation_f1_macro")] == [
            "test ECE",
            "test Brier score",
            "validation f1_macro",
        ]
        assert percent(0.0312) == "3.1 %"
        assert [significant(value) for value in (0.123456, 12, "NaN", None, [1])] == ["0.1235", "12", "NaN", "–", "[1]"]

    def test_of_mappings_only_what_differs(self):
        word2vec, glove = {"method": "word2vec", "size": 100}, {"method": "glove", "path": "g.txt"}
        assert swept_words([word2vec, glove]) == ["word2vec", "glove"]
        larger = word2vec | {"size": 300}
        assert swept_words([word2vec, larger]) == ["100", "300"]
        assert swept_words([word2vec, larger, glove]) == [
            "method=word2vec, size=100",
            "method=word2vec, size=300",
            "method=glove",
        ]
        assert swept_words([word2vec, None]) == ['{"method": "word2vec", "size": 100}', "–"]
        assert swept_words([True, 1e-5, "a"]) == ["true", "1e-05", "a"]


class TestContrast:
    """WCAG 2's ratio of text to what it stands on: 4.5 or more, in both themes."""

    @pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
    def test_text_can_be_read(self, theme):
        colours = _colours(theme)
        for text in ("ink", "quiet", "accent", "good", "bad"):
            for paper in ("paper", "tint"):
                assert _contrast(colours[text], colours[paper]) >= 4.5, (text, paper)

    @pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
    def test_counts_and_words_can_be_read_on_every_shade(self, theme):
        colours = _colours(theme)
        for heat in ("heat", "heat-right", "heat-word"):
            for share in range(0, 101, 10):
                shade = _mixed(colours[heat], colours["paper"], share / 100)
                assert _contrast(colours["ink"], shade) >= 4.5, (heat, share)


def _colours(theme: int) -> dict[str, str]:
    css = files("hftk.report.page").joinpath("style", "page.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", css)
    return {name: both[theme] for name, *both in pairs}


def _channels(colour: str) -> list[float]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def _mixed(one: str, other: str, share: float) -> str:
    mixed = [a * share + b * (1 - share) for a, b in zip(_channels(one), _channels(other), strict=True)]
    return "#" + "".join(f"{round(channel):02x}" for channel in mixed)


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in _channels(colour))
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _nothing() -> Content:
    lists = [
        "labels",
        "summary",
        "advice",
        "rows",
        "settings",
        "findings",
        "curves",
        "classes",
        "hardest",
        "suspicious",
    ]
    lists += ["confused", "attention", "data", "footnotes", "notices", "facts", "commands"]
    return Content(title="t", metric="validation_accuracy", goal="maximize", **{name: [] for name in lists})
