"""The main job against the tests' Hub, as users give it: train a sweep from the Hub, push, load, predict, reproduce.

The recipe is not changed; under the names that it uses lie small random models and made-up sentences.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORDS = "the a this that boy girl dog book letter saw read wrote liked gave who which was is not very old by to".split()
LABELS = ["unacceptable", "acceptable"]
# of the recipe's 50 epochs one per run remains, of its rows a few
FEWER = ["data.limit=48", "training.num_train_epochs=1", "training.use_cpu=true"]
PUSH = ["hub.push=best", "hub.model_id=me/cola-best"]
# several commands in one process, as its imports take longer than what they do
PROGRAM = """
import contextlib, io, json, sys
from hftk.cli import main

for words in json.loads(sys.argv[1]):
    told = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        code = main(words)
    print(json.dumps([code, told.buffer.getvalue().decode()]))
"""


@pytest.fixture
def stocked(loopback_hub, tmp_path):
    """The tests' Hub with what recipes/bert_sweep.yaml asks for, each under the name that the Hub gives it today."""
    sentences = _sentences(300)
    for name, now, make in (
        ("bert-base-uncased", "google-bert/bert-base-uncased", lambda: _bert(hidden_size=16)),
        ("bert-large-uncased", "google-bert/bert-large-uncased", lambda: _bert(hidden_size=24)),
        ("roberta-base", "FacebookAI/roberta-base", lambda: _roberta(sentences)),
    ):
        folder = tmp_path / "models" / name
        for part in make():
            part.save_pretrained(folder)
        loopback_hub.add_model(now, folder)
        loopback_hub.rename_model(name, now)
    loopback_hub.add_dataset("nyu-mll/glue", _glue(tmp_path / "glue", sentences))
    return loopback_hub


def _sentences(count: int) -> list[str]:
    rng = random.Random(0)
    return [f"{' '.join(rng.choices(WORDS, k=rng.randint(3, 12)))} {number}" for number in range(count)]


def _bert(*, hidden_size: int) -> tuple:
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*special, *WORDS, *"0123456789", *(f"##{digit}" for digit in "0123456789")]
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(hidden_size)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden_size,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=128,
    )
    return BertForMaskedLM(config), PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=128,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


def _roberta(sentences: list[str]) -> tuple:
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import RobertaConfig, RobertaForMaskedLM, RobertaTokenizer

    trained = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator(sentences, vocab_size=400, special_tokens=special, show_progress=False)
    written = json.loads(trained.to_str())["model"]
    merges = [tuple(pair) for pair in written["merges"]]
    tokenizer = RobertaTokenizer(vocab=written["vocab"], merges=merges, model_max_length=128)
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=130,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        type_vocab_size=1,
    )
    return RobertaForMaskedLM(config), tokenizer


def _glue(folder: Path, sentences: list[str]) -> Path:
    """CoLA in three parquet files, the labels of its test split hidden, as on the Hub."""
    import datasets

    features = datasets.Features(
        sentence=datasets.Value("string"), label=datasets.ClassLabel(names=LABELS), idx=datasets.Value("int32")
    )
    (folder / "cola").mkdir(parents=True)
    for split, begin, end in (("train", 0, 200), ("validation", 200, 260), ("test", 260, 300)):
        rows = sentences[begin:end]
        table = {
            "sentence": rows,
            "label": [-1 if split == "test" else int("not" not in row.split()) for row in rows],
            "idx": list(range(len(rows))),
        }
        path = folder / "cola" / f"{split}-00000-of-00001.parquet"
        datasets.Dataset.from_dict(table, features=features).to_parquet(path)
    files = "".join(f"  - split: {split}\n    path: cola/{split}-*\n" for split in ("train", "validation", "test"))
    card = f"---\nlanguage: en\nlicense: other\nconfigs:\n- config_name: cola\n  data_files:\n{files}---\n# GLUE\n"
    (folder / "README.md").write_text(card, encoding="utf-8")
    return folder


@pytest.fixture
def shell(stocked, workplace):
    """Runs commands of a clone's user, who is logged in at the tests' Hub: a launch, or several of hftk's verbs."""
    variables = os.environ | stocked.environment | {"HFTK_CACHE": str(workplace / "cache")}

    def run(*words: str) -> str:
        command = [sys.executable, *words]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stdout + done.stderr
        assert stocked.token not in done.stdout + done.stderr
        return done.stdout

    def verbs(*commands: list[str]) -> list[str]:
        told = [json.loads(line) for line in run("-c", PROGRAM, json.dumps(commands)).splitlines()]
        assert [code for code, _ in told] == [0] * len(commands), told
        return [text for _, text in told]

    run.verbs = verbs
    return run


@pytest.mark.slow
def test_from_recipe_to_hub_and_back(stocked, shell, workplace):
    launch = ("-m", "accelerate.commands.launch", "hftk/train.py", "recipes/bert_sweep.yaml")
    told = shell(*launch, *FEWER, *PUSH)
    assert "verified from the Hub: the stored logits of 8 rows" in told
    assert told.count("pushed: ") >= 1

    repository = stocked.repositories["me/cola-best"]
    assert repository.private
    wanted = {"README.md", "config.json", "model.safetensors", "recipe.yaml", "run.json", "tokenizer.json"}
    assert wanted <= repository.files.keys()
    (pushed,) = Path("runs/bert-sweep").glob("*/pushed.json")
    record = json.loads(pushed.read_text(encoding="utf-8"))
    assert record["commit"] == repository.head.sha
    assert record["verified"]["there"]["ok"] is True

    # which commits were trained on is written down: of the data, and of the model under its name of today
    run = json.loads(stocked.content("me/cola-best", "run.json"))
    data = stocked.repositories["datasets/nyu-mll/glue"].head.sha
    now = {"bert-base-uncased": "google-bert/", "bert-large-uncased": "google-bert/", "roberta-base": "FacebookAI/"}
    name = run["pretrained"]["name"]
    assert run["data"]["commit"] == data
    assert run["pretrained"]["commit"] == stocked.repositories[now[name] + name].head.sha

    # the same command again trains and pushes nothing
    commits = len(repository.commits)
    told = shell(*launch, *FEWER, *PUSH)
    assert "to train, 0 steps in all" in told
    assert len(stocked.repositories["me/cola-best"].commits) == commits

    # the data set has moved on since; the run's own commit is taken
    moved = _glue(workplace / "moved", [*_sentences(299), "the girl was old"])
    assert stocked.add_dataset("nyu-mll/glue", moved).head.sha != data
    Path("new.csv").write_text("sentence\nthe boy saw a dog\nwho was not very old\n", encoding="utf-8")
    *_, reproduced, here, shown = shell.verbs(
        ["predict", "me/cola-best", "new.csv", "--output", "hub.csv"],
        ["predict", str(pushed.parent), "new.csv", "--output", "here.csv"],
        ["reproduce", "me/cola-best"],
        ["reproduce", str(pushed.parent)],
        ["show", f"hf://me/cola-best@{repository.head.sha}"],
    )
    assert Path("hub.csv").read_text(encoding="utf-8") == Path("here.csv").read_text(encoding="utf-8")
    assert reproduced.endswith("figures, to the bit\n")
    assert here.endswith("figures, to the bit\n")
    again = [json.loads(path.read_text(encoding="utf-8")) for path in Path("runs").glob("reproduce-*/*/run.json")]
    assert [one["data"]["commit"] for one in again] == [data, data]
    read = f"# recipe.yaml of me/cola-best at commit {repository.head.sha}, trained as name=me--cola-best\n"
    assert shown.startswith(read)


@pytest.mark.slow
def test_two_processes_push_every_run_and_an_adapter_keeps_to_its_base(stocked, shell, workplace):
    """recipes/lora.yaml, of its four runs the full one and one adapter."""
    launch = ["-m", "accelerate.commands.launch", "--config_file", "accelerate_config.yaml", "--num_processes", "2"]
    runs = "[{peft: null}, {peft: {peft_type: LORA, r: 4, lora_alpha: 8}, training.learning_rate: 5e-2}]"
    push = [f"sweep.runs={runs}", "hub.push=all", "hub.model_id=me/cola"]
    told = shell(*launch, "hftk/train.py", "recipes/lora.yaml", *FEWER, *push)
    assert told.count("pushed: ") == 2, "the main process alone pushes, each run once\n" + told
    assert told.count("verified from the Hub: the stored logits of 8 rows") == 2
    pushed = {path.parent: json.loads(path.read_bytes()) for path in Path("runs/lora").glob("*/pushed.json")}
    assert len({record["model_id"] for record in pushed.values()}) == 2
    assert {record["model_id"] for record in pushed.values()} <= stocked.repositories.keys()
    ((run, adapter),) = [(run, record["model_id"]) for run, record in pushed.items() if "LORA" in run.name]
    files = stocked.repositories[adapter].files
    assert "adapter_model.safetensors" in files
    assert "model.safetensors" not in files
    config = json.loads(stocked.content(adapter, "adapter_config.json"))
    base = stocked.repositories["FacebookAI/roberta-base"]
    assert (config["base_model_name_or_path"], config["revision"]) == ("roberta-base", base.head.sha)

    # its base model has other weights since
    other = workplace / "other"
    for part in _roberta(_sentences(300)[::-1]):
        part.save_pretrained(other)
    assert stocked.add_model("FacebookAI/roberta-base", other).head.sha != config["revision"]
    Path("new.csv").write_text("sentence\nthe boy saw a dog\nwho was not very old\n", encoding="utf-8")
    shell.verbs(
        ["predict", adapter, "new.csv", "--output", "hub.csv"],
        ["predict", str(run), "new.csv", "--output", "here.csv"],
    )
    there, here = (Path(name).read_text(encoding="utf-8") for name in ("hub.csv", "here.csv"))
    assert there == here
