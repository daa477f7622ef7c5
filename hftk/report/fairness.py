"""What differs between runs though it should not, so that a figure may differ for another reason than it seems."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hftk.analysis.swept import taken_apart
from hftk.report.differences import grouped
from hftk.report.runs import Run
from hftk.report.wording import count, listed, plural

_STEPS_APART = 1.1
"""Optimizer steps that differ by less than a tenth come from the last batch of an epoch, or a stop a little earlier."""
_COMPUTED_BY = ("hftk", "torch", "transformers", "scikit-learn", "evaluate", "seqeval")
"""Packages whose version may change how a figure is computed."""


@dataclass(frozen=True)
class Footnote:
    text: str
    runs: tuple[str, ...]
    """Names of the runs that it is about."""


def footnotes(runs: Sequence[Run]) -> list[Footnote]:
    """About the finished runs; none where they differ in nothing but what was swept. Data sets have their own column.

    A difference that was swept on purpose is told too: it is a cause of the figures all the same.
    """
    finished = [run for run in runs if run.status == "finished"]
    if len(finished) < 2:
        return []
    return [
        *_split_off(finished, _trained_on, _train_text),
        *_split_off(finished, lambda run: run.data.max_length, _length_text),
        *_steps(finished),
        *_split_off(finished, _computed_by, lambda run, usual: f"Computed with {_versions(run, usual)}"),
        *_split_off(finished, lambda run: run.world_size, _processes_text),
        *_split_off(finished, lambda run: run.device, _device_text),
        *_trials(finished),
        *_seeds(finished),
    ]


def _split_off(
    runs: Sequence[Run], value: Callable[[Run], Hashable], text: Callable[[Run, Run], str]
) -> list[Footnote]:
    """A footnote for each group of runs whose value is not the most common one. text: of one of them, a usual run."""
    groups = grouped([run for run in runs if value(run) is not None], value)
    return [
        Footnote(f"{text(members[0], groups[0][1][0])}.", tuple(run.name for run in members))
        for _, members in groups[1:]
    ]


def _trained_on(run: Run) -> str | None:
    return run.data.split_fingerprints.get("train")


def _train_text(run: Run, usual: Run) -> str:
    return f"Trained on other data: {_train(run)}, elsewhere {_train(usual)}"


def _train(run: Run) -> str:
    changed = run.data.relabelled.get("train")
    made_anew = f", {changed:.1%} of their labels made anew" if changed else ""
    return f"{plural(run.data.rows.get('train', 0), 'row')}{made_anew} (fingerprint {_trained_on(run)[:12]})"


def _length_text(run: Run, usual: Run) -> str:
    return (
        f"Texts of at most {count(run.data.max_length)} tokens ({_cut(run)}), elsewhere "
        f"{count(usual.data.max_length)} ({_cut(usual)})"
    )


def _cut(run: Run) -> str:
    split = "test" if "test" in run.data.rows else "validation"
    rows, cut = run.data.rows.get(split), run.data.truncated.get(split)
    return f"{cut / rows:.1%} of {split} longer" if rows and cut is not None else "share of longer ones unknown"


def _steps(runs: Sequence[Run]) -> list[Footnote]:
    """The usual number is the median; a number within a tenth of it is no difference."""
    known = sorted(run.steps for run in runs if run.steps)
    if not known:
        return []
    usual = known[len(known) // 2]
    apart = [run for run in runs if run.steps and max(run.steps / usual, usual / run.steps) > _STEPS_APART]
    return [
        Footnote(
            f"Trained for {plural(steps, 'optimizer step')}; usual here: {usual:,}.", tuple(r.name for r in members)
        )
        for steps, members in grouped(apart, lambda run: run.steps)
    ]


def _computed_by(run: Run) -> tuple[str, ...] | None:
    known = tuple(f"{name} {run.versions[name]}" for name in _COMPUTED_BY if name in run.versions)
    return known or None


def _versions(run: Run, usual: Run) -> str:
    own, others = _computed_by(run) or (), _computed_by(usual) or ()
    return f"{listed([one for one in own if one not in others], 6)}, elsewhere " + listed(
        [one for one in others if one not in own], 6
    )


def _processes_text(run: Run, usual: Run) -> str:
    return f"Trained by {run.world_size} process{'' if run.world_size == 1 else 'es'}, elsewhere {usual.world_size}"


def _device_text(run: Run, usual: Run) -> str:
    return f"Trained on {run.device}, elsewhere on {usual.device}"


def _model(swept: Mapping[str, Any]) -> str:
    """What was swept of the model, in words; empty where all have the same."""
    return ", ".join(f"{key}={value}" for key, value in sorted(swept.items()) if key in _MODEL_KEYS)


_MODEL_KEYS = frozenset({"model.pretrained", "model.architecture", "model.cell"})
"""Keys that name another model, rather than a setting of one."""


def _trials(runs: Sequence[Run]) -> list[Footnote]:
    """More settings tried of a model are more chances to be the best on validation."""
    models = {run.name: _model(own) for run, own in zip(runs, taken_apart([run.swept for run in runs]), strict=True)}
    settings = {(models[run.name], run.setting) for run in runs}
    trials = Counter(model for model, _ in settings)
    if len(trials) < 2 or len(set(trials.values())) == 1:
        return []
    most, least = max(trials.values()), min(trials.values())
    return [
        Footnote(
            f"Of this model {plural(number, 'setting')} were tried, of others as few as {least}: the best of more "
            "tries looks better on validation than it is."
            if number == most
            else f"Of this model only {plural(number, 'setting')} {'was' if number == 1 else 'were'} tried, of others "
            f"up to {most}.",
            tuple(run.name for run in runs if models[run.name] == model),
        )
        for model, number in sorted(trials.items())
        if number in (most, least)
    ]


def _seeds(runs: Sequence[Run]) -> list[Footnote]:
    seeds = Counter(run.setting for run in runs)
    if len(set(seeds.values())) == 1:
        return []
    most = max(seeds.values())
    return [
        Footnote(
            f"{plural(number, 'seed')} finished, elsewhere up to {most}.",
            tuple(run.name for run in runs if seeds[run.setting] == number),
        )
        for number in sorted(set(seeds.values()) - {most})
    ]
