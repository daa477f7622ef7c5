"""Images → the sequence of their rows."""

from torch import Tensor

# of red, green and blue in the brightness that a person sees (ITU-R BT.601, as Pillow's convert("L"))
_GREY = (0.299, 0.587, 0.114)


def check_image_size(image_size: list[int] | None) -> tuple[int, int]:
    """(height, width) in pixels; a ValueError where the config of an image model does not say them."""
    if image_size is None:
        raise ValueError("image_size: None; allowed for images: [height, width] in pixels")
    return image_size[0], image_size[1]


def image_rows(pixel_values: Tensor, *, image_size: list[int], num_channels: int) -> Tensor:
    """(batch, height, channels * width): one step per row of pixels.

    pixel_values: (batch, channels, height, width). Three channels given to a model of one are turned to grey
    (Transformers' pipeline converts every picture to RGB). Raises ValueError for images of another size.
    """
    if pixel_values.shape[1] == 3 and num_channels == 1:
        red, green, blue = pixel_values.unbind(1)
        pixel_values = (_GREY[0] * red + _GREY[1] * green + _GREY[2] * blue).unsqueeze(1)
    batch, channels, height, width = pixel_values.shape
    if [channels, height, width] != [num_channels, *image_size]:
        raise ValueError(
            f"pixel_values: images of {height} × {width} pixels (height × width) and {channels} channels; this model "
            f"takes {image_size[0]} × {image_size[1]} pixels and {num_channels} channels"
        )
    return pixel_values.transpose(1, 2).reshape(batch, height, channels * width)
