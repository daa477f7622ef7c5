"""Run folders → all that a report says of them."""

from collections.abc import Sequence

from hftk.report.advice import advice
from hftk.report.attention import attended
from hftk.report.changes import changes
from hftk.report.classwise import classes, confused
from hftk.report.content import Content, Curve, FindingRow
from hftk.report.differences import data_letters, grouped
from hftk.report.examples import hard_examples, suspicious_examples
from hftk.report.fairness import footnotes
from hftk.report.notes import data_notes
from hftk.report.provenance import commands, facts
from hftk.report.rows import comparison_rows, with_footnotes
from hftk.report.runs import Run, common_ranking
from hftk.report.settings import compare_settings, own_intervals, setting_rows, with_verdicts
from hftk.report.summary import summary
from hftk.report.votes import votes
from hftk.report.wording import override


def compared(runs: Sequence[Run], *, title: str, notices: Sequence[str], planned: str | None = None) -> Content:
    """runs: ranked. notices: what a person must be told about the report itself. planned: what `hftk plan` had said.

    What needs figures of the same items is said of the runs that saw the same data as the first one did.
    """
    runs = list(runs)
    ranking = common_ranking(runs)
    letters = data_letters(runs)
    alike = _alike(runs, letters)
    seen = votes(alike)
    rows = comparison_rows(runs, seen=seen, ranking=ranking, letters=letters)
    comparisons = compare_settings(alike, seen=seen, ranking=ranking)
    settings = setting_rows(alike, seen=seen, ranking=ranking, compared=comparisons)
    rows = with_verdicts(rows, settings=settings, intervals=own_intervals(seen, ranking=ranking))
    changed, lessons = changes(alike, seen=seen, ranking=ranking)
    notes = footnotes(runs)
    rows = with_footnotes(rows, notes)
    findings = _findings(runs)
    suspicious, about_suspicious = suspicious_examples(seen)
    first = next((row.name for row in rows if row.rank == 1), None)
    return Content(
        title=title,
        metric=ranking.metric,
        goal=ranking.goal,
        labels=alike[0].data.labels if alike else [],
        summary=summary(
            runs, rows=rows, settings=settings, findings=findings, ranking=ranking, letters=letters, lessons=lessons
        ),
        advice=advice(alike, ranking=ranking, compared=comparisons),
        rows=rows,
        settings=settings,
        findings=findings,
        curves=[_curve(run) for run in runs if run.curve],
        classes=classes(seen),
        hardest=hard_examples(seen),
        suspicious=suspicious,
        confused=confused(seen, first),
        attention=attended(alike, seen),
        data=data_notes(alike, seen),
        footnotes=[note.text for note in notes],
        notices=[*notices, *seen.notices],
        facts=facts(runs) + ([("planned", planned)] if planned else []),
        commands=commands(runs),
        about_suspicious=about_suspicious,
        changes=changed,
        lessons=lessons,
    )


def _alike(runs: list[Run], letters: dict[str, str] | None) -> list[Run]:
    """Those that saw the same data as most did."""
    return runs if letters is None else [run for run in runs if letters[run.name] == "A"]


def _findings(runs: list[Run]) -> list[FindingRow]:
    """The same finding of several runs once."""
    found = [(run, finding) for run in runs for finding in run.findings]
    groups = grouped(found, lambda pair: (pair[1]["kind"], pair[1]["message"], pair[1].get("suggestion")))
    rows = []
    for _, members in groups:
        finding = members[0][1]
        suggestion = finding.get("suggestion")
        rows.append(
            FindingRow(
                runs=tuple(run.name for run, _ in members),
                kind=finding["kind"],
                message=finding["message"],
                epoch=finding.get("epoch"),
                suggestion=override(suggestion["key"], suggestion["value"]) if suggestion else None,
                numbers=finding.get("numbers") or {},
            )
        )
    return sorted(rows, key=lambda row: row.kind)


def _curve(run: Run) -> Curve:
    names = list(dict.fromkeys(name for row in run.curve for name in row))
    return Curve(
        run=run.name,
        setting=run.setting,
        columns={name: [row.get(name) for row in run.curve] for name in names},
        kept_epoch=run.kept_epoch,
    )
