"""What runs train on, prepared before the first one starts and shared by all that ask for the same."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BaseImageProcessor, PreTrainedConfig, PreTrainedTokenizerBase

from hftk.data import LabelledData, load
from hftk.data.encoded import EncodedSplit
from hftk.data.pixels import image_processor, pixel_rows
from hftk.data.tokens import tokenize
from hftk.data.words import Corpus, build_tokenizer
from hftk.embeddings import WordVectors, word_vectors
from hftk.errors import RecipeError
from hftk.models._pretrained import (
    LoadedModel,
    load_config,
    load_model,
    load_tokenizer,
    longest_input,
    model_commit,
    resolve_source,
)
from hftk.recipe.metrics import ENTITY_METRICS
from hftk.recipe.places import Problem, lines
from hftk.recipe.schema import Recipe
from hftk.sweep.expansion import PlannedRun
from hftk.sweep.model_loading import architecture_loader, files_digest, longest_text
from hftk.sweep.recipe_checks import (
    check_adapter_settings,
    check_against_labels,
    check_architecture,
    check_arguments,
    check_devices,
    check_length,
    check_metrics,
    check_trackers,
    placed,
    problems_of,
)
from hftk.sweep.record import identity
from hftk.training.loss import balanced_weights


@dataclass(frozen=True)
class RunInputs:
    data: LabelledData
    processor: PreTrainedTokenizerBase | BaseImageProcessor
    """What the model's folder needs to read texts or images."""
    splits: dict[str, EncodedSplit]
    max_length: int | None
    """Tokens; None for images."""
    load_model: Callable[[], LoadedModel]
    """Builds the model, drawing what is new in it from torch's generator."""
    class_weights: list[float] | None
    """One per label, in the order of the ids."""
    identity: str
    model_fingerprint: str
    """Of pretrained weights: the commit on the Hub, or a digest of the files; of word vectors, a digest."""
    notices: list[str]
    """What a person must be told."""

    @property
    def longer_are(self) -> str:
        """What happens to rows that are longer than `max_length`."""
        return "read in parts" if "tokens" in self.data.splits["train"].column_names else "cut"


@dataclass
class Piece:
    """What was made once for all runs that ask for it."""

    kind: str
    seconds: float
    """That making it took."""
    runs: set[str] = field(default_factory=set)
    """Names."""


class Preparation:
    """Loads each distinct model config, tokenizer, data set and table of word vectors of a sweep once."""

    def __init__(self, *, world_size: int, tell: Callable[[str], None] = lambda text: None) -> None:
        """tell: shown while it takes long."""
        self.world_size = world_size
        self.tell = tell
        self.pieces: dict[tuple, Piece] = {}
        self._made: dict[tuple, Any] = {}
        self._asking: str | None = None

    def check(self, runs: list[PlannedRun]) -> None:
        """Phase two of checking: what needs torch, transformers and peft. Raises RecipeError with all problems."""
        checks = (check_devices, check_trackers, check_metrics, check_arguments, self._check_model, self._check_peft)
        problems: list[Problem] = []
        for run in runs:
            for check in checks:
                problems += problems_of(check, run.recipe, run.document)
        if problems:
            raise RecipeError(lines(problems))

    def inputs(self, run: PlannedRun) -> RunInputs:
        """Raises DataError or RecipeError, with the line of the recipe."""
        recipe, self._asking = run.recipe, run.name
        data = self._load_data(run)
        problems = problems_of(partial(check_against_labels, labels=data.labels), recipe, run.document)
        if problems:
            raise RecipeError(lines(problems))
        if recipe.model.pretrained is not None:
            made = self._pretrained_inputs(run, data)
        elif recipe.task == "image-classification":
            made = self._image_inputs(recipe, data)
        else:
            made = self._word_inputs(run, data)
        return RunInputs(
            data=data,
            processor=made.processor,
            splits=made.splits,
            max_length=made.max_length,
            load_model=partial(made.load_model, labels=data.labels),
            class_weights=_class_weights(recipe, made.splits["train"].label_ids(), labels=data.labels),
            identity=identity(
                recipe,
                data_fingerprint=data.fingerprint,
                model_fingerprint=made.fingerprint,
                world_size=self.world_size,
            ),
            model_fingerprint=made.fingerprint,
            notices=[*data.notices, *made.notices, *_entity_notices(recipe, made.splits)],
        )

    def _pretrained_inputs(self, run: PlannedRun, data: LabelledData) -> "_Made":
        recipe = run.recipe
        tokenizer = self._tokenizer(recipe)
        max_length = recipe.data.max_length or longest_input(self._config(recipe), tokenizer)
        return _Made(
            processor=tokenizer,
            splits=self._tokenize(run, data=data, tokenizer=tokenizer, max_length=max_length),
            max_length=max_length,
            load_model=partial(
                load_model,
                recipe.model.pretrained,
                task=recipe.task,
                revision=self._revision(recipe),
                config_overrides=recipe.model.config_overrides,
            ),
            fingerprint=self._model_fingerprint(recipe),
        )

    def _image_inputs(self, recipe: Recipe, data: LabelledData) -> "_Made":
        processor = self._once(("image processor", data.fingerprint), lambda: image_processor(data))
        splits = self._once(("pixels", data.fingerprint), lambda: pixel_rows(data, processor))
        height, width, channels = data.image_shape
        decided = {"image_size": [height, width], "num_channels": channels}
        return _Made(
            processor=processor,
            splits=splits,
            max_length=None,
            load_model=architecture_loader(recipe, decided=decided, max_length=None),
        )

    def _word_inputs(self, run: PlannedRun, data: LabelledData) -> "_Made":
        recipe = run.recipe
        settings = recipe.tokenizer
        max_length = recipe.data.max_length or longest_text(recipe)
        train = data.splits["train"]
        key = (data.fingerprint, settings.model_dump_json(), max_length)
        with placed(run.document):
            tokenizer = self._once(
                ("word tokenizer", *key), lambda: build_tokenizer(train, settings, max_length=max_length)
            )
        decided = {
            "vocab_size": len(tokenizer),
            "pad_token_id": tokenizer.pad_token_id,
            "unk_token_id": tokenizer.unk_token_id,
        }
        fingerprint, vectors, notices = "", None, []
        if recipe.embeddings is not None:
            corpus = self._once(
                ("corpus", data.fingerprint, settings.model_dump_json()), lambda: Corpus(train, tokenizer)
            )
            made = self._word_vectors(run, corpus)
            fingerprint, notices = made.digest, [made.coverage.line()]
            decided["embedding_size"] = made.vectors.shape[1]
            vectors = {
                "vectors": torch.from_numpy(made.vectors),
                "token_ids": torch.from_numpy(made.token_ids),
                "freeze": recipe.embeddings.freeze,
            }
        return _Made(
            processor=tokenizer,
            splits=self._tokenize(run, data=data, tokenizer=tokenizer, max_length=max_length),
            max_length=max_length,
            load_model=architecture_loader(recipe, decided=decided, max_length=max_length, vectors=vectors),
            fingerprint=fingerprint,
            notices=notices,
        )

    def _word_vectors(self, run: PlannedRun, corpus: Corpus) -> WordVectors:
        settings = run.recipe.embeddings
        return self._once(
            ("word vectors", corpus.fingerprint, settings.model_dump_json(exclude={"freeze"})),
            lambda: word_vectors(
                settings,
                corpus=corpus,
                vocabulary=corpus.vocabulary,
                at=lambda key: f"{run.document.place(('embeddings', key))}: embeddings.{key}",
                tell=self.tell,
            ),
        )

    def _check_model(self, recipe: Recipe) -> None:
        if recipe.model.architecture is not None:
            check_architecture(recipe)
        else:
            check_length(recipe, longest=longest_input(self._config(recipe), self._tokenizer(recipe)))

    def _check_peft(self, recipe: Recipe) -> None:
        if recipe.peft is not None:
            check_adapter_settings(recipe, config=lambda: self._config(recipe))

    def _once(self, key: tuple, make: Callable[[], Any]) -> Any:
        if key not in self._made:
            began = time.monotonic()
            self._made[key] = make()
            self.pieces[key] = Piece(kind=key[0], seconds=time.monotonic() - began)
        if self._asking is not None:
            self.pieces[key].runs.add(self._asking)
        return self._made[key]

    def _config(self, recipe: Recipe) -> PreTrainedConfig:
        return self._once(
            ("config", recipe.model.model_dump_json()),
            lambda: load_config(
                recipe.model.pretrained, revision=self._revision(recipe), overrides=recipe.model.config_overrides
            ),
        )

    def _tokenizer(self, recipe: Recipe) -> PreTrainedTokenizerBase:
        pretrained, revision = recipe.model.pretrained, self._revision(recipe)
        return self._once(
            ("tokenizer", pretrained, revision, recipe.task),
            lambda: load_tokenizer(pretrained, task=recipe.task, revision=revision),
        )

    def _load_data(self, run: PlannedRun) -> LabelledData:
        # how texts are cut and tagged is the tokenizer's business
        key = run.recipe.data.model_dump_json(exclude={"max_length", "tag_piece"})
        return self._once(
            ("data", key),
            lambda: load(run.recipe.data, place=lambda path: run.document.place(("data", *path)), task=run.recipe.task),
        )

    def _tokenize(
        self, run: PlannedRun, *, data: LabelledData, tokenizer: PreTrainedTokenizerBase, max_length: int
    ) -> dict[str, EncodedSplit]:
        tag_piece = run.recipe.data.tag_piece
        with placed(run.document):
            return self._once(
                ("tokens", data.fingerprint, id(tokenizer), max_length, tag_piece),
                lambda: tokenize(data, tokenizer, max_length, tag_piece=tag_piece),
            )

    def _revision(self, recipe: Recipe) -> str | None:
        """One commit for all that is loaded of a Hub model, whatever is pushed there meanwhile."""
        return self._commit(recipe) or recipe.model.revision

    def _commit(self, recipe: Recipe) -> str | None:
        pretrained, revision = recipe.model.pretrained, recipe.model.revision
        return self._once(("commit", pretrained, revision), lambda: model_commit(pretrained, revision=revision))

    def _model_fingerprint(self, recipe: Recipe) -> str:
        """The commit of a Hub model; a digest of the files of a local one."""
        source = resolve_source(recipe.model.pretrained)
        if not Path(source).is_dir():
            return self._commit(recipe) or source
        return self._once(("files", source), lambda: files_digest(Path(source)))


@dataclass(frozen=True)
class _Made:
    """What the kinds of models need each in their own way."""

    processor: PreTrainedTokenizerBase | BaseImageProcessor
    splits: dict[str, EncodedSplit]
    max_length: int | None
    load_model: Callable[..., LoadedModel]
    fingerprint: str = ""
    """Of what the result depends on beside recipe and data: pretrained weights, word vectors."""
    notices: list[str] = field(default_factory=list)


def _entity_notices(recipe: Recipe, splits: dict[str, EncodedSplit]) -> list[str]:
    apart = [split for split in ("validation", "test") if split in splits and splits[split].truncated]
    if not apart or not set(recipe.metrics) & set(ENTITY_METRICS):
        return []
    return [
        f"sentences of {' and '.join(apart)} are read in parts: an entity that a cut parts counts as two in entity "
        "metrics; raise data.max_length"
    ]


def _class_weights(recipe: Recipe, label_ids: np.ndarray, *, labels: list[str]) -> list[float] | None:
    """One weight per label; a label that the recipe does not name has 1. label_ids: (rows,) or (words,) of train."""
    if recipe.class_weights is None:
        return None
    if recipe.class_weights == "balanced":
        return balanced_weights(label_ids, classes=len(labels))
    given = {str(label): float(weight) for label, weight in recipe.class_weights.items()}
    return [given.get(label, 1.0) for label in labels]
