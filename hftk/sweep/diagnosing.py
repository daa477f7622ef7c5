"""What a sweep's end knows of its runs: the diagnosis, which needs the runs beside one and the baselines."""

import json
from dataclasses import replace
from pathlib import Path

from hftk.analysis.cutting import Cutting, read_cutting
from hftk.analysis.diagnosis import RULES, diagnose
from hftk.analysis.evidence import RunEvidence, read_evidence
from hftk.errors import RunError
from hftk.report.runs import Run, read_runs
from hftk.sweep.record import read_run, write_json
from hftk.training.findings import Finding

# of these the first does not look at the input
_MAJORITY = "majority class"


def record_findings(folder: Path) -> dict[str, list[Finding]]:
    """Diagnoses every run of the sweep that ended by itself, and writes what it finds into its run.json.

    folder: the sweep's. What was found while a run was trained (numbers that are not finite, a lack of memory) stays,
    and stands first; an earlier diagnosis is replaced, so that calling this again changes nothing. Returns run → what
    the diagnosis found. To be called when all runs have ended and the baselines are there, by one process alone.

    Raises RunError where a file of a run is broken or the disk refuses.
    """
    runs = read_runs(folder)
    found = {}
    for run in runs:
        if run.status not in ("finished", "failed"):
            continue
        baseline = best_baseline(folder, run) if run.status == "finished" else None
        evidence = read_evidence(folder / run.name, runs=runs, baseline=baseline)
        found[run.name] = diagnose(replace(evidence, cutting=lost_by_cutting(folder, evidence)))
        _write(folder / run.name, found[run.name])
    return found


def best_baseline(folder: Path, run: Run) -> float | None:
    """The validation accuracy of the best of the sweep's baselines that learn from the input; None without any.

    Raises RunError where their file is broken.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    place = folder / "baselines" / (run.data.fingerprint or "")[:16]
    path = place / "predictions.parquet"
    if not run.data.fingerprint or not path.is_file():
        return None
    try:
        told = json.loads((place / "baselines.json").read_text(encoding="utf-8"))["baselines"]
        names = [one["name"] for one in told if one["name"] != _MAJORITY]
        table = pq.read_table(path, columns=["label", *names], filters=[("split", "==", "validation")])
        labels = table["label"].cast(pa.string())
        shares = [pc.mean(pc.equal(table[name].cast(pa.string()), labels)).as_py() for name in names]
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise RunError(f"{path}: cannot be read ({error}). Remove {place} to have it made again.") from error
    return max((share for share in shares if share is not None), default=None)


def lost_by_cutting(folder: Path, evidence: RunEvidence) -> Cutting | None:
    """What the sweep in `folder` knows of texts cut as this run's are; None where few are, or in older folders.

    Raises RunError where its file is broken.
    """
    fingerprint = evidence.run.data.fingerprint
    return read_cutting(folder, fingerprint, evidence.recipe) if fingerprint else None


def _write(folder: Path, found: list[Finding]) -> None:
    record = read_run(folder) or {}
    in_training = [one for one in record.get("findings", []) if one.get("kind") not in RULES]
    findings = json.loads(json.dumps([*in_training, *(one.to_json() for one in found)], default=str))
    if findings != record.get("findings"):
        write_json(folder / "run.json", record | {"findings": findings})
