"""The model card: whole, and with no figure or path that does not belong there."""

import pytest
from huggingface_hub import ModelCard

import hftk
from hftk.recipe.schema import Recipe
from hftk.report.card import card
from hftk.report.runs import Run

RUN = Run.model_validate(
    {
        "run": "cell=x",
        "status": "finished",
        "seed": 3,
        "ranking": {"metric": "validation_accuracy", "goal": "maximize"},
        "metrics": {"validation_loss": 0.5, "validation_accuracy": 0.75, "test_loss": 0.625, "test_accuracy": 0.7},
        "keep": "best",
        "epochs": 2.0,
        "best_epoch": 1.0,
        "data": {
            "path": "reviews.csv",
            "labels": ["부정", "pos|neg"],
            "rows": {"train": 1200, "validation": 80, "test": 90},
            "rows_before": {"train": 1200, "validation": 80, "test": 100},
        },
        "curve": [
            {"epoch": 1.0, "train_loss": 0.6, "validation_loss": 0.5, "validation_accuracy": 0.75},
            {"epoch": 2.0, "train_loss": 0.4, "validation_loss": 0.55, "validation_accuracy": 0.7},
        ],
    }
)


def recipe(**changes) -> Recipe:
    content = {
        "name": "reviews",
        "data": {"path": "nyu-mll/glue"},
        "model": {"pretrained": "bert-base-uncased"},
        "metrics": ["accuracy"],
    }
    return Recipe.model_validate(content | changes)


def test_the_whole_card():
    assert (
        card(RUN, recipe())
        == f"""---
base_model: bert-base-uncased
datasets:
- nyu-mll/glue
library_name: transformers
metrics:
- accuracy
pipeline_tag: text-classification
tags:
- hftk
---

# reviews: cell=x

bert-base-uncased, fine-tuned by hftk {hftk.__version__} on nyu-mll/glue (1,200 rows of train, 80 rows of validation, \
90 rows of test) to tell apart 2 classes: 부정, pos\\|neg.

## Use

```python
from transformers import pipeline

classify = pipeline("text-classification", model="path/to/this/folder")
print(classify("a text to classify"))
```

## Figures

| metric | validation | test |
| :-- | --: | --: |
| loss | 0.5000 | 0.6250 (n=90 of 100) |
| accuracy | 0.7500 | 0.7000 (n=90 of 100) |

The weights are those of epoch 1; one seed (3). Selection used validation only.

## Training

| epoch | training loss | validation accuracy | validation loss | test accuracy |
| --: | --: | --: | --: | --: |
| 1 | 0.6000 | 0.7500 | 0.5000 | 0.7000 (n=90 of 100) |
| 2 | 0.4000 | 0.7000 | 0.5500 |  |

The complete recipe is the file `recipe.yaml` of the run.
"""
    )


@pytest.mark.parametrize("path", ["/home/somebody/reviews.csv", "builtin:docstrings", "./reviews.csv"])
def test_what_lies_on_this_machine_is_no_metadata(path):
    text = card(RUN, recipe(data={"path": path}, model={"pretrained": "package:weights/model"}))
    metadata = ModelCard(text).data
    assert metadata.base_model is None
    assert metadata.datasets is None
    assert "/home/" not in text


def test_labels_made_anew_are_told():
    run = RUN.model_copy(update={"data": RUN.data.model_copy(update={"relabelled": {"train": 0.547}})})
    assert "Labels were made anew from the texts: 54.7% of train have another one than the data." in card(run, recipe())
    assert "made anew" not in card(RUN, recipe())


def test_an_architecture_s_card_says_how_to_load_its_code():
    told = card(
        RUN, recipe(model={"architecture": "rnn", "cell": "gru"}, embeddings={"method": "word2vec", "freeze": True})
    )
    assert (
        "rnn (cell: gru), trained from scratch, its word vectors begun with word2vec on the train split and left so,"
        in told
    )
    assert 'pipeline("text-classification", model="path/to/this/folder", trust_remote_code=True)' in told
    assert "hence `trust_remote_code`" in told and "base_model" not in told
