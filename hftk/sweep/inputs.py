"""What runs train on, prepared before the first one starts and shared by all that ask for the same."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from hftk.data import TextData, load
from hftk.data.tokens import TokenizedSplit, tokenize
from hftk.errors import RecipeError
from hftk.models._pretrained import load_config, load_tokenizer, longest_input, resolve_source
from hftk.recipe.places import Document, Problem, lines
from hftk.recipe.schema import Recipe
from hftk.sweep.expansion import PlannedRun
from hftk.sweep.record import identity
from hftk.tracking import missing_trackers
from hftk.training.arguments import check_precision, training_arguments
from hftk.training.loss import balanced_weights


@dataclass(frozen=True)
class RunInputs:
    data: TextData
    tokenizer: PreTrainedTokenizerBase
    splits: dict[str, TokenizedSplit]
    max_length: int
    class_weights: list[float] | None
    """One per label, in the order of the ids."""
    identity: str


class Preparation:
    """Loads each distinct model config, tokenizer and data set of a sweep once."""

    def __init__(self, *, world_size: int) -> None:
        self.world_size = world_size
        self._configs: dict[str, PreTrainedConfig] = {}
        self._tokenizers: dict[tuple, PreTrainedTokenizerBase] = {}
        self._data: dict[str, TextData] = {}
        self._splits: dict[tuple, dict[str, TokenizedSplit]] = {}
        self._files: dict[str, str] = {}

    def check(self, runs: list[PlannedRun]) -> None:
        """Phase two of checking: what needs torch, transformers and peft. Raises RecipeError with all problems."""
        problems: list[Problem] = []
        for run in runs:
            for check in (_check_devices, _check_trackers, _check_arguments, self._check_model, self._check_peft):
                problems += _problems(check, run.recipe, run.document)
        if problems:
            raise RecipeError(lines(problems))

    def inputs(self, run: PlannedRun) -> RunInputs:
        """Raises DataError or RecipeError, with the line of the recipe."""
        recipe = run.recipe
        data = self._load_data(run)
        tokenizer = self._tokenizer(recipe)
        max_length = recipe.data.max_length or longest_input(self._config(recipe), tokenizer)
        problems = _problems(lambda recipe: _check_class_weights(recipe, data.labels), recipe, run.document)
        if problems:
            raise RecipeError(lines(problems))
        return RunInputs(
            data=data,
            tokenizer=tokenizer,
            splits=self._tokenize(recipe, data=data, tokenizer=tokenizer, max_length=max_length),
            max_length=max_length,
            class_weights=_class_weights(recipe, data),
            identity=identity(
                recipe,
                data_fingerprint=data.fingerprint,
                model_fingerprint=self._model_fingerprint(recipe),
                world_size=self.world_size,
            ),
        )

    def _check_model(self, recipe: Recipe) -> None:
        config = self._config(recipe)
        tokenizer = self._tokenizer(recipe)
        longest = longest_input(config, tokenizer)
        if recipe.data.max_length and recipe.data.max_length > longest:
            raise RecipeError(
                f"data.max_length: {recipe.data.max_length} is more than {recipe.model.pretrained} takes; "
                f"at most {longest}"
            )

    def _check_peft(self, recipe: Recipe) -> None:
        if recipe.peft is not None:
            from hftk.models._peft import check_adapter, peft_config

            peft_config(recipe.peft)  # its problems are told beside those of the model's config
            check_adapter(self._config(recipe), peft=recipe.peft)

    def _config(self, recipe: Recipe) -> PreTrainedConfig:
        key = recipe.model.model_dump_json()
        if key not in self._configs:
            self._configs[key] = load_config(
                recipe.model.pretrained, revision=recipe.model.revision, overrides=recipe.model.config_overrides
            )
        return self._configs[key]

    def _tokenizer(self, recipe: Recipe) -> PreTrainedTokenizerBase:
        key = (recipe.model.pretrained, recipe.model.revision)
        if key not in self._tokenizers:
            self._tokenizers[key] = load_tokenizer(recipe.model.pretrained, revision=recipe.model.revision)
        return self._tokenizers[key]

    def _load_data(self, run: PlannedRun) -> TextData:
        # max_length is the tokenizer's business
        key = run.recipe.data.model_dump_json(exclude={"max_length"})
        if key not in self._data:
            self._data[key] = load(run.recipe.data, place=lambda path: run.document.place(("data", *path)))
        return self._data[key]

    def _tokenize(
        self, recipe: Recipe, *, data: TextData, tokenizer: PreTrainedTokenizerBase, max_length: int
    ) -> dict[str, TokenizedSplit]:
        key = (data.fingerprint, recipe.model.pretrained, recipe.model.revision, max_length)
        if key not in self._splits:
            self._splits[key] = tokenize(data, tokenizer, max_length)
        return self._splits[key]

    def _model_fingerprint(self, recipe: Recipe) -> str:
        """The commit of a Hub model; a digest of the files of a local one."""
        source = resolve_source(recipe.model.pretrained)
        if not Path(source).is_dir():
            return self._config(recipe)._commit_hash or source
        if source not in self._files:
            digest = hashlib.sha256()
            for path in sorted(Path(source).iterdir()):
                if path.suffix in {".json", ".safetensors", ".bin", ".txt", ".model"}:
                    digest.update(path.name.encode())
                    with open(path, "rb") as file:
                        digest.update(hashlib.file_digest(file, "sha256").digest())
            self._files[source] = digest.hexdigest()
        return self._files[source]


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


def _check_class_weights(recipe: Recipe, labels: list[str]) -> None:
    if isinstance(recipe.class_weights, dict):
        unknown = [label for label in recipe.class_weights if str(label) not in labels]
        if unknown:
            raise RecipeError(
                [f"class_weights.{label}: not a label of the data; allowed: {', '.join(labels)}" for label in unknown]
            )


def _class_weights(recipe: Recipe, data: TextData) -> list[float] | None:
    """One weight per label; a label that the recipe does not name has 1."""
    if recipe.class_weights is None:
        return None
    if recipe.class_weights == "balanced":
        return balanced_weights(data.splits["train"]["label"][:], classes=len(data.labels))
    given = {str(label): float(weight) for label, weight in recipe.class_weights.items()}
    return [given.get(label, 1.0) for label in data.labels]
