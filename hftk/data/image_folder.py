"""A folder of images, whose folders are the classes → Sources' readers."""

from collections.abc import Sequence
from pathlib import Path

from hftk.data.source import Source
from hftk.data.where import Where, listed
from hftk.errors import DataError
from hftk.recipe.file_kinds import IMAGES

_SPLIT_NAMES = {"train", "training", "validation", "valid", "val", "dev", "test", "testing"}
_LAYOUTS = "<class>/<image> or <split>/<class>/<image>"


def find_images(folder: Path, where: Where) -> dict[str, Source]:
    """Split → its images, of which none is opened; one split, train, where folders are classes and no splits.

    Nothing where there is no image. Raises DataError where it cannot be told which folders are the classes.
    """
    files = [
        file
        for file in sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        if not any(part.startswith(".") for part in file.parts)
    ]
    images = [file for file in files if file.suffix.lower() in IMAGES]
    if not images:
        return {}
    at = where("path")
    depths = {len(image.parts): image for image in reversed(images)}
    if set(depths) == {2}:
        classes = {image.parts[0].lower() for image in images}
        if classes <= _SPLIT_NAMES:
            raise DataError(
                f"{at}: the folders of {folder} are splits ({listed(sorted(classes))}) and hold images without a "
                f"class; they must be {_LAYOUTS}"
            )
        grouped = {"train": images}
    elif set(depths) == {3}:
        splits = sorted({image.parts[0] for image in images})
        grouped = {split: [image for image in images if image.parts[0] == split] for split in splits}
    else:
        found = listed([image.as_posix() for image in depths.values()])
        raise DataError(f"{at}: the images of {folder} must all be {_LAYOUTS}; found: {found}; move those that are not")
    others = [file.as_posix() for file in files if file not in set(images)]
    notices = [f"{folder.name}: files that are no images are passed over: {listed(others, most=5)}"] if others else []
    return {split: _source(split, folder, of_split, notices) for split, of_split in grouped.items()}


def _source(split: str, folder: Path, images: Sequence[Path], notices: Sequence[str]) -> Source:
    table = {"image": [folder / image for image in images], "label": [image.parts[-2] for image in images]}
    names = [image.as_posix() for image in images]
    return Source(split, table, len(images), lines=names, textual=True, notices=tuple(notices))
