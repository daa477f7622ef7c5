"""Does a copy of a model, loaded as anyone would load it, say what the trained one said?

A clean process in which hftk cannot be imported loads model and tokenizer (or image processor) through transformers'
Auto classes and through `pipeline`, and both answers are compared with reference.json.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hftk.hub.made_reference import make_reference
from hftk.recipe.credentials import redacted
from hftk.training.reference import TOKENS_KEPT, read_reference

TOLERANCE = 1e-5
"""Largest absolute difference between two logits, or two probabilities, that are called the same. The same weights on
the same number of threads give the same bits; another processor's sums differ by about 1e-6."""
SECONDS_HERE = 600
"""For a folder: importing takes 10 s, BERT-large a minute on one core."""
SECONDS_THERE = 3600
"""For a model on the Hub, which is downloaded: 1.3 GB at 0.5 MB/s."""
_SCRIPT = Path(__file__).with_name("clean_process.py")
_OURS = "hftk_"
_REASON = 500
"""Letters of another library's message that are shown."""


@dataclass(frozen=True)
class Verified:
    ok: bool
    rows: int
    """Whose logits were compared."""
    largest_difference: float | None
    """Of two logits; None where none could be compared."""
    reason: str | None
    """Why not; where `ok`, what should be known of it all the same."""


def verify(model: Path | str, *, run_folder: Path, revision: str | None = None, adapter: bool = False) -> Verified:
    """Tries a folder, or a model of the Hub, against the run's reference.json.

    model: a folder (a Path), laid out as the repository, or the run's own model/; or a Hub id, which is loaded at
    `revision` into a cache of its own, with the login of this process. adapter: load the adapter there over its base
    model, by PEFT. Logits are compared in float32 on the CPU, however the model was trained: each must be within 1e-5
    of the stored one, the label of each number the same, and the pipeline's scores within 1e-5 of the softmax of the
    stored logits.

    A run without a reference (of an earlier hftk) is given one, made from its model folder with made-up inputs.
    Never raises for a model that does not load: that is a Verified that is not ok.
    """
    reference, told = read_reference(run_folder), None
    try:
        if reference is None:
            reference, told = make_reference(run_folder)
        with tempfile.TemporaryDirectory(prefix="hftk-verify-", ignore_cleanup_errors=True) as scratch:
            asked = _asked(model, reference, run_folder, revision, adapter)
            [said] = _said([asked], base=_base(run_folder) if adapter else None, scratch=Path(scratch))
    # whatever it was: the model was not seen to give these logits
    except Exception as error:
        return Verified(False, 0, None, _short(str(error) or type(error).__name__))
    return _judged(said, reference, adapter=adapter, told=told)


def _asked(
    model: Path | str, reference: Mapping[str, Any], run_folder: Path, revision: str | None, adapter: bool
) -> dict[str, Any]:
    source = str(model.resolve()) if isinstance(model, Path) else model
    inside = isinstance(model, Path) and (model / "adapter" / "adapter_config.json").is_file()
    return {
        "source": source,
        "revision": revision,
        "adapter": (str(model.resolve() / "adapter") if inside else source) if adapter else None,
        "task": reference["task"],
        "max_length": reference["max_length"],
        "threads": reference["threads"],
        "trust": _brings_our_code(run_folder),
        "rows": [
            {key: row[key] for key in ("text", "text_pair", "tokens", "image") if key in row}
            for row in reference["rows"]
        ],
    }


def _brings_our_code(run_folder: Path) -> bool:
    """An architecture of hftk's own takes its files along, the ones that this run was trained with."""
    config = json.loads((run_folder / "model" / "config.json").read_text(encoding="utf-8"))
    return "auto_map" in config and str(config.get("model_type")).startswith(_OURS)


def _said(asked: Sequence[Mapping[str, Any]], *, base: str | None = None, scratch: Path) -> Sequence[Mapping[str, Any]]:
    """An answer per question, all from one process; of folders only, or of models of the Hub only. base: the model that
    an adapter is put on."""
    is_local = Path(asked[0]["source"]).is_absolute()
    question, answer, log = scratch / "asked.json", scratch / "said.json", scratch / "log.txt"
    question.write_text(json.dumps(asked), encoding="utf-8")
    seconds = SECONDS_HERE if is_local else SECONDS_THERE
    with open(log, "wb") as output:
        try:
            # -P: what lies in the current folder is not imported
            ended = subprocess.run(
                [sys.executable, "-P", str(_SCRIPT), str(question), str(answer)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=scratch,
                env=_environment(scratch, offline=is_local, base=base),
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            return [{"error": f"it was not loaded and tried within {seconds:,} seconds"}] * len(asked)
    if answer.is_file():
        return json.loads(answer.read_text(encoding="utf-8"))
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
    return [{"error": f"the process that loads it ended with {ended.returncode}: {last[0]}"}] * len(asked)


def _environment(scratch: Path, *, offline: bool, base: str | None) -> dict[str, str]:
    """Of the clean process. A folder is loaded without the network and without a login; from the Hub all is downloaded
    anew, but for the base model of an adapter, which is not what was pushed."""
    environment = {**os.environ, "HF_MODULES_CACHE": str(scratch / "modules"), "TOKENIZERS_PARALLELISM": "false"}
    environment |= {"CUDA_VISIBLE_DEVICES": "", "HF_HUB_DISABLE_TELEMETRY": "1"}
    if offline:
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            environment.pop(name, None)
        environment |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
    else:
        environment |= {"HF_XET_CACHE": str(scratch / "xet"), "HF_ASSETS_CACHE": str(scratch / "assets")}
    return environment | {"HF_HUB_CACHE": str(_cold_cache(scratch / "cache", base=base))}


def _cold_cache(folder: Path, *, base: str | None) -> Path:
    """A cache of the Hub that holds nothing but, as a link, what this machine has of the base model."""
    from huggingface_hub import constants

    folder.mkdir()
    if base is not None:
        name = f"models--{base.replace('/', '--')}"
        known = Path(constants.HF_HUB_CACHE) / name
        if known.is_dir():
            with suppress(OSError):  # where links cannot be made it is downloaded
                (folder / name).symlink_to(known.resolve(), target_is_directory=True)
    return folder


def _base(run_folder: Path) -> str:
    config = json.loads((run_folder / "model" / "adapter" / "adapter_config.json").read_text(encoding="utf-8"))
    return str(config["base_model_name_or_path"])


def _judged(said: Mapping[str, Any], reference: Mapping[str, Any], *, adapter: bool, told: str | None) -> Verified:
    rows = reference["rows"]
    if "error" in said:
        return Verified(False, 0, None, _short(said["error"]))
    if said["labels"] != reference["labels"]:
        return Verified(False, 0, None, f"its labels are {_few(said['labels'])}, and not {_few(reference['labels'])}")
    key = "adapter_logits" if adapter and all("adapter_logits" in row for row in rows) else "logits"
    wanted = [row[key] for row in rows]
    differences = [_difference(own, there) for own, there in zip(wanted, said["logits"], strict=True)]
    largest = max(differences)
    if not largest <= TOLERANCE:
        worst = differences.index(largest)
        what = f"logits differ by up to {largest:.2g} (row {worst + 1} of {len(rows)}); {TOLERANCE:g} is allowed"
        return Verified(False, len(rows), _finite(largest), what)
    reason = next(_wrong_scores(said["scores"], wanted, reference["labels"]), None)
    if reason is not None:
        return Verified(False, len(rows), largest, f"pipeline: {reason}")
    return Verified(True, len(rows), largest, told)


def _difference(wanted: Sequence[Any], found: Sequence[Any]) -> float:
    """The largest of two logits; infinite where their shapes differ, or one is not finite."""
    if wanted and isinstance(wanted[0], list):
        if len(found) < len(wanted) or (len(found) > len(wanted) and len(wanted) != TOKENS_KEPT):
            return math.inf
        return max(_difference(one, other) for one, other in zip(wanted, found, strict=False))
    if len(wanted) != len(found):
        return math.inf
    differences = [abs(one - other) for one, other in zip(wanted, found, strict=True)]
    return max(differences) if all(map(math.isfinite, differences)) else math.inf


def _wrong_scores(
    scores: Sequence[list[dict[str, Any]] | None], wanted: Sequence[Any], labels: Sequence[str]
) -> Iterator[str]:
    """What the pipeline says otherwise than the logits do."""
    for number, (found, logits) in enumerate(zip(scores, wanted, strict=True), 1):
        for label, score, expected in _pairs(found or [], logits, labels):
            if expected is None:
                yield f"row {number}: it names the label {label!r}"
            elif not abs(score - expected) <= TOLERANCE:
                yield f"row {number}: {label} has the score {score:.6f}, and its logits give {expected:.6f}"


def _pairs(
    found: Sequence[Mapping[str, Any]], logits: Any, labels: Sequence[str]
) -> Iterator[tuple[str, float, float | None]]:
    """Label, its score, and what the logits give it; of a sentence per token, by its place."""
    for one in found:
        of = logits
        if "index" in one:
            if one["index"] >= len(logits):
                continue  # a token beyond those that the reference keeps
            of = logits[one["index"]]
        label = one["label"]
        yield label, one["score"], _softmax(of)[labels.index(label)] if label in labels else None


def _softmax(logits: Sequence[float]) -> list[float]:
    largest = max(logits)
    powers = [math.exp(value - largest) for value in logits]
    return [power / sum(powers) for power in powers]


def _few(labels: Sequence[str]) -> str:
    return ", ".join(map(str, labels[:5])) + (f" … ({len(labels)})" if len(labels) > 5 else "")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _short(text: str) -> str:
    text = redacted(" ".join(text.split()))
    return text if len(text) <= _REASON else f"{text[:_REASON]}…"
