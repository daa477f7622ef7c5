"""What runs train on, prepared before the first one starts and shared by all that ask for the same."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from hftk.errors import DataError, RecipeError
from hftk.models._architectures import architecture_config, build_model
from hftk.models._pretrained import (
    LoadedModel,
    load_config,
    load_model,
    load_tokenizer,
    longest_input,
    resolve_source,
)
from hftk.recipe.metrics import ENTITY_METRICS
from hftk.recipe.places import Document, Problem, lines
from hftk.recipe.schema import Recipe
from hftk.sweep.expansion import PlannedRun
from hftk.sweep.record import identity
from hftk.tracking import missing_trackers
from hftk.training.arguments import check_precision, training_arguments
from hftk.training.loss import balanced_weights
from hftk.training.metrics import missing_for_metrics, unfit_for_metrics

# tokens per text for an architecture that has no bound of its own
LONGEST_TEXT = 512


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
    notices: list[str]
    """What a person must be told."""

    @property
    def longer_are(self) -> str:
        """What happens to rows that are longer than `max_length`."""
        return "read in parts" if "tokens" in self.data.splits["train"].column_names else "cut"


class Preparation:
    """Loads each distinct model config, tokenizer, data set and table of word vectors of a sweep once."""

    def __init__(self, *, world_size: int, tell: Callable[[str], None] = lambda text: None) -> None:
        """tell: shown while it takes long."""
        self.world_size = world_size
        self.tell = tell
        self._made: dict[tuple, Any] = {}

    def check(self, runs: list[PlannedRun]) -> None:
        """Phase two of checking: what needs torch, transformers and peft. Raises RecipeError with all problems."""
        checks = (
            _check_devices,
            _check_trackers,
            _check_metrics,
            _check_arguments,
            self._check_model,
            self._check_peft,
        )
        problems: list[Problem] = []
        for run in runs:
            for check in checks:
                problems += _problems(check, run.recipe, run.document)
        if problems:
            raise RecipeError(lines(problems))

    def inputs(self, run: PlannedRun) -> RunInputs:
        """Raises DataError or RecipeError, with the line of the recipe."""
        recipe = run.recipe
        data = self._load_data(run)
        problems = _problems(partial(_check_against_labels, labels=data.labels), recipe, run.document)
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
                revision=recipe.model.revision,
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
            load_model=_architecture_loader(recipe, decided=decided, max_length=None),
        )

    def _word_inputs(self, run: PlannedRun, data: LabelledData) -> "_Made":
        recipe = run.recipe
        settings = recipe.tokenizer
        max_length = recipe.data.max_length or _longest_text(recipe)
        train = data.splits["train"]
        key = (data.fingerprint, settings.model_dump_json(), max_length)
        with _placed(run.document):
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
            load_model=_architecture_loader(recipe, decided=decided, max_length=max_length, vectors=vectors),
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
            _check_architecture(recipe)
            return
        longest = longest_input(self._config(recipe), self._tokenizer(recipe))
        if recipe.data.max_length and recipe.data.max_length > longest:
            raise RecipeError(
                f"data.max_length: {recipe.data.max_length} is more than {recipe.model.pretrained} takes; "
                f"at most {longest}"
            )

    def _check_peft(self, recipe: Recipe) -> None:
        if recipe.peft is not None:
            from hftk.models._peft import check_adapter, peft_config

            peft_config(recipe.peft, task=recipe.task)  # its problems are told beside those of the model's config
            check_adapter(self._config(recipe), task=recipe.task, peft=recipe.peft)

    def _once(self, key: tuple, make: Callable[[], Any]) -> Any:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _config(self, recipe: Recipe) -> PreTrainedConfig:
        return self._once(
            ("config", recipe.model.model_dump_json()),
            lambda: load_config(
                recipe.model.pretrained, revision=recipe.model.revision, overrides=recipe.model.config_overrides
            ),
        )

    def _tokenizer(self, recipe: Recipe) -> PreTrainedTokenizerBase:
        pretrained, revision = recipe.model.pretrained, recipe.model.revision
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
        with _placed(run.document):
            return self._once(
                ("tokens", data.fingerprint, id(tokenizer), max_length, tag_piece),
                lambda: tokenize(data, tokenizer, max_length, tag_piece=tag_piece),
            )

    def _model_fingerprint(self, recipe: Recipe) -> str:
        """The commit of a Hub model; a digest of the files of a local one."""
        source = resolve_source(recipe.model.pretrained)
        if not Path(source).is_dir():
            return self._config(recipe)._commit_hash or source
        return self._once(("files", source), lambda: _files_digest(Path(source)))


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


def _architecture_loader(
    recipe: Recipe, *, decided: dict[str, Any], max_length: int | None, vectors: dict[str, Any] | None = None
) -> Callable[..., LoadedModel]:
    config = architecture_config(
        recipe.model.architecture,
        task=recipe.task,
        settings=recipe.model.config_overrides,
        decided=decided,
        max_length=max_length,
    )
    return partial(build_model, recipe.model.architecture, task=recipe.task, config=config, **vectors or {})


def _check_architecture(recipe: Recipe) -> None:
    """Its config and model are made with stand-ins for what the data decide."""
    images = recipe.task == "image-classification"
    decided: dict[str, Any] = {"image_size": [8, 8]} if images else {"vocab_size": 8}
    if recipe.embeddings is not None and recipe.embeddings.method != "file":
        decided["embedding_size"] = recipe.embeddings.vector_size
    longest = None if images else recipe.data.max_length or LONGEST_TEXT
    config = architecture_config(
        recipe.model.architecture,
        task=recipe.task,
        settings=recipe.model.config_overrides,
        decided=decided,
        max_length=longest,
    )
    if recipe.training.get("gradient_checkpointing"):
        raise RecipeError("training.gradient_checkpointing: architectures do not support it; take it out")
    most = getattr(config, "max_position_embeddings", None)
    if recipe.data.max_length and most and recipe.data.max_length > most:
        raise RecipeError(
            f"data.max_length: {recipe.data.max_length} is more than model.max_position_embeddings {most}; raise that, "
            "or cut the texts earlier"
        )


def _longest_text(recipe: Recipe) -> int:
    """Where the recipe does not say it: what the architecture takes."""
    config = architecture_config(
        recipe.model.architecture,
        task=recipe.task,
        settings=recipe.model.config_overrides,
        decided={"vocab_size": 8},
        max_length=LONGEST_TEXT,
    )
    return getattr(config, "max_position_embeddings", None) or LONGEST_TEXT


def _entity_notices(recipe: Recipe, splits: dict[str, EncodedSplit]) -> list[str]:
    apart = [split for split in ("validation", "test") if split in splits and splits[split].truncated]
    if not apart or not set(recipe.metrics) & set(ENTITY_METRICS):
        return []
    return [
        f"sentences of {' and '.join(apart)} are read in parts: an entity that a cut parts counts as two in entity "
        "metrics; raise data.max_length"
    ]


def _files_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".json", ".safetensors", ".bin", ".txt", ".model"}:
            digest.update(path.name.encode())
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


@contextmanager
def _placed(document: Document) -> Iterator[None]:
    """A DataError of the block that begins with a key of the recipe gets the place of that key."""
    try:
        yield
    except DataError as error:
        key = str(error).partition(":")[0]
        raise DataError(f"{document.place(tuple(key.split('.')))}: {error}") from error


def _problems(check: Callable[[Recipe], None], recipe: Recipe, document: Document) -> list[Problem]:
    """A check's RecipeError, if any, as problems with the place of the key that each message starts with."""
    try:
        check(recipe)
    except RecipeError as error:
        found = []
        for message in error.problems:
            key, _, text = message.partition(": ")
            found.append(Problem(document.place(tuple(key.split("."))), key, text))
        return found
    return []


def _check_devices(recipe: Recipe) -> None:
    if problems := check_precision(recipe.training):
        raise RecipeError(problems)


def _check_trackers(recipe: Recipe) -> None:
    if problems := missing_trackers(recipe.tracking):
        raise RecipeError(problems)


def _check_arguments(recipe: Recipe) -> None:
    if not check_precision(recipe.training):
        training_arguments(recipe.training, output_dir="unused", seed=0, run_name="", report_to=[])


def _check_metrics(recipe: Recipe) -> None:
    if problems := missing_for_metrics(recipe.metrics):
        raise RecipeError(problems)


def _check_against_labels(recipe: Recipe, *, labels: list[str]) -> None:
    if problems := unfit_for_metrics(recipe.metrics, labels=labels):
        raise RecipeError(problems)
    if isinstance(recipe.class_weights, dict):
        unknown = [label for label in recipe.class_weights if str(label) not in labels]
        if unknown:
            raise RecipeError(
                [f"class_weights.{label}: not a label of the data; allowed: {', '.join(labels)}" for label in unknown]
            )


def _class_weights(recipe: Recipe, label_ids: np.ndarray, *, labels: list[str]) -> list[float] | None:
    """One weight per label; a label that the recipe does not name has 1. label_ids: (rows,) or (words,) of train."""
    if recipe.class_weights is None:
        return None
    if recipe.class_weights == "balanced":
        return balanced_weights(label_ids, classes=len(labels))
    given = {str(label): float(weight) for label, weight in recipe.class_weights.items()}
    return [given.get(label, 1.0) for label in labels]
