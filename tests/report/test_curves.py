import math
import warnings
from pathlib import Path

import pytest
from PIL import Image

from hftk.report import fonts
from hftk.report.curves import COLOURS, HIGHLIGHTED, _look, draw_curves
from hftk.report.runs import read_runs


def drawn(folder: Path, title: str = "grid") -> tuple[Image.Image, list[str]]:
    path = folder / "picture"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        notices = draw_curves(read_runs(folder), path, title=title)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return picture.convert("RGB"), notices


def colours(picture: Image.Image) -> set[str]:
    return {"#{:02X}{:02X}{:02X}".format(*colour) for _, colour in picture.getcolors(2**24)}


@pytest.mark.parametrize("runs", [1, 8])
def test_each_run_has_its_colour(write_run, runs):
    for number in range(runs):
        folder = write_run(f"run{number}", accuracy=0.5 + number / 100)
    picture, notices = drawn(folder)
    assert notices == []
    assert colours(picture) >= set(COLOURS[1:runs]) | {COLOURS[0]}
    # black is also the colour of letters
    assert not colours(picture) & (set(COLOURS[runs:]) - {"#000000"})


def test_many_runs_differ_in_colour_or_mark_and_the_rest_is_grey(write_run):
    looks = [_look(place) for place in range(HIGHLIGHTED)]
    assert len(set(looks)) == HIGHLIGHTED
    assert {_look(place) for place in range(HIGHLIGHTED, 60)} == {("#B8B8B8", ".")}
    for number in range(20):
        folder = write_run(f"run{number:02}", accuracy=0.5 + number / 100)
    few, _ = drawn(folder)
    for number in range(20, 60):
        write_run(f"run{number:02}", accuracy=0.4)
    many, _ = drawn(folder)
    assert few.size == many.size


def test_a_single_epoch_is_a_mark(write_run):
    picture, _ = drawn(write_run("a", epochs=[(1.0, 0.5, 0.4, 0.8)], best_epoch=1.0))
    assert COLOURS[0] in colours(picture)


@pytest.mark.parametrize(
    "epochs",
    [
        None,
        [],
        [(1.0, math.nan, math.nan, math.nan)],
        [(1.0, None, None, None)],
        [(1.0, 0.5, math.inf, 0.5), (2.0, math.nan, 1e9, 0.5), (3.0, 0.1, 0.2, 0.5)],
    ],
)
def test_nothing_that_a_run_leaves_breaks_the_picture(write_run, epochs):
    drawn(write_run("a", epochs=epochs, status="failed"))


def test_names_beyond_latin_take_a_font_that_has_them(write_run):
    families, notice = fonts.families_for("임베딩=워드투벡터")
    if notice:
        pytest.skip("no font with Korean letters is installed")
    assert families[0] == fonts.DEFAULT and len(families) == 2
    _, notices = drawn(write_run("임베딩=워드투벡터"), title="한국어")
    assert notices == []


def test_without_such_a_font_one_notice_says_what_to_install(write_run, monkeypatch, capfd):
    monkeypatch.setattr(fonts, "_installed", lambda: [])
    write_run("임베딩=a")
    _, notices = drawn(write_run("임베딩=b"))
    assert notices == [
        "curves.png: no installed font has '딩베임'; these characters are drawn as boxes. Install one (Debian, Ubuntu: "
        "apt-get install fonts-nanum fonts-noto-cjk; Fedora: dnf install google-noto-sans-cjk-fonts) "
        "and run `hftk report` again."
    ]
    assert capfd.readouterr().err == ""


def test_latin_text_looks_for_no_font(monkeypatch):
    monkeypatch.setattr(fonts, "_installed", lambda: pytest.fail("looked for fonts"))
    assert fonts.families_for("lr=1e-5, naïve") == (["DejaVu Sans"], None)


def test_a_font_that_matplotlibs_list_does_not_know_yet_is_found(monkeypatch):
    from matplotlib import font_manager

    korean = [path for path in font_manager.findSystemFonts() if Path(path).name.lower().startswith("nanumgothic")]
    if not korean:
        pytest.skip("fonts-nanum is not installed")
    known = [entry for entry in font_manager.fontManager.ttflist if entry.name == fonts.DEFAULT]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", known)
    families, notice = fonts.families_for("한국어")
    assert notice is None
    assert families[1].startswith("Nanum")


def test_pyplot_stays_out_of_it(write_run):
    import subprocess
    import sys

    folder = write_run("a")
    code = (
        "import sys; from hftk.report import write_report; write_report(sys.argv[1]); "
        "print([name for name in ('torch', 'transformers', 'pandas', 'matplotlib.pyplot') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
