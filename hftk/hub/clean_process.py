"""Run alone, by path, where hftk cannot be imported: loads a model as anyone would, and tells what it says of rows.

usage: python -P clean_process.py ASKED SAID, two files of JSON. ASKED is a list of questions: `source` (a folder or Hub
id), `revision`, `adapter` (the folder or id of one, or null), `task`, `max_length`, `threads`, `trust`, `rows`. SAID is
the list of answers: `labels`, `logits` per row, `scores` per row as the pipeline gives them, or null where it would cut
a row elsewhere; or `error`.
"""

import base64
import importlib.abc
import io
import json
import sys
from pathlib import Path
from typing import Any

_CLASSES = {
    "text-classification": "SequenceClassification",
    "token-classification": "TokenClassification",
    "image-classification": "ImageClassification",
}


class NoHftk(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] == "hftk":
            raise ModuleNotFoundError(f"{fullname} is blocked: the model must load where there is no hftk")
        return None


def said(asked: dict[str, Any]) -> dict[str, Any]:
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(asked["threads"])
    where = {"revision": asked["revision"]} if asked["revision"] else {}
    where |= {"trust_remote_code": True} if asked["trust"] else {}
    images = asked["task"] == "image-classification"
    reads = transformers.AutoImageProcessor if images else transformers.AutoTokenizer
    processor = reads.from_pretrained(asked["source"], **where)
    if asked["adapter"] is None:
        kind = getattr(transformers, f"AutoModelFor{_CLASSES[asked['task']]}")
        model = kind.from_pretrained(asked["source"], **where)
        pipe = transformers.pipeline(asked["task"], model=asked["source"], device="cpu", **where)
    else:
        import peft

        # an adapter's own files do not tell how many labels its base model is to have
        labels = transformers.AutoConfig.from_pretrained(asked["source"], **where).id2label
        kind = getattr(peft, f"AutoPeftModelFor{_CLASSES[asked['task']]}")
        model = kind.from_pretrained(asked["adapter"], num_labels=len(labels), id2label=labels, **where)
        pipe = transformers.pipeline(asked["task"], model=model, tokenizer=processor, device="cpu")
    model = model.eval()
    rows = [_input(row) for row in asked["rows"]]
    with torch.inference_mode():
        logits = [model(**_encoded(row, processor, asked["max_length"])).logits[0].tolist() for row in rows]
    names = model.config.id2label
    return {
        "labels": [names[number] for number in range(len(names))],
        "logits": logits,
        "scores": [_scores(pipe, row, processor, asked["max_length"]) for row in rows],
    }


def _input(row: dict[str, Any]) -> dict[str, Any]:
    if "image" not in row:
        return row
    from PIL import Image

    return {"image": Image.open(io.BytesIO(base64.b64decode(row["image"])))}


def _encoded(row: dict[str, Any], processor: Any, max_length: int | None) -> Any:
    if "image" in row:
        return processor(row["image"], return_tensors="pt")
    cut = {"truncation": True, "max_length": max_length, "return_tensors": "pt"}
    if "tokens" in row:
        return processor(row["tokens"], is_split_into_words=True, **cut)
    return processor(row["text"], row.get("text_pair"), **cut)


def _scores(pipe: Any, row: dict[str, Any], processor: Any, max_length: int | None) -> list[dict[str, Any]] | None:
    if "image" in row:
        return _plain(pipe(row["image"], top_k=len(pipe.model.config.id2label)))
    if "tokens" in row:
        if len(processor(row["tokens"], is_split_into_words=True)["input_ids"]) > max_length:
            return None  # the pipeline takes no length
        return _plain(pipe([row["tokens"]], is_split_into_words=True, ignore_labels=[])[0])
    given = row["text"] if "text_pair" not in row else {"text": row["text"], "text_pair": row["text_pair"]}
    return _plain(pipe(given, top_k=None, truncation=True, max_length=max_length))


def _plain(scores: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"label": one.get("label", one.get("entity")), "score": float(one["score"])}
        | ({"index": int(one["index"])} if "index" in one else {})
        for one in scores
    ]


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return said(asked)
    # a model that does not load makes transformers raise almost anything; all of it is an answer
    except Exception as error:
        return {"error": f"{type(error).__name__}: {' '.join(str(error).split())}"}


def main() -> None:
    sys.meta_path.insert(0, NoHftk())
    answers = [answer(asked) for asked in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))]
    Path(sys.argv[2]).write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main()
