"""What all tests share. No test uses the network."""

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.loopback_hub.hub import LoopbackHub

# read when huggingface_hub is imported, so before any test is
os.environ["HF_HUB_OFFLINE"] = "1"
# models here are tiny: threads would only wait for each other
os.environ.setdefault("OMP_NUM_THREADS", "1")
# the tests' Hub is a package of files, tests.loopback_hub
sys.path.append(str(Path(__file__).resolve().parent.parent))

_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is read from the user's cache, or left in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFTK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty cache, for a module that looks at what is made and what is taken from there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFTK_CACHE", folder := str(tmp_path_factory.mktemp("cache")))
        yield Path(folder)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the repository (or below $HFTK_SHARED)."""
    folder = Path(os.environ.get("HFTK_SHARED") or _SHARED) / "data"
    if not folder.is_dir():
        pytest.skip(f"the real data sets are not here: no folder {folder} (HFTK_SHARED names another)")
    return folder


@pytest.fixture
def loopback_hub(tmp_path: Path) -> Iterator["LoopbackHub"]:
    """A Hub on 127.0.0.1 for the real clients, empty, with the login of `me`, who is also in the organisation `lab`.

    `loopback_hub.environment` are the variables for a process that is to use it; `loopback_hub.logins` takes further
    tokens. For huggingface_hub in the test's own process, see `loopback_hub_here`.
    """
    from tests.loopback_hub.hub import LoopbackHub
    from tests.loopback_hub.store import Login

    # looks like a token, so that whatever must not leave one behind can be searched for it
    token = f"hf_{secrets.token_hex(17)}"
    hub = LoopbackHub(tmp_path / "hub", logins={token: Login("me", orgs={"lab": "write"})}, token=token)
    yield hub
    hub.close()


@pytest.fixture
def loopback_hub_here(loopback_hub: "LoopbackHub", monkeypatch: pytest.MonkeyPatch) -> Iterator["LoopbackHub"]:
    """`loopback_hub`, and huggingface_hub in this process asks it (else its address is fixed when it is imported).

    Not so datasets and transformers: these want a process of their own.
    """
    from huggingface_hub import close_session, constants

    from hftk.hub import reaching

    for name, value in loopback_hub.environment.items():
        monkeypatch.setenv(name, value)
    home = Path(loopback_hub.environment["HF_HOME"])
    for name, value in {
        "ENDPOINT": loopback_hub.endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": loopback_hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_STORED_TOKENS_PATH": str(home / "stored_tokens"),
    }.items():
        monkeypatch.setattr(constants, name, value)
    close_session()
    for answers in (reaching.reachable, reaching._trouble):
        answers.cache_clear()
    yield loopback_hub
    # what this Hub has said is nothing to the tests that come after
    for answers in (reaching.reachable, reaching._trouble):
        answers.cache_clear()


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT encoder of 2 layers and 32 hidden units, without dropout, and its WordPiece tokenizer: a folder."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny_bert")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    words = special + TINY_WORDS + list(letters) + ["##" + letter for letter in letters]
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=64,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    ).save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=len(words),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    ).save_pretrained(folder)
    return folder


TINY_WORDS = ["good", "bad", "film", "plot", "the", "a", "was", "is", "very", "not", "really", "actor", "scene", "and"]


@pytest.fixture(scope="session")
def tiny_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 short reviews with the labels neg and pos, learnable from their words; a csv file with a header."""
    import random

    rng = random.Random(0)
    lines = ["text,label"]
    for number in range(150):
        label = ("neg", "pos")[number % 2]
        words = rng.choices(TINY_WORDS[2:], k=rng.randint(2, 14)) + [("bad", "good")[number % 2], str(number)]
        rng.shuffle(words)
        lines.append(f"{' '.join(words)},{label}")
    path = tmp_path_factory.mktemp("tiny_csv") / "reviews.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of someone who follows the READMEs: a clone, and the files that the recipes and commands name.

    Empty files stand in for the data: they are there, and not read in the first phase of checking.
    """
    root = Path(__file__).resolve().parent.parent
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("recipes", "hftk", "scripts", "accelerate_config.yaml", "constraints.txt"):
        (clone / name).symlink_to(root / name)
    named = [
        "clone/Tweets.csv",
        *(f"clone/vectors/glove.6B.{size}d.txt" for size in (100, 200)),
        *(f"clone/UD_English-EWT/en_ewt-ud-{split}.conllu" for split in ("train", "dev", "test")),
        *(f"{folder}/{name}" for folder in ("clone/data/fashion", "shared/data/fashion_mnist") for name in IDX_FILES),
        *(f"shared/data/cola/{name}.tsv" for name in ("in_domain_train", "in_domain_dev", "out_of_domain_dev")),
        "shared/data/rt_polarity/rt_polarity.parquet",
        "shared/data/korean/nsmc_3class.parquet",
        "shared/data/twenty_newsgroups/twenty_newsgroups.parquet",
        "shared/data/sentiment3/twitter_us_airline.parquet",
        "shared/data/ud_english_ewt/en_ewt-ud.parquet",
        "shared/data/glove/glove.6B.100d.top2604.txt.gz",
    ]
    for name in named:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(clone)
    return clone


IDX_FILES = [f"{split}-{what}-ubyte.gz" for split in ("train", "t10k") for what in ("images-idx3", "labels-idx1")]
