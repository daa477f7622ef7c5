"""builtin:digits: scikit-learn's handwritten digits, 8 × 8 pixels."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datasets

_INK = 16  # the darkest value of the original


def digits() -> "datasets.DatasetDict":
    """1,797 grey images (column image) and their digits (column label), one split; installed with scikit-learn.

    Source: E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
    """
    import datasets
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    loaded = load_digits()
    pixels = np.rint(loaded.images * (255 / _INK)).astype(np.uint8)
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=list("0123456789"))})
    rows = {"image": [Image.fromarray(image) for image in pixels], "label": loaded.target.tolist()}
    return datasets.DatasetDict({"train": datasets.Dataset.from_dict(rows, features)})
