"""report.md: the comparison as a page that claims no more than its figures show."""

from hftk.report.comparison_tables import changes_table, classes_table, examples_table, ranked_table, settings_table
from hftk.report.content import Content, DataNote, FindingRow
from hftk.report.differences import data_letters, data_table
from hftk.report.runs import Run
from hftk.report.tables import epochs_table, failures_table, kept_row, ranks, test_figure
from hftk.report.wording import MISSING, epoch, escaped, listed, plural, split_metric


def report_markdown(content: Content, *, runs: list[Run], curves: str) -> str:
    """The page. `runs` in ranked order: those of `content`; `curves`: the picture's path beside it."""
    parts = [f"# {escaped(content.title)}", "\n".join(escaped(sentence) for sentence in content.summary)]
    if data_letters(runs):
        parts += [_DIFFERENT_DATA, data_table(runs).markdown()]
    parts += [
        "## Comparison",
        ranked_table(content).markdown(),
        *_below_table(content),
        f"![Learning curves]({curves})",
    ]
    if settings := settings_table(content):
        parts += ["## Settings over seeds", settings.markdown(), _SETTINGS]
    if content.changes:
        metric = split_metric(content.metric).removeprefix("validation ")
        shown = content.changes[:_CHANGES_SHOWN]
        more = [f"{plural(len(content.changes) - len(shown), 'more row')} in report.html."]
        parts += ["## One key at a time", "\n".join(f"- {escaped(line)}" for line in content.lessons)]
        parts += [changes_table(shown, metric=metric).markdown(), _CHANGES, *more[: len(content.changes) > len(shown)]]
    if content.findings:
        parts += ["## What was found", *map(_finding, content.findings)]
    if content.advice:
        parts += ["## What to do next", "\n".join(f"- {escaped(line)}" for line in content.advice)]
    if failures := failures_table(runs):
        parts += ["## Not finished", failures.markdown()]
    if content.data:
        parts += ["## The data", "\n".join(map(_data_note, content.data))]
    parts += [*_classes(content), *_examples(content), *_attention(content)]
    parts += ["## Epochs", *_epochs(runs)]
    if told := _notices(runs) + [f"- {escaped(notice)}" for notice in content.notices]:
        parts += ["## Notices", "\n".join(told)]
    parts += ["## How this was made", *map(_code, content.commands)]
    parts += ["\n".join(f"- {name}: {escaped(value)}" for name, value in content.facts)]
    return "\n\n".join(parts) + "\n"


_DIFFERENT_DATA = (
    "> **These runs did not see the same data.** Figures of runs whose letter in the column `data` differs "
    "cannot be compared."
)
_SETTINGS = (
    "n: finished runs; sd: sample standard deviation over seeds; 95 %: interval over seeds and test examples; p: "
    "adjusted for the number of settings (Holm)."
)
_CHANGES = (
    "Settings that differ in one swept key, or in keys that always changed together; the last column names the one "
    "that the value in `to` is of. Paired tests on the test split, p adjusted for the number of these rows (Holm)."
)
_CHANGES_SHOWN = 40
_EXAMPLES_SHOWN = 10
_PAIRS_SHOWN = 10


def _below_table(content: Content) -> list[str]:
    lines = []
    if any(row.interval for row in content.rows):
        lines.append(
            "95 %: interval of the test figure before it, over test examples. Beside the first: what a paired test on "
            "the test split says of the row and the one that is best on validation; a tie is no difference shown, not "
            "equality."
        )
    notes = [f"[{number}] {escaped(text)}" for number, text in enumerate(content.footnotes, 1)]
    return lines + (["  \n".join(notes)] if notes else [])


def _finding(found: FindingRow) -> str:
    at = f", epoch {epoch(found.epoch)}" if found.epoch is not None else ""
    tried = f" Try `{found.suggestion}`." if found.suggestion else ""
    return f"- **{found.kind}** ({escaped(listed(list(found.runs), 6))}{at}): {escaped(found.message)}{tried}"


def _data_note(note: DataNote) -> str:
    return f"- **{escaped(note.text)}**" if note.level == "problem" else f"- {escaped(note.text)}"


def _classes(content: Content) -> list[str]:
    """Of the first run: those of the others are on the page."""
    first = next((row.name for row in content.rows if row.rank == 1), "")
    if (table := classes_table(content, first)) is None:
        return []
    parts = [f"## Class by class: {escaped(first)}", table.markdown()]
    if content.confused:
        pairs = [
            f"- {escaped(true)} taken for {escaped(said)}: {plural(number, 'item')}, {share:.1%} of {escaped(true)}"
            for true, said, number, share in content.confused[:_PAIRS_SHOWN]
        ]
        parts += ["Most often confused:", "\n".join(pairs)]
    return parts


def _examples(content: Content) -> list[str]:
    parts = []
    if content.suspicious:
        table = examples_table(content.suspicious[:_EXAMPLES_SHOWN])
        parts += ["## Likely wrong labels", escaped(content.about_suspicious), table.markdown()]
    if content.hardest:
        parts += ["## Hardest examples", examples_table(content.hardest[:_EXAMPLES_SHOWN]).markdown()]
    return parts


def _attention(content: Content) -> list[str]:
    """The words that got the most weight; the page shows all."""
    lines = []
    for one in content.attention:
        heaviest = sorted(zip(one.weights, one.tokens, strict=True), reverse=True)[:5]
        words = ", ".join(f"{escaped(token)} {weight:.2f}" for weight, token in heaviest)
        lines.append(f"- {escaped(one.run)}, {escaped(one.label)}, said {escaped(one.said)}: {words}")
    return ["## Where attention went", "\n".join(lines)] if lines else []


def _epochs(runs: list[Run]) -> list[str]:
    parts = []
    places = ranks(runs)
    for run in runs:
        rank = "" if places[run.name] == MISSING else f"{places[run.name]}. "
        status = "" if run.status == "finished" else f" ({run.status})"
        parts.append(f"### {rank}{escaped(run.name)}{status}")
        parts.append(epochs_table(run).markdown() if run.curve else "No epoch was recorded.")
        if run.curve and run.status == "finished" and kept_row(run) is None:
            name = f"test_{run.ranking.metric.removeprefix('validation_')}"
            shown = test_figure(run, name)
            if shown != MISSING:
                parts.append(
                    f"{escaped(split_metric(name))} of the kept weights (epoch {epoch(run.kept_epoch)}): {shown}"
                )
    return parts


def _notices(runs: list[Run]) -> list[str]:
    told: dict[str, list[str]] = {}
    for run in runs:
        for notice in [*_truncations(run), *run.notices]:
            told.setdefault(notice, []).append(run.name)
    return [
        f"- {escaped(notice)}" + ("" if len(names) == len(runs) else f" ({escaped(listed(names))})")
        for notice, names in told.items()
    ]


def _truncations(run: Run) -> list[str]:
    notices = []
    for split, cut in run.data.truncated.items():
        rows = run.data.rows.get(split)
        if cut and rows:
            notices.append(
                f"{split}: {cut:,} of {rows:,} rows ({cut / rows:.1%}) were longer than the maximum length and "
                f"{run.data.longer_are}."
            )
    return notices


def _code(command: str) -> str:
    fence = "```"
    while fence in command:
        fence += "`"
    return f"{fence}\n{command}\n{fence}"
