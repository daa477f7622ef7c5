"""Contents of reports with made-up, plausible figures."""

import base64
import io
import math
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest

from hftk.report.content import (
    Attention,
    ChangeRow,
    Classes,
    Content,
    Curve,
    DataNote,
    Example,
    FindingRow,
    Interval,
    Row,
    SettingRow,
)

NEWSGROUPS = (
    "alt.atheism comp.graphics comp.os.ms-windows.misc comp.sys.ibm.pc.hardware comp.sys.mac.hardware comp.windows.x "
    "misc.forsale rec.autos rec.motorcycles rec.sport.baseball rec.sport.hockey sci.crypt sci.electronics sci.med "
    "sci.space soc.religion.christian talk.politics.guns talk.politics.mideast talk.politics.misc talk.religion.misc"
).split()
TAGS = (
    "NN IN DT PRP JJ NNP RB . VB , NNS CC VBD VBP VBZ CD VBN VBG MD TO PRP$ -RRB- -LRB- WDT WRB : `` '' WP RP UH POS "
    "HYPH JJR NNPS JJS EX NFP GW ADD RBR $ PDT RBS SYM LS FW AFX WP$"
).split()


@pytest.fixture(scope="session")
def news() -> Content:
    return _news()


@pytest.fixture(scope="session")
def korean() -> Content:
    return _korean()


@pytest.fixture(scope="session")
def fifty() -> Content:
    return _fifty()


@pytest.fixture(scope="session")
def failed() -> Content:
    return _failed()


@pytest.fixture(scope="session")
def single() -> Content:
    return _single()


@pytest.fixture(scope="session")
def tagger() -> Content:
    return _tagger()


@pytest.fixture(scope="session")
def hostile() -> Callable[[str], Content]:
    """A content all of whose texts, names and labels are, or hold, the text given."""
    return _hostile


def empty(**parts) -> Content:
    nothing = {
        "title": "grid",
        "metric": "validation_accuracy",
        "goal": "maximize",
        "labels": [],
        "summary": [],
        "advice": [],
        "rows": [],
        "settings": [],
        "findings": [],
        "curves": [],
        "classes": [],
        "hardest": [],
        "suspicious": [],
        "confused": [],
        "attention": [],
        "data": [],
        "footnotes": [],
        "notices": [],
        "facts": [],
        "commands": [],
    }
    return Content(**(nothing | parts))


def _curve(
    rng: random.Random,
    name: str,
    *,
    setting: str | None = None,
    epochs: int = 20,
    top: float = 0.65,
    speed: float = 0.3,
    overfits: float = 0.0,
    classes: int = 20,
    kept: float | None = None,
    rate: float = 1e-3,
    parts: tuple[str, ...] = (),
    diverges: int | None = None,
) -> Curve:
    chance = math.log(classes)
    columns: dict[str, list[float | None]] = {
        "epoch": [],
        "train_loss": [],
        "validation_loss": [],
        "validation_accuracy": [],
        "learning_rate": [],
        "grad_norm": [],
    }
    gradients: dict[str, list[float | None]] = {"epoch": [], **{part: [] for part in parts}}
    for number in range(1, epochs + 1):
        learned = 1 - math.exp(-speed * number)
        train = chance * (1 - learned * (0.25 + 0.72 * top + 0.2 * overfits)) + rng.gauss(0, 0.01)
        validation = chance * (1 - learned * top * 0.95) + overfits * 0.05 * max(0, number - 5) + rng.gauss(0, 0.015)
        accuracy = 1 / classes + (top - 1 / classes) * learned + rng.gauss(0, 0.006)
        norm = 1.5 + 1.2 * learned + rng.gauss(0, 0.15)
        if diverges and number >= diverges:
            spike = 60.0 * 8 ** (number - diverges)
            train, validation, accuracy, norm = spike, spike * 1.3, 1 / classes, spike * 20
            if number >= diverges + 2:
                train = validation = norm = math.nan
        values = (
            number,
            max(train, 0.02),
            validation,
            min(accuracy, 0.999),
            rate * (1 - number / epochs * 0.95),
            norm,
        )
        if any(math.isnan(value) for value in values):
            values = (number, math.nan, math.nan, 1 / classes, rate, math.nan)
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
        gradients["epoch"].append(number)
        for depth, part in enumerate(parts):
            gradients[part].append(abs(norm) * 0.35 ** (len(parts) - depth) * rng.uniform(0.7, 1.3))
    return Curve(
        run=name,
        setting=name if setting is None else setting,
        columns=columns,
        kept_epoch=kept,
        gradients=gradients if parts else {},
    )


def _class_figures(
    rng: random.Random, row: str, labels: list[str], accuracy: float, support: list[int], split: str = "test"
) -> Classes:
    size = len(labels)
    confusion = [[0] * size for _ in range(size)]
    for true, items in enumerate(support):
        own = min(0.98, max(0.03, accuracy + rng.gauss(0, 0.12)))
        near = [(true + step) % size for step in (1, 1, 1, 2, 2, 3)]
        for _ in range(items):
            if rng.random() < own:
                said = true
            else:
                said = rng.choice(near) if rng.random() < 0.7 else rng.randrange(size)
            confusion[true][said] += 1
    right = [confusion[place][place] for place in range(size)]
    said = [sum(line[place] for line in confusion) for place in range(size)]
    precision = [r / s if s else 0.0 for r, s in zip(right, said, strict=True)]
    recall = [r / s if s else 0.0 for r, s in zip(right, support, strict=True)]
    f1 = [2 * p * r / (p + r) if p + r else 0.0 for p, r in zip(precision, recall, strict=True)]
    return Classes(row, split, precision, recall, f1, list(support), confusion)


def _interval(value: float, n: int) -> Interval:
    half = 1.96 * math.sqrt(max(value * (1 - value), 1e-4) / n)
    return Interval(value - half, value + half)


def _news() -> Content:
    rng = random.Random(20)
    support = [rng.randint(251, 399) for _ in NEWSGROUPS]
    figures = [
        # cell, embeddings, validation, test, kept epoch, top of the curve
        ("gru", "glove", 0.7012, 0.6689, 17, 0.70),
        ("lstm", "glove", 0.6976, 0.6641, 18, 0.695),
        ("gru", "fasttext", 0.6888, 0.6610, 19, 0.685),
        ("lstm", "fasttext", 0.6790, 0.6402, 15, 0.675),
        ("gru", "word2vec", 0.6348, 0.6025, 16, 0.635),
        ("lstm", "word2vec", 0.6250, 0.5977, 20, 0.625),
        ("rnn", "glove", 0.4916, 0.4577, 12, 0.49),
        ("rnn", "fasttext", 0.4571, 0.4301, 20, 0.455),
        ("rnn", "word2vec", 0.3873, 0.3688, 8, 0.385),
    ]
    parts = ("embeddings", "rnn.layer.0", "rnn.layer.1", "head.0", "classifier")
    rows, curves, classes = [], [], []
    for place, (cell, method, validation, test, kept, top) in enumerate(figures):
        name = f"cell={cell},embeddings={method}"
        verdict = "reference" if place == 0 else "tie" if place < 3 else "worse"
        vectors = {"method": method, "vector_size": 100, "freeze": True}
        if method == "glove":
            vectors["path"] = "glove.6B.100d.txt"
        rows.append(
            Row(
                name=name,
                kind="run",
                status="finished",
                rank=place + 1,
                figures={
                    "validation_accuracy": validation,
                    "test_accuracy": test,
                    "test_f1": test - 0.004,
                    "test_loss": 1.05 + 2.2 * (0.7 - test),
                    "test_brier": 0.47 + 0.8 * (0.67 - test),
                    "test_ece": 0.041 + 0.01 * place,
                },
                over_baseline=validation - 0.7215,
                setting=name,
                seed=0,
                swept={"model.cell": cell, "embeddings": vectors},
                interval=_interval(test, 7532),
                verdict=verdict,
                epochs=20.0,
                kept_epoch=float(kept),
                parameters=2551128 - 200000 * place,
                trainable_parameters=478228 - 20000 * place,
                seconds=2135.7 - 150 * place,
                footnotes=(1,) if method == "glove" else (),
            )
        )
        curves.append(
            _curve(rng, name, top=top, kept=float(kept), parts=parts, overfits=1.0 if method == "glove" else 0.2)
        )
        classes.append(_class_figures(rng, name, NEWSGROUPS, test, support))
    linear = Row(
        "TF-IDF + linear",
        "baseline",
        "finished",
        None,
        {"validation_accuracy": 0.7215, "test_accuracy": 0.6943},
        None,
        interval=_interval(0.6943, 7532),
        verdict="better",
        seconds=2.1,
    )
    majority = Row(
        "majority class",
        "baseline",
        "finished",
        None,
        {"validation_accuracy": 0.0531, "test_accuracy": 0.0528},
        None,
        interval=_interval(0.0528, 7532),
        verdict="worse",
        seconds=0.1,
    )
    classes.append(_class_figures(rng, "TF-IDF + linear", NEWSGROUPS, 0.6943, support))
    first = rows[0].name
    texts = [
        "I have a problem with my Centris 610: the built-in display shows thin horizontal lines when it is warm. "
        "Has anyone seen this, and does a new cable help?",
        "Does anybody know where I can get the specifications of the GIF89a format by ftp? Thanks in advance.",
        "For sale: a 386SX/16 with 4 MB, two floppies and a 40 MB disk. Best offer over $400 takes it. Shipping extra.",
        "The shuttle's main engines burn for about eight and a half minutes; after that it coasts.\n\nMike",
        "If you think that the second amendment says so, read it again, slowly.",
    ]
    examples = [
        Example(
            split="test",
            where=f"row {rng.randrange(7532):,} of twenty_newsgroups.parquet",
            text=texts[number % 5],
            label=NEWSGROUPS[(number * 7) % 20],
            said=NEWSGROUPS[(number * 7 + 3) % 20],
            share=1.0 - 0.05 * (number % 5),
            score=0.002 + 0.004 * number,
        )
        for number in range(24)
    ]
    tokens = "the new gpu driver crashes when i rotate a large polygon in opengl on windows nt".split()
    raw = [rng.random() ** 3 for _ in tokens]
    words = [weight / sum(raw) for weight in raw]
    everyone = tuple(row.name for row in rows)
    return empty(
        title="news-grid",
        labels=NEWSGROUPS,
        summary=[
            "None of the 9 runs is above the linear baseline: TF-IDF + linear reaches a test accuracy of 0.6943 "
            "(n=7,532) in 2.1 s; the best run on validation, cell=gru,embeddings=glove, reaches 0.6689.",
            "3 of 9 runs are tied on test: cell=gru,embeddings=glove, cell=lstm,embeddings=glove and "
            "cell=gru,embeddings=fasttext; n=7,532 test items cannot tell them apart.",
            "The cell matters more than the embeddings: GRU and LSTM are 0.19 above the RNN (95 %: 0.17 to 0.21), "
            "GloVe is 0.05 above Word2Vec (95 %: 0.03 to 0.07).",
            "Test was looked at once per run. The winner's test figure is 0.032 below its validation figure.",
        ],
        advice=[
            "Give the texts more room: 29.2 % of the training texts were cut at 150 tokens. Try data.max_length=300.",
            "Let the embeddings train: embeddings.freeze=false, with training.learning_rate=5e-4.",
            "Run three seeds of the three tied settings (seeds=[1, 2, 3]) before choosing one of them.",
        ],
        rows=[linear, *rows, majority],
        findings=[
            FindingRow(
                everyone,
                "not-above-linear-baseline",
                "No run is above TF-IDF + linear (validation accuracy 0.7215); the best run is 0.0203 below it.",
                None,
                "data.max_length=300",
                {"baseline": 0.7215, "best_run": 0.7012, "runs": 9},
            ),
            FindingRow(
                everyone,
                "truncation",
                "2,978 of 10,183 training texts (29.2 %) were cut at 150 tokens; on cut test texts accuracy is 0.581, "
                "on whole ones 0.702.",
                None,
                "data.max_length=300",
                {"cut": 2978, "texts": 10183, "accuracy_cut": 0.581, "accuracy_whole": 0.702},
            ),
            *(
                FindingRow(
                    (f"cell={cell},embeddings=glove",),
                    "overfitting",
                    f"Validation loss rises from epoch {epoch} on, from {low} to {high}, while training loss falls on.",
                    float(epoch),
                    "embeddings.freeze=true",
                    {"lowest": low, "last": high, "training_loss": 0.41},
                )
                for cell, epoch, low, high in (("gru", 6, 1.07, 1.49), ("lstm", 7, 1.11, 1.45))
            ),
            FindingRow(
                ("cell=rnn,embeddings=word2vec",),
                "vanishing-gradients",
                "The gradient of the first recurrent layer is 0.004 of the head's from epoch 2 on.",
                2.0,
                "model.cell=gru",
                {"ratio": 0.004, "first_layer": 0.0061, "head": 1.52},
            ),
            FindingRow(
                tuple(f"cell=rnn,embeddings={method}" for method in ("glove", "fasttext", "word2vec")),
                "stopped-too-early",
                "Validation loss was still falling by 1.2 % per epoch when training ended at epoch 20.",
                20.0,
                "training.num_train_epochs=40",
                {"fall_per_epoch": 0.012},
            ),
        ],
        curves=curves,
        classes=classes,
        hardest=examples[8:],
        suspicious=examples[:8],
        confused=[
            ("talk.religion.misc", "soc.religion.christian", 61, 0.243),
            ("comp.os.ms-windows.misc", "comp.sys.ibm.pc.hardware", 58, 0.147),
            ("alt.atheism", "talk.religion.misc", 41, 0.129),
            ("comp.sys.mac.hardware", "comp.sys.ibm.pc.hardware", 44, 0.114),
            ("sci.electronics", "comp.sys.ibm.pc.hardware", 37, 0.094),
        ],
        attention=[
            Attention(first, " ".join(tokens), "comp.graphics", "comp.graphics", tokens, words),
            Attention(first, " ".join(tokens[::-1]), "comp.graphics", "comp.windows.x", tokens[::-1], words),
        ],
        data=[
            DataNote("problem", "12 texts stand in train and in test; 5 of them with another label."),
            DataNote("problem", "271 of 10,183 training texts are empty; they were kept, as data.on_bad_rows asks."),
            DataNote("fact", "Rows: train 10,183, validation 1,131, test 7,532; 20 classes, 377 to 600 rows each."),
            DataNote("fact", "95.0 % of the tokens of train have a vector; 5.0 % are unknown to the tokenizer."),
        ],
        footnotes=[
            "GloVe covers 71.4 % of the 20,726 words; the other embeddings were trained on train and cover all."
        ],
        notices=["embeddings word2vec: 20,726 of 20,726 words have a vector."],
        facts=[
            ("time in runs", "4 h 12 min"),
            ("data", "twenty_newsgroups.parquet, fingerprint eeb79e479a8ffe9af3fb88f24391ef25b38030e3250a053936d37bf"),
            ("weights kept", "best epoch"),
            ("device", "cpu, 2 cores"),
            ("versions", "hftk 0.1.0; python 3.11.7; torch 2.13.0+cpu; transformers 5.23.0; datasets 5.2.0"),
            ("git commit", "a715b753006f7c4c75e94ca80b8de80a70c16793"),
            ("test split", "looked at once per run"),
        ],
        commands=["hftk train recipes/news_grid.yaml data.path=twenty_newsgroups.parquet"],
    )


def _korean() -> Content:
    rng = random.Random(3)
    labels = ["부정", "중립", "긍정"]
    support = [2110, 1650, 2327]
    base = [
        ("토크나이저=형태소", "gru", 0.7512, 0.7488),
        ("토크나이저=형태소", "rnn", 0.7391, 0.7402),
        ("토크나이저=음절", "gru", 0.7466, 0.7471),
        ("토크나이저=음절", "rnn", 0.7021, 0.6994),
    ]
    rows, curves, classes, settings = [], [], [], []
    for place, (tokenizer, cell, validation, test) in enumerate(base):
        setting = f"{tokenizer},cell={cell}"
        verdict = ("reference", "tie", "tie", "worse")[place if place != 1 else 3]
        for seed in (1, 2, 3):
            name = f"{setting},seed={seed}"
            own = validation + (0.0, 0.004, -0.005)[seed - 1]
            value = test + (0.001, -0.003, 0.004)[seed - 1]
            stops = 8 if seed < 3 else 6
            rows.append(
                Row(
                    name,
                    "run",
                    "finished",
                    None,
                    {"validation_accuracy": own, "test_accuracy": value, "test_ece": 0.03 + 0.004 * seed},
                    own - 0.7129,
                    setting=setting,
                    seed=seed,
                    swept={"tokenizer.type": tokenizer.split("=")[1], "model.cell": cell},
                    interval=_interval(value, 6087),
                    verdict=verdict,
                    epochs=float(stops),
                    kept_epoch=float(stops - 1),
                    parameters=979204,
                    seconds=228.8,
                )
            )
            curves.append(
                _curve(
                    rng,
                    name,
                    setting=setting,
                    epochs=stops,
                    top=own,
                    speed=0.8,
                    classes=3,
                    overfits=0.5,
                    kept=float(stops - 1),
                )
            )
            classes.append(_class_figures(rng, name, labels, value, support))
        settings.append(
            SettingRow(
                setting,
                3,
                validation,
                test,
                0.0035,
                Interval(test - 0.0095, test + 0.0095),
                test - 0.7488,
                None if place == 0 else Interval(test - 0.7488 - 0.008, test - 0.7488 + 0.008),
                None if place == 0 else (0.0412, 0.61, 0.00002)[place - 1],
                verdict,
            )
        )
    rows.sort(key=lambda row: -row.figures["validation_accuracy"])
    rows = [replace(row, rank=place) for place, row in enumerate(rows, 1)]
    settings.sort(key=lambda row: -row.validation)
    linear = Row(
        "TF-IDF + linear",
        "baseline",
        "finished",
        None,
        {"validation_accuracy": 0.7129, "test_accuracy": 0.7103},
        None,
        interval=_interval(0.7103, 6087),
        verdict="worse",
        seconds=3.4,
    )
    texts = [
        "배송은 빨랐는데 포장이 찢어져서 왔어요. 그래도 제품은 마음에 듭니다.",
        "이 영화는 처음 30분만 참으면 정말 재미있다. 배우들의 연기도 훌륭하고 음악도 좋았다. "
        "다만 결말은 조금 아쉬웠다.",
        "그냥 그래요",
        "아이가 좋아해서 두 번째 구매합니다^^ 다음에도 여기서 살게요 ㅎㅎ",
    ]
    examples = [
        Example(
            "test", f"row {number * 37} of 리뷰.csv", texts[number % 4], labels[number % 3], labels[(number + 1) % 3],
            1.0 - number * 0.03, 0.01 + 0.01 * number,
        )
        for number in range(12)
    ]  # fmt: skip
    tokens = "이 영화 는 처음 30분 만 참으면 정말 재미있다".split()
    first = rows[0].name
    return empty(
        title="한국어 감성 분석: 형태소와 음절",
        labels=labels,
        summary=[
            "두 설정이 test에서 구별되지 않는다: 토크나이저=형태소,cell=gru and 토크나이저=음절,cell=gru are a tie "
            "on test (difference −0.0017, 95 %: −0.0097 to 0.0063, n=3 seeds each, 6,087 texts).",
            "All settings but 토크나이저=음절,cell=rnn are above TF-IDF + linear (test accuracy 0.7103).",
        ],
        advice=["Take 토크나이저=음절,cell=gru: it is tied with the first and needs no morphological analysis."],
        rows=[*rows[:9], linear, *rows[9:]],
        settings=settings,
        changes=[
            ChangeRow(
                "model.cell",
                f"토크나이저={tokenizer},cell=rnn",
                "gru",
                test,
                "rnn",
                other,
                other - test,
                Interval(other - test - 0.008, other - test + 0.008),
                p,
                verdict,
            )
            for tokenizer, test, other, p, verdict in (
                ("형태소", 0.7488, 0.7402, 0.0412, "worse"),
                ("음절", 0.7471, 0.6994, 0.00002, "worse"),
            )
        ]
        + [
            ChangeRow(
                "tokenizer.type",
                "토크나이저=음절,cell=gru",
                "형태소",
                0.7488,
                "음절",
                0.7471,
                -0.0017,
                Interval(-0.0097, 0.0063),
                0.61,
                "tie",
            )
        ],
        lessons=[
            "model.cell: beside gru, rnn is worse in all of 2 comparisons.",
            "tokenizer.type: beside 형태소, 음절 is not shown to differ.",
        ],
        findings=[
            FindingRow(
                (rows[-1].name,),
                "bad-seed",
                "Seed 3 of 토크나이저=음절,cell=rnn is 0.012 below the mean of its siblings.",
                None,
                "seeds=[1, 2, 4, 5]",
                {"difference": -0.012},
            ),
            FindingRow(
                (first,),
                "overfitting",
                "Validation loss rises from epoch 6 on.",
                6.0,
                "training.num_train_epochs=6",
                {},
            ),
        ],
        curves=curves,
        classes=classes,
        hardest=examples,
        suspicious=examples[:6],
        confused=[("중립", "긍정", 301, 0.182), ("부정", "중립", 240, 0.114)],
        attention=[
            Attention(
                first, " ".join(tokens), "긍정", "긍정", tokens, [0.02, 0.1, 0.01, 0.05, 0.05, 0.02, 0.1, 0.2, 0.45]
            )
        ],
        data=[
            DataNote("fact", "Rows: train 48,002, validation 5,911, test 6,087; 부정 34.7 %, 중립 27.1 %, 긍정 38.2 %.")
        ],
        facts=[("versions", "hftk 0.1.0; torch 2.13.0"), ("data", "리뷰.csv")],
        commands=["hftk train recipes/korean.yaml data.path=리뷰.csv"],
    )


def _fifty(classes: int = 50) -> Content:
    rng = random.Random(50)
    labels = [f"class {number:02d}" for number in range(classes)]
    support = [rng.randint(80, 220) for _ in labels]
    grid = product(
        [1e-5, 2e-5, 3e-5, 5e-5, 1e-4], [16, 32], [0.0, 0.1], ["bert-base-uncased", "roberta-base", "minilm"]
    )
    rows, curves, figures = [], [], []
    for number, (rate, batch, dropout, model) in enumerate(list(grid)[:50]):
        name = f"pretrained={model},learning_rate={rate:g},per_device_train_batch_size={batch},dropout={dropout:g}"
        broken = number % 17 == 16
        top = 0.83 - 0.004 * number + rng.gauss(0, 0.004)
        rows.append(
            Row(
                name,
                "run",
                ("failed", "pruned", "interrupted")[number // 17] if broken else "finished",
                None,
                {"validation_accuracy": top + 0.01, "test_accuracy": None if broken else top},
                None if broken else top - 0.70,
                setting=name,
                seed=0,
                swept={
                    "model.pretrained": model,
                    "training.learning_rate": rate,
                    "training.per_device_train_batch_size": batch,
                    "model.hidden_dropout_prob": dropout,
                },
                reason="CUDA out of memory: 2.1 GiB were asked for, 0.4 GiB were free." if broken else None,
                interval=None if broken else _interval(top, 1043),
                verdict=None if broken else "tie",
                epochs=30.0,
                kept_epoch=None if broken else 12.0,
                parameters=109_000_000,
                seconds=900.0 + number,
            )
        )
        curves.append(
            _curve(
                rng,
                name,
                epochs=30,
                top=top,
                classes=classes,
                kept=None if broken else 12.0,
                rate=rate,
                parts=tuple(f"encoder.layer.{layer}" for layer in range(12)),
            )
        )
        figures.append(_class_figures(rng, name, labels, top, support))
    rows.sort(key=lambda row: (row.status != "finished", -row.figures["validation_accuracy"]))
    rows = [replace(row, rank=place if row.status == "finished" else None) for place, row in enumerate(rows, 1)]
    examples = [
        Example("test", f"row {number} of test.csv", "A sentence of the test split, as long as they are. " * 6,
                labels[number % classes], labels[(number + 1) % classes], 0.9, 0.05)
        for number in range(100)
    ]  # fmt: skip
    return empty(
        title="bert_sweep over fifty settings",
        labels=labels,
        summary=["50 runs: 48 finished, 1 failed, 1 pruned. 41 of them are tied with the first."],
        rows=[replace(row, verdict="reference") if row.rank == 1 else row for row in rows],
        curves=curves,
        classes=figures,
        hardest=examples[:50],
        suspicious=examples[50:],
    )


def _failed() -> Content:
    rng = random.Random(4)
    good, bad, pruned = "learning_rate=2e-05", "learning_rate=0.5", "learning_rate=1e-06"
    row = Row(
        good,
        "run",
        "finished",
        1,
        {"validation_accuracy": 0.81, "test_accuracy": 0.8},
        0.1,
        setting=good,
        seed=0,
        swept={"training.learning_rate": 2e-5},
        interval=_interval(0.8, 1043),
        verdict="reference",
        epochs=8.0,
        kept_epoch=6.0,
        parameters=22713602,
        seconds=65.2,
    )
    return empty(
        title="one run failed",
        labels=["unacceptable", "acceptable"],
        summary=["3 runs: 1 finished, 1 failed, 1 pruned.", "learning_rate=0.5 failed: its loss was not finite."],
        rows=[
            row,
            replace(
                row,
                name=bad,
                setting=bad,
                status="failed",
                rank=None,
                figures={"validation_accuracy": math.nan},
                swept={"training.learning_rate": 0.5},
                reason="The loss became NaN at step 412 (epoch 4.3); the last finite loss was 480. Nothing was kept.",
                over_baseline=None,
                interval=None,
                verdict=None,
                epochs=5.0,
                kept_epoch=None,
            ),
            replace(
                row,
                name=pruned,
                setting=pruned,
                status="pruned",
                rank=None,
                figures={"validation_accuracy": 0.69},
                swept={"training.learning_rate": 1e-6},
                reason="Below the median of the other runs at epoch 2.",
                over_baseline=None,
                interval=None,
                verdict=None,
                epochs=2.0,
                kept_epoch=None,
            ),
        ],
        findings=[
            FindingRow(
                (bad,),
                "learning-rate-too-high",
                "The loss rose to 480 at epoch 4 and then was not finite.",
                4.0,
                "training.learning_rate=0.05",
                {"largest_loss": 480.0, "last": "nan"},
            )
        ],
        curves=[
            _curve(rng, good, epochs=8, top=0.81, speed=0.8, classes=2, kept=6.0, rate=2e-5),
            _curve(
                rng, bad, epochs=6, top=0.6, classes=2, diverges=3, rate=0.5, parts=("embeddings", "encoder", "head")
            ),
            _curve(rng, pruned, epochs=2, top=0.69, classes=2, rate=1e-6),
        ],
    )


def _single() -> Content:
    rng = random.Random(5)
    content = _failed()
    labels = [f"digit {number}" for number in range(10)]
    row = replace(content.rows[0], name="seed=0", setting="", swept={}, verdict=None, over_baseline=None, interval=None)
    return empty(
        title="digits",
        labels=labels,
        summary=["1 run: 1 finished. Its validation accuracy is 0.8100, its test accuracy 0.8000 (n=360)."],
        rows=[row],
        curves=[_curve(rng, "seed=0", epochs=1, top=0.81, classes=10, kept=1.0)],
        classes=[_class_figures(rng, "seed=0", labels, 0.8, [36] * 10)],
        hardest=[
            Example("test", f"row {number} of digits", "", labels[number % 10], labels[(number + 4) % 10], 1.0, 0.02,
                    _image(number))
            for number in range(6)
        ],
        commands=["hftk train recipes/digits.yaml"],
    )  # fmt: skip


def _image(number: int) -> str:
    from PIL import Image

    rng = random.Random(number)
    picture = Image.new("L", (28, 28))
    picture.putdata([int(255 * max(0, 1 - abs(x - 14 - rng.random() * 4) / 5)) for _ in range(28) for x in range(28)])
    file = io.BytesIO()
    picture.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _tagger() -> Content:
    rng = random.Random(6)
    support = [max(3, int(3400 / (place + 1))) for place in range(len(TAGS))]
    rows, curves, classes = [], [], []
    for place, (epochs, layers, top) in enumerate([(30, 2, 0.936), (20, 2, 0.934), (10, 2, 0.925), (30, 40, 0.131)]):
        name = f"num_layers={layers},num_train_epochs={epochs}"
        rows.append(
            Row(
                name, "run", "finished", place + 1,
                {"validation_accuracy": top, "test_accuracy": top - 0.003}, top - 0.861, setting=name, seed=0,
                swept={"model.num_layers": layers, "training.num_train_epochs": epochs},
                interval=_interval(top - 0.003, 25094), verdict=("reference", "tie", "worse", "worse")[place],
                epochs=float(epochs), kept_epoch=float(epochs - 2), parameters=812_000, seconds=600.0,
            )
        )  # fmt: skip
        parts = ("embeddings", *(f"lstm.layer.{layer}" for layer in range(layers)), "head")
        curves.append(
            _curve(rng, name, epochs=epochs, top=top, classes=49, kept=float(epochs - 2), parts=parts, speed=0.6)
        )
        classes.append(_class_figures(rng, name, TAGS, top, support))
    frequent = Row(
        "most frequent tag per word", "baseline", "finished", None,
        {"validation_accuracy": 0.861, "test_accuracy": 0.8571}, None,
        interval=_interval(0.8571, 25094), verdict="worse", seconds=0.4,
    )  # fmt: skip
    classes.append(_class_figures(rng, frequent.name, TAGS, 0.857, support))
    return empty(
        title="pos-tagger",
        labels=TAGS,
        summary=["More epochs help little: 20 and 30 are a tie. 40 layers do not learn: their gradients vanish."],
        rows=[*rows[:3], frequent, rows[3]],
        findings=[
            FindingRow(
                ("num_layers=40,num_train_epochs=30",), "vanishing-gradients",
                "The gradient of lstm.layer.0 is 1e-18 of the head's from epoch 1 on.", 1.0, "model.num_layers=2",
                {"ratio": 1e-18},
            )
        ],
        curves=curves,
        classes=classes,
        confused=[("VBN", "VBD", 88, 0.31)],
    )  # fmt: skip


def _hostile(text: str) -> Content:
    rng = random.Random(1)
    name = f"a={text}"
    row = Row(
        name, "run", "finished", 1, {"validation_accuracy": 0.5, "test_accuracy": 0.5, f"test_{text}": 0.1}, 0.1,
        setting=name, swept={text: text, "b": {text: [text]}}, interval=Interval(0.4, 0.6), verdict="reference",
        data=text, footnotes=(1,), tested=text,
    )  # fmt: skip
    other = replace(row, name=f"b={text}", rank=2, verdict="tie", swept={text: f"{text}{text}", "b": {}})
    failed = replace(row, name=f"c={text}", rank=None, status="failed", reason=text)
    example = Example(text, text, text, text, text, 0.5, 0.1, None)
    return empty(
        title=text,
        labels=[text, f"2{text}"],
        summary=[text],
        advice=[text],
        rows=[row, other, failed],
        settings=[
            SettingRow(name, 1, 0.5, 0.5, None, Interval(0.4, 0.6), None, None, None, "reference"),
            SettingRow(text, 1, 0.5, 0.5, 0.1, Interval(0.4, 0.6), 0.0, Interval(-0.1, 0.1), 0.5, "tie"),
        ],
        findings=[FindingRow((name,), text, text, 1.0, f"{text}={text}", {text: text})],
        curves=[_curve(rng, name, epochs=2, kept=1.0, parts=(text,)), _curve(rng, f"b={text}", epochs=2)],
        classes=[_class_figures(rng, name, [text, f"2{text}"], 0.5, [5, 5], split=text)],
        hardest=[example],
        suspicious=[example],
        confused=[(text, text, 1, 0.5)],
        attention=[Attention(name, text, text, text, [text, "b"], [0.5, 0.5])],
        data=[DataNote("problem", text), DataNote("fact", text)],
        footnotes=[text],
        notices=[text],
        facts=[(text, text)],
        commands=[text],
    )
