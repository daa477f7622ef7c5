"""report.html: all that `Content` says as one file that works offline, readable without its script too."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from hftk.report.comparison_tables import probability
from hftk.report.content import Content
from hftk.report.page.comparison import VERDICTS, comparison
from hftk.report.page.grouping import by_kind
from hftk.report.page.payload import payload
from hftk.report.page.settings import settings
from hftk.report.page.shown import breakable, is_number, percent, signed, significant, title
from hftk.report.wording import count, epoch, figure

__all__ = ["page_html"]

STYLES = ("page", "tables", "charts", "print")
SCRIPTS = ("dom", "selection", "tables", "scale", "chart", "curves", "matrix", "classes", "run", "page")
"""In the order in which they build on each other."""


def page_html(content: Content) -> str:
    """The page; the same content gives the same bytes.

    It asks nothing of the network, and its Content-Security-Policy forbids it to: only its own style and script, known
    by their hashes, and images given as data URIs. Texts, labels and names are escaped wherever they stand.
    """
    style = "".join(_read("style", f"{name}.css") for name in STYLES)
    script = '"use strict";\n' + "".join(_read("script", f"{name}.js") for name in SCRIPTS)
    template = _environment().get_template("page.html")
    return template.render(
        content=content,
        comparison=comparison(content),
        settings=settings(content),
        verdicts=VERDICTS,
        findings=by_kind(content.findings),
        sections=_sections(content),
        style=Markup(style),
        script=Markup(script),
        payload=payload(content),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


@cache
def _environment() -> Environment:
    """The templates, compiled once."""
    environment = Environment(
        loader=FunctionLoader(lambda name: _read("templates", name)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "breakable": breakable,
        "count": count,
        "epoch": epoch,
        "figure": figure,
        "is_number": is_number,
        "percent": percent,
        "probability": probability,
        "signed": signed,
        "significant": significant,
        "title_of": title,
    }
    return environment


def _sections(content: Content) -> dict[str, str]:
    """Id and name of the sections that have something to show, in their order."""
    there = {
        "comparison": ("Comparison", content.rows),
        "settings": ("Over seeds", content.settings),
        "changes": ("One key at a time", content.changes),
        "curves": ("Learning curves", content.curves),
        "gradients": ("Gradients", [curve for curve in content.curves if curve.gradients]),
        "findings": ("Findings", content.findings),
        "classes": ("Class by class", content.classes),
        "confused": ("Confusions", content.confused),
        "suspicious": ("Likely label errors", content.suspicious),
        "hardest": ("Hardest examples", content.hardest),
        "attention": ("Attention", content.attention),
        "data": ("Data", content.data),
        "notices": ("Notices", content.notices),
        "made": ("How this was made", [*content.facts, *content.commands]),
    }
    return {key: name for key, (name, found) in there.items() if found}


def _read(*place: str) -> str:
    return files(__name__).joinpath(*place).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
