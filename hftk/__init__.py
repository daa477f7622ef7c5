"""hftk: one recipe, many fine-tuned models, and the evidence for which of them is better."""

from typing import Any

__version__ = "0.1.0"
__all__ = ["run"]


def __getattr__(name: str) -> Any:
    # `hftk --help` and `hftk check` must not wait for what training imports
    if name == "run":
        from hftk.train import run

        return run
    raise AttributeError(f"module 'hftk' has no attribute {name!r}")
