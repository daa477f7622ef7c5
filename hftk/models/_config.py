"""What the configs of all architectures share: lists as defaults, and the checks of ranges."""

from dataclasses import field
from inspect import get_annotations

from transformers import PreTrainedConfig


class SequenceConfig(PreTrainedConfig):
    """Base of the architectures' configs; every field stands in the architecture's own class."""

    keys_to_ignore_at_inference = ["attentions"]

    def __init_subclass__(cls, **kwargs: object) -> None:
        # a dataclass takes no list as default, since all its instances would share it
        for name in get_annotations(cls):
            default = vars(cls).get(name)
            if isinstance(default, list):
                setattr(cls, name, field(default_factory=default.copy))
        super().__init_subclass__(**kwargs)


def check_sizes(config: PreTrainedConfig, *names: str) -> None:
    """Raises ValueError where a field (or one number of a list) is below 1; None is no size and passes."""
    for name in names:
        value = getattr(config, name)
        sizes = value if isinstance(value, list) else [value]
        if any(size is not None and size < 1 for size in sizes):
            raise ValueError(f"{name}: {value}; allowed: 1 or more")


def check_shares(config: PreTrainedConfig, *names: str) -> None:
    """Raises ValueError where a field is no share below 1."""
    for name in names:
        value = getattr(config, name)
        if not 0 <= value < 1:
            raise ValueError(f"{name}: {value}; allowed: from 0 to below 1")


def check_words(config: PreTrainedConfig) -> None:
    """Raises ValueError where the fields of the vocabulary and of the word embedding do not fit each other."""
    check_sizes(config, "vocab_size", "embedding_size")
    check_shares(config, "embedding_dropout", "word_dropout")
    for name in ("pad_token_id", "unk_token_id"):
        token_id = getattr(config, name)
        if token_id is not None and not 0 <= token_id < config.vocab_size:
            raise ValueError(f"{name}: {token_id}; allowed: 0 to {config.vocab_size - 1}, below vocab_size")
    if config.word_dropout and config.unk_token_id is None:
        raise ValueError(
            f"word_dropout: {config.word_dropout} needs an unknown token to read instead, and unk_token_id is None; "
            "allowed: 0, or a tokenizer with an unknown token"
        )


def check_images(config: PreTrainedConfig) -> None:
    """Raises ValueError where image_size is not [height, width]."""
    check_sizes(config, "num_channels", "image_size")
    if config.image_size is not None and len(config.image_size) != 2:
        raise ValueError(f"image_size: {config.image_size}; allowed: [height, width] in pixels")


def check_pooling(config: PreTrainedConfig) -> None:
    """Raises ValueError for no pooling at all, or for the same one twice."""
    kinds = pooling_kinds(config)
    if not kinds or len(set(kinds)) < len(kinds):
        raise ValueError(f"pooling: {config.pooling}; allowed: one name, or a list of different names")


def pooling_kinds(config: PreTrainedConfig) -> list[str]:
    return config.pooling if isinstance(config.pooling, list) else [config.pooling]
