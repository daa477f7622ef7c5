"""Run alone in a clean process: load saved folders with transformers only, and write what they say as JSON.

usage: python -I reload_without_hftk.py FOLDER, where FOLDER/cases.json is {name: {"task", "auto_class", "texts"}}
"""

import importlib.abc
import json
import sys
from pathlib import Path

import numpy as np


class NoHftk(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] == "hftk":
            raise ModuleNotFoundError(f"{fullname} is blocked")
        return None


sys.meta_path.insert(0, NoHftk())
try:
    import hftk  # noqa: F401
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("hftk can be imported here, so this process shows nothing")

import torch  # noqa: E402
import transformers  # noqa: E402
from PIL import Image  # noqa: E402

folder = Path(sys.argv[1])
images = [Image.fromarray(pixels) for pixels in np.load(folder / "images.npy")]
said = {}
for name, case in json.loads((folder / "cases.json").read_text()).items():
    place = str(folder / name)
    model = getattr(transformers, case["auto_class"]).from_pretrained(place, trust_remote_code=True)
    pipe = transformers.pipeline(case["task"], model=place, trust_remote_code=True)
    if case["task"] == "image-classification":
        processor = transformers.AutoImageProcessor.from_pretrained(place)
        inputs = processor(images, return_tensors="pt")
        scores = pipe(images, top_k=1000)
    else:
        tokenizer = transformers.AutoTokenizer.from_pretrained(place)
        inputs = tokenizer(case["texts"], padding=True, return_tensors="pt")
        options = {"top_k": None} if case["task"] == "text-classification" else {"ignore_labels": []}
        scores = [pipe(text, **options) for text in case["texts"]]
    with torch.no_grad():
        logits = model(**inputs).logits
    said[name] = {
        "class": type(model).__name__,
        "training": model.training,
        "logits": logits.tolist(),
        "scores": [[(s.get("label") or s["entity"], float(s["score"])) for s in row] for row in scores],
    }
(folder / "said.json").write_text(json.dumps(said))
