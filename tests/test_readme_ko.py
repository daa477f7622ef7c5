"""README.ko.md, the first page in Korean, is in step with README.md: the same headings, commands, recipes and links."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# sections of README.md, in their order; the text above the first one belongs to the page too
FIRST_PAGE = ["What it is for", "What the report says", "Your CSV in three commands"]
MORE = 1
"""Sections of the Korean page alone: where to read on."""


def english() -> str:
    whole = ROOT.joinpath("README.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", whole, flags=re.MULTILINE)
    assert [section.partition("\n")[0] for section in sections[1 : 1 + len(FIRST_PAGE)]] == FIRST_PAGE
    return "## ".join(sections[: 1 + len(FIRST_PAGE)])


def korean() -> str:
    return ROOT.joinpath("README.ko.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[tuple[str, list[str]]]:
    """Every block of code: its language, and its lines without comments, which are translated."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(language, [re.sub(r"\s+# .*", "", line) for line in body.splitlines()]) for language, body in found]


def test_the_blocks_of_code_are_the_same():
    assert blocks(korean()) == blocks(english())
    assert len(blocks(korean())) >= 6


def test_there_are_as_many_sections_and_points():
    def headings(text: str) -> int:
        return len(re.findall("^## ", text, re.MULTILINE))

    assert headings(korean()) == headings(english()) + MORE
    assert len(re.findall(r"^- \*\*", korean(), re.MULTILINE)) == len(re.findall(r"^- \*\*", english(), re.MULTILINE))


def test_what_is_written_as_code_in_a_sentence_is_the_same():
    def words(text: str) -> set[str]:
        sentences = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        return set(re.findall(r"`([^`]+)`", " ".join(sentences.split())))

    assert words(korean()) == words(english())


def test_links_and_pictures_are_the_same_and_lead_somewhere():
    def targets(text: str) -> set[str]:
        return set(re.findall(r"\]\(([^)#]+)\)", text))

    read_on = {"README.md", "recipes/README.md"}
    assert targets(korean()) - read_on == targets(english()) - {"README.ko.md"} - read_on
    assert all(ROOT.joinpath(target).exists() for target in targets(korean()))


def test_each_page_leads_to_the_other():
    assert "](README.ko.md)" in english().split("```")[0]
    assert "](README.md)" in korean().split("```")[0]


@pytest.mark.parametrize("figure", ["3.11", "80/10/10", "5 %"])
def test_figures_are_the_same(figure):
    assert figure in korean()
    assert figure in english()
