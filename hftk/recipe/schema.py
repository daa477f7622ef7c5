"""The recipe's keys: their types, units, ranges and defaults. Strict at every depth.

Field names follow Hugging Face and W&B Sweeps where they have a word. Nothing here imports torch.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

Share = Annotated[StrictFloat, Field(gt=0, lt=1)]
PositiveInt = Annotated[StrictInt, Field(ge=1)]
Number = StrictInt | StrictFloat
Scalar = StrictStr | StrictInt | StrictFloat | StrictBool


class Section(BaseModel):
    """A mapping of the recipe in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ColumnSplit(Section):
    """Rows whose `column` holds `value` (or one of several values)."""

    column: StrictStr
    """A column of the data."""
    value: Scalar | list[Scalar]
    """One value of that column, or a list of them."""


# a split's or file's name, several of them, a share of train, or the rows that a column marks
SplitSource = StrictStr | list[StrictStr] | Share | ColumnSplit


class Splits(Section):
    """Where the rows to learn from, to select by and to test on come from."""

    train: StrictStr | list[StrictStr] | ColumnSplit
    """What the model is fitted on; shares for the other two are taken out of it, stratified by label."""
    validation: SplitSource | None = None
    """What selects: epochs, runs, early stopping. Absent: a tenth of train."""
    test: SplitSource | None = None
    """Looked at once per run. Absent: no test figures."""


class Columns(Section):
    """Which columns of the data hold what; `text`, `tokens` or `image`, as the task has it."""

    text: StrictStr = "text"
    """The text to classify."""
    text_pair: StrictStr | None = None
    """A second text, for tasks on pairs."""
    label: StrictStr = "label"
    """The class of a text or image: a name or a number."""
    tokens: StrictStr | Annotated[StrictInt, Field(ge=0)] = "tokens"
    """Tagging: the list of a sentence's words; in a CoNLL file the number of its column, from 0."""
    tags: StrictStr | Annotated[StrictInt, Field(ge=0)] = "tags"
    """Tagging: the list of their tags; in a CoNLL file the number of its column, from 0."""
    image: StrictStr = "image"
    """The image to classify."""


class RelabelThresholds(Section):
    """Of the polarity of a text, from -1 to 1."""

    negative: Annotated[Number, Field(ge=-1, le=1)] = -0.05
    """Below it a text is negative."""
    positive: Annotated[Number, Field(ge=-1, le=1)] = 0.05
    """Above it a text is positive; between the two, neutral."""


class RelabelNames(Section):
    """What the data call the three classes."""

    negative: StrictStr = "negative"
    neutral: StrictStr | None = "neutral"
    """null for data of two classes: then the two thresholds must be equal, and a text exactly there is positive."""
    positive: StrictStr = "positive"


class Relabel(Section):
    """New labels from the texts themselves, in place of those of the data."""

    method: Literal["textblob"]
    """textblob: the polarity that TextBlob's lexicon gives an English text."""
    thresholds: RelabelThresholds = RelabelThresholds()
    labels: RelabelNames = RelabelNames()
    splits: Annotated[list[Literal["train", "validation", "test"]], Field(min_length=1)] = ["train"]
    """Which splits; figures on a relabelled test split compare with no other's."""


class Data(Section):
    """Rows: where they are, what they hold, how they are split."""

    path: StrictStr
    """What `datasets.load_dataset` takes, a csv/tsv/json/jsonl/parquet/arrow or CoNLL file, a folder (of such files, of
    idx files, of images), or builtin:<name>."""
    name: StrictStr | None = None
    """Configuration of a Hub data set."""
    revision: StrictStr | None = None
    """Commit, tag or branch of a Hub data set."""
    data_files: StrictStr | list[StrictStr] | dict[StrictStr, StrictStr | list[StrictStr]] | None = None
    """Files of a Hub data set or folder, by split."""
    encoding: StrictStr | None = None
    """Of csv, tsv, json, jsonl and CoNLL files; utf-8 unless named (a Korean spreadsheet often writes cp949)."""
    header: StrictBool | Literal["infer"] | None = "infer"
    """csv: does the first line name the columns? infer: yes, unless column_names are given. null: no."""
    delimiter: StrictStr | None = None
    """csv: `,` for .csv and a tab for .tsv unless named."""
    quoting: Literal["minimal", "none"] = "minimal"
    """csv: `none` when quotation marks are ordinary characters."""
    column_names: Annotated[list[StrictStr], Field(min_length=1)] | None = None
    """csv: names of the columns of a file without a header."""
    columns: Columns = Columns()
    label_names: Annotated[dict[StrictInt, StrictStr], Field(min_length=1)] | None = None
    """Names for labels that the data hold as numbers."""
    splits: Splits | None = None
    """Absent: the splits that the data set has, or 80/10/10 where it has one only."""
    seed: Annotated[StrictInt, Field(ge=0)] = 0
    """Of splits and limits; independent of `seeds`."""
    on_bad_rows: Literal["stop", "skip", "keep"] = "stop"
    """What to do with empty texts and impossible labels; keep: an empty text is predicted like any other."""
    max_length: PositiveInt | None = None
    """Tokens per row, special tokens included; longer rows are cut, and counted. Absent: what the model takes."""
    limit: PositiveInt | None = None
    """Rows per split, stratified, drawn after splitting."""
    relabel: Relabel | None = None
    """Absent: the labels of the data."""
    tag_piece: Literal["first", "last"] = "first"
    """Tagging with subwords: the piece of a word that carries its tag; the others count nowhere."""


class Model(BaseModel):
    """`pretrained` or `architecture`; every further key is a field of that model's config."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

    pretrained: StrictStr | None = None
    """Hub id, local folder, or package:<python package>/<path>."""
    revision: StrictStr | None = None
    """Commit, tag or branch of a Hub model."""
    architecture: StrictStr | None = None
    """A file of hftk/models/."""

    @property
    def config_overrides(self) -> dict[str, Any]:
        """The further keys."""
        return dict(self.model_extra or {})


class Tokenizer(Section):
    """How texts become token ids, for `model.architecture`; built from the train split only."""

    type: Literal["word", "wordpiece", "bpe", "unigram"] = "word"
    """word: a vocabulary of whole words; the others are trained subwords, which leave few words unknown."""
    lowercase: StrictBool = True
    """Are capitals made small?"""
    split: Literal["words", "punctuation", "whitespace"] | None = None
    """What is a word. words: letters and digits, signs are left out; punctuation: every sign is a word of its own;
    whitespace: all between two spaces. Absent: punctuation for texts; whitespace for tagging, where each token of the
    data is one word."""
    min_count: PositiveInt = 2
    """A word that is rarer in train is unknown; of subwords, pairs that are rarer are not joined."""
    max_vocab: Annotated[StrictInt, Field(ge=3)] | None = None
    """Entries at most, the commonest first, special ones included. Absent: all words; 8,000 subwords."""


class Embeddings(Section):
    """Word vectors to begin with, for `model.architecture`; the tokenizer's vocabulary rules."""

    method: Literal["word2vec", "fasttext", "file"]
    """word2vec, fasttext: trained on the train split by gensim; file: made before, such as GloVe."""
    path: StrictStr | None = None
    """file: word2vec's text or binary form, GloVe's text (.gz too), or gensim's .kv."""
    vector_size: PositiveInt = 100
    """Numbers per word."""
    window: PositiveInt = 5
    """Words to each side that count as context."""
    epochs: PositiveInt = 5
    """Passes over the train split."""
    sg: Literal[0, 1] = 0
    """1: skip-gram; 0: CBOW."""
    negative: PositiveInt = 5
    """Noise words per word."""
    alpha: Annotated[Number, Field(gt=0, le=0.2)] = 0.025
    """Learning rate at the start; it falls linearly. Above 0.2 vectors explode (gensim 4.4)."""
    sample: Annotated[Number, Field(ge=0)] = 1e-3
    """Words above this share of the corpus are thinned out."""
    min_n: PositiveInt = 3
    """fasttext: shortest piece of a word, in characters."""
    max_n: PositiveInt = 6
    """fasttext: longest piece of a word, in characters."""
    bucket: PositiveInt = 2_000_000
    """fasttext: rows of the table that the pieces share; each costs 4 × vector_size bytes of memory."""
    workers: PositiveInt = 1
    """Threads; with one the vectors are the same, bit for bit, each time."""
    seed: Annotated[StrictInt, Field(ge=0, lt=2**32)] = 0
    """Of gensim; independent of `seeds`, so that runs of several seeds share the vectors."""
    freeze: StrictBool = False
    """Are the vectors left as they are while the model trains?"""


class EarlyStopping(Section):
    """When to stop before the last epoch, judged on the validation split."""

    metric: StrictStr = "loss"
    """`loss` or a name from `metrics`, on the validation split."""
    patience: PositiveInt = 1
    """Evaluations without an improvement before training stops."""
    min_delta: Annotated[Number, Field(ge=0)] = 0.0
    """A smaller change is no improvement."""


class SweepMetric(Section):
    """What ranks the runs."""

    name: StrictStr
    """validation_<metric>, with a name from `metrics`, or validation_loss."""
    goal: Literal["maximize", "minimize"] = "maximize"
    """minimize for validation_loss."""


class SweepParameter(Section):
    """One swept key, in the words of W&B Sweeps."""

    values: Annotated[list[Any], Field(min_length=1)] | None = None
    """All values to try, or to draw from."""
    probabilities: Annotated[list[Annotated[Number, Field(ge=0)]], Field(min_length=1)] | None = None
    """random: how often each of `values` is drawn; they sum to 1."""
    value: Any = None
    """The same for every run."""
    distribution: Literal["uniform", "int_uniform", "log_uniform_values"] | None = None
    """random, bayes: how numbers between min and max are drawn; log_uniform_values for learning rates."""
    min: Number | None = None
    """random, bayes: the smallest number."""
    max: Number | None = None
    """random, bayes: the largest number."""


class EarlyTerminate(Section):
    """bayes: when a run that falls behind is stopped; its row stays, with the reason."""

    type: Literal["median", "none"] = "median"
    """median: behind the median of the earlier runs at the same epoch; none: every run is trained to its end."""
    min_iter: PositiveInt = 2
    """Epochs of a run before which it is not stopped."""
    min_runs: PositiveInt = 5
    """Earlier runs that must have come as far; a median of fewer says little."""


class Sweep(Section):
    """Several runs from one recipe: every key can be swept with its dotted name."""

    method: Literal["grid", "random", "list", "bayes"] = "grid"
    """grid: every combination; random: run_cap draws; list: the settings in `runs`; bayes: run_cap settings, each
    proposed by Optuna from what the earlier ones gave."""
    metric: SweepMetric | None = None
    """What ranks; absent: the first of `metrics` on validation."""
    parameters: dict[StrictStr, SweepParameter] | None = None
    """For grid, random and bayes: dotted key → its values."""
    runs: Annotated[list[dict[StrictStr, Any]], Field(min_length=1)] | None = None
    """For `list`: what differs, one mapping of dotted keys per run."""
    run_cap: PositiveInt | None = None
    """For random and bayes: settings to draw."""
    seed: Annotated[StrictInt, Field(ge=0)] = 0
    """For random and bayes: of the draws."""
    early_terminate: EarlyTerminate | None = None
    """For bayes; absent: the median rule with its defaults."""


class Limits(Section):
    """When a run is given up; it counts as failed, and the others go on."""

    minutes_per_run: Annotated[Number, Field(gt=0)] | None = None
    """From its start; None: as long as it takes."""
    minutes_without_a_step: Annotated[Number, Field(gt=0)] = 60
    """Without a training or evaluation step: it hangs."""


class Tracking(Section):
    """Experiment trackers; without report_to nothing is sent anywhere."""

    report_to: list[Literal["wandb", "tensorboard", "trackio"]] = []
    project: StrictStr = "hftk"
    """Project at the tracker."""
    tags: list[StrictStr] = []
    """Of every run."""


class Hub(Section):
    """Pushing to the Hugging Face Hub."""

    push: Literal["none", "best", "all"] = "none"
    """Which runs' models are pushed."""
    model_id: StrictStr | None = None
    """owner/name of the model repository."""
    private: StrictBool = True
    """Is a new repository private?"""
    merged: StrictBool = False
    """With peft: is the whole model pushed, the adapter merged into it? Else the adapter alone."""
    language: StrictStr | list[StrictStr] | None = None
    """Of the texts, as ISO 639 codes (en, ko), for the model card. Absent: as the data set's own card says."""
    license: StrictStr | None = None
    """Of the model, as the Hub spells it (apache-2.0, mit, cc-by-4.0), for the model card. Absent: as the base model's
    own card says."""


class Recipe(Section):
    """One run's recipe when `sweep` is None and `seeds` holds one seed; a sweep's otherwise."""

    name: StrictStr
    """Folder under output_dir, W&B group."""
    output_dir: Annotated[StrictStr, Field(min_length=1)] = "runs"
    """Relative to the current folder."""
    task: Literal["text-classification", "token-classification", "image-classification"] = "text-classification"
    """What the model does, in the words of the Hub's pipeline tags."""
    data: Data
    model: Model
    tokenizer: Tokenizer | None = None
    """For `model.architecture` on texts: how a tokenizer is built from the train split."""
    embeddings: Embeddings | None = None
    """For `model.architecture` on texts: word vectors, made or loaded. Absent: random ones, trained."""
    training: dict[StrictStr, Any] = {}
    """Fields of transformers.TrainingArguments, less those that hftk owns."""
    class_weights: Literal["balanced"] | dict[Scalar, Annotated[Number, Field(gt=0)]] | None = None
    """balanced (inverse to the classes' frequency), or label: weight."""
    early_stopping: EarlyStopping | None = None
    keep: Literal["best", "last"] = "best"
    """The epoch whose model is kept: best by early_stopping.metric, else by the first of `metrics`, on validation."""
    metrics: Annotated[list[StrictStr], Field(min_length=1)] = ["accuracy", "f1"]
    """Computed on validation and test; the first one ranks."""
    peft: dict[StrictStr, Any] | None = None
    """peft_type and the fields of that PEFT config."""
    seeds: Annotated[list[Annotated[StrictInt, Field(ge=0, lt=2**32)]], Field(min_length=1)] = [0]
    """Each setting is trained once with each of them."""
    sweep: Sweep | None = None
    limits: Limits = Limits()
    tracking: Tracking = Tracking()
    hub: Hub = Hub()
