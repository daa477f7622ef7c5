"""README.md of a model: what it is, how it was made, how good it is, and what speaks against it.

Every figure in it stands in run.json or epochs.csv, or follows from the run's predictions and its sweep's baselines.
"""

from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined

from hftk.recipe.schema import Recipe
from hftk.replacing import replace_text
from hftk.report.card.evidence import Evidence, gather_evidence
from hftk.report.card.limitations import limitations
from hftk.report.card.loading import about_loading, loading_code
from hftk.report.card.metadata import Known, eval_results, metadata
from hftk.report.card.parts import (
    about,
    about_reproduce,
    below_data,
    below_figures,
    classes,
    data_table,
    environment,
    epochs,
    figures,
    findings,
    reproduce,
    training,
)
from hftk.report.runs import Run, read_run
from hftk.report.wording import escaped, split_metric

__all__ = ["Evidence", "Known", "card", "eval_results", "gather_evidence", "write_card"]


def write_card(folder: Path, recipe: Recipe) -> None:
    """Writes the card of a finished run's folder, with what run.json and epochs.csv say; a push completes it.

    recipe: the run's own. Raises RunError as `read_run` does, and where the disk refuses.
    """
    replace_text(folder / "model" / "README.md", card(read_run(folder), recipe))


def card(
    run: Run,
    recipe: Recipe,
    *,
    evidence: Evidence | None = None,
    model_id: str | None = None,
    adapter: bool = False,
    pushed: bool = False,
    known: Known | None = None,
) -> str:
    """Markdown, with the metadata that the Hub reads in front.

    run: a finished one; recipe: its own. evidence: None: without intervals, baselines and classes. model_id: where it
    will lie on the Hub. adapter: of an adapter alone. pushed: do recipe.yaml and curves.png lie beside it? known: what
    the cards of its base model and data say. The same input gives the same bytes.
    """
    return _template().render(
        metadata=metadata(run, recipe, adapter=adapter, known=known or Known()).to_yaml().strip(),
        title=f"{escaped(recipe.name)}: {escaped(run.name)}",
        about=about(run, recipe, adapter=adapter),
        code=loading_code(recipe, model_id=model_id, adapter=adapter),
        after_code=about_loading(run, recipe),
        figures=figures(run, evidence).markdown(),
        below_figures=below_figures(run, evidence),
        classes=classes(run, evidence),
        data=data_table(run).markdown(),
        below_data=below_data(run, recipe),
        training=training(run),
        epochs=epochs(run),
        metric=escaped(split_metric(run.ranking.metric)),
        pushed=pushed,
        findings=findings(run),
        limitations=[escaped(line) for line in limitations(run, evidence)],
        environment=environment(run),
        reproduce=reproduce(run, recipe, model_id=model_id),
        about_reproduce=about_reproduce(run, recipe, pushed=pushed),
    )


@cache
def _template():
    """Values are Markdown already: what comes from data, recipe or record has been escaped where it was put in."""
    text = files(__name__).joinpath("template.md").read_text(encoding="utf-8")
    environment = Environment(
        loader=FunctionLoader(lambda name: text),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("template.md")
