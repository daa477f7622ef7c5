"""Fonts that have the characters of a text, where matplotlib's own has not."""

from pathlib import Path

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

DEFAULT = "DejaVu Sans"
# name of the family, beginning of its file's name: Korean first, then fonts that cover all of CJK or one of its scripts
KNOWN = {
    "NanumGothic": "nanumgothic",
    "Noto Sans CJK KR": "notosanscjk",
    "Noto Sans CJK JP": "notosanscjk",
    "Noto Sans KR": "notosanskr",
    "Source Han Sans": "sourcehansans",
    "Malgun Gothic": "malgun",
    "Apple SD Gothic Neo": "applesdgothicneo",
    "AppleGothic": "applegothic",
    "UnDotum": "undotum",
    "Baekmuk Dotum": "baekmuk",
    "WenQuanYi Zen Hei": "wqy-zenhei",
    "Microsoft YaHei": "msyh",
    "Yu Gothic": "yugoth",
    "PingFang SC": "pingfang",
    "Hiragino Sans": "hiragino",
    "Arial Unicode MS": "arial unicode",
}


def families_for(text: str) -> tuple[list[str], str | None]:
    """Font families to draw `text` with, in order of preference, and a notice where some characters will be boxes."""
    missing = _beyond(text, font_manager.findfont(DEFAULT))
    if not missing:
        return [DEFAULT], None
    families = [DEFAULT]
    for family, path in _installed():
        still = _beyond("".join(missing), path)
        if len(still) < len(missing):
            families.append(family)
            missing = still
        if not missing:
            return families, None
    shown = "".join(sorted(missing)[:10])
    return families, (
        f"curves.png: no installed font has {shown!r}; these characters are drawn as boxes. Install one "
        "(Debian, Ubuntu: apt-get install fonts-nanum fonts-noto-cjk; Fedora: dnf install google-noto-sans-cjk-fonts) "
        "and run `hftk report` again."
    )


def _beyond(text: str, path: str) -> set[str]:
    """The characters of `text` that the font has no glyph for."""
    glyphs = FT2Font(path).get_charmap()
    return {character for character in text if ord(character) not in glyphs and not character.isspace()}


def _installed() -> list[tuple[str, str]]:
    """(family, file) of the known fonts: from matplotlib's list or, since that goes stale, the system's folders."""
    listed = {entry.name: entry.fname for entry in font_manager.fontManager.ttflist}
    found = [(family, listed[family]) for family in KNOWN if family in listed and Path(listed[family]).is_file()]
    if found:
        return found
    files = sorted(font_manager.findSystemFonts(), key=lambda path: ("bold" in path.lower(), path))
    for start in dict.fromkeys(KNOWN.values()):
        for path in files:
            if Path(path).name.lower().startswith(start):
                font_manager.fontManager.addfont(path)
                found.append((font_manager.fontManager.ttflist[-1].name, path))
                break
    return found
