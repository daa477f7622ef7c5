"""The classification head and the loss that its models return."""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy


def classification_head(*, input_size: int, hidden_sizes: list[int], num_labels: int, dropout: float) -> nn.Sequential:
    """dropout → Linear → ReLU for each of `hidden_sizes`, then dropout → Linear to the classes.

    Takes (…, input_size), gives (…, num_labels). dropout: share of numbers dropped before each Linear.
    """
    layers: list[nn.Module] = []
    for size in hidden_sizes:
        layers += [nn.Dropout(dropout), nn.Linear(input_size, size), nn.ReLU()]
        input_size = size
    return nn.Sequential(*layers, nn.Dropout(dropout), nn.Linear(input_size, num_labels))


def mean_loss(logits: Tensor, labels: Tensor | None) -> Tensor | None:
    """Mean cross-entropy over the labels that are not -100; None without labels.

    logits: (…, num_labels). labels: (…), class ids.
    """
    if labels is None:
        return None
    return cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))
