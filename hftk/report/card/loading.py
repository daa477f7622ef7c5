"""How anyone loads the model: five lines that need no hftk."""

from hftk.recipe.schema import Recipe
from hftk.report.runs import Run

HERE = "path/to/this/folder"
_CLASSES = {
    "text-classification": "SequenceClassification",
    "token-classification": "TokenClassification",
    "image-classification": "ImageClassification",
}
_OWN_CODE = (
    "`trust_remote_code=True` lets transformers run the model's own code, which it does not have itself: a few short "
    "files of plain PyTorch, beside the weights. Read them first, or pin the commit that you have read with "
    "`revision=`. hftk is not needed."
)


def loading_code(recipe: Recipe, *, model_id: str | None, adapter: bool) -> str:
    """model_id: on the Hub; None: a folder. adapter: is it one alone, to be put on its base model?"""
    name = f'"{model_id or HERE}"'
    return _adapter_code(recipe, name) if adapter else _pipeline_code(recipe, name)


def _pipeline_code(recipe: Recipe, name: str) -> str:
    trust = ", trust_remote_code=True" if recipe.model.architecture is not None else ""
    return "\n".join(
        [
            "from transformers import pipeline",
            "",
            f'classify = pipeline("{recipe.task}", model={name}{trust})',
            f"print(classify({_example(recipe)}))",
        ]
    )


def _adapter_code(recipe: Recipe, name: str) -> str:
    kind = f"AutoPeftModelFor{_CLASSES[recipe.task]}"
    return "\n".join(
        [
            f"from peft import {kind}",
            "from transformers import AutoConfig, AutoTokenizer, pipeline",
            "",
            f"name = {name}",
            "labels = AutoConfig.from_pretrained(name).id2label",
            f"model = {kind}.from_pretrained(name, num_labels=len(labels), id2label=labels)",
            f'classify = pipeline("{recipe.task}", model=model, tokenizer=AutoTokenizer.from_pretrained(name))',
            f"print(classify({_example(recipe)}))",
        ]
    )


def _example(recipe: Recipe) -> str:
    if recipe.task == "image-classification":
        return '"picture.png"'
    if recipe.task == "token-classification":
        return '"words , parted by spaces as in the data"'
    if recipe.data.columns.text_pair is not None:
        return '{"text": "the first text", "text_pair": "the second one"}'
    return '"a text to classify"'


def about_loading(run: Run, recipe: Recipe) -> list[str]:
    """Markdown paragraphs below the code."""
    told = [_OWN_CODE] if recipe.model.architecture is not None else []
    if recipe.task == "text-classification" and run.data.max_length is not None:
        told.append(
            f"Longer texts are to be cut as in training: `classify(text, truncation=True, "
            f"max_length={run.data.max_length})`."
        )
    return told
