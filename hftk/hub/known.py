"""What the cards of a base model and of a data set say of language and license, where they are in the cache here."""

from pathlib import Path
from typing import Any

from hftk.report.card import Known


def known_from_cards(
    *, data: str | None, model: str | None, data_commit: str | None, model_commit: str | None
) -> Known:
    """data, model: Hub ids. The Hub is not asked: whoever loaded them has what there is."""
    language = _told(data, "dataset", data_commit).get("language")
    licensed = _told(model, "model", model_commit).get("license")
    return Known(
        language=language if isinstance(language, str | list) else None,
        license=licensed if isinstance(licensed, str) else None,
    )


def _told(repo: str | None, kind: str, commit: str | None) -> dict[str, Any]:
    """The metadata of a card; nothing where there is none that can be read."""
    from huggingface_hub import RepoCard, try_to_load_from_cache

    if repo is None:
        return {}
    try:
        found = try_to_load_from_cache(repo, "README.md", repo_type=kind, revision=commit)
        if not isinstance(found, str):
            return {}
        return RepoCard(Path(found).read_text(encoding="utf-8"), ignore_metadata_errors=True).data.to_dict()
    # a card that somebody else wrote, under a name of somebody else's: the parsers raise almost anything
    except Exception:
        return {}
