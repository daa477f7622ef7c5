"""`data.path` → the splits or files that it holds, each read when it is first asked for."""

import glob
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hftk.data.files import read_file, source_of_table
from hftk.data.idx import find_idx
from hftk.data.image_folder import find_images
from hftk.data.source import Source
from hftk.data.where import Where, did_you_mean, listed
from hftk.errors import DataError
from hftk.hub import reaching
from hftk.recipe import schema
from hftk.recipe.file_kinds import CONLL, SUFFIXES, readable, readable_in_words

if TYPE_CHECKING:
    import datasets

_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
_COMMIT = re.compile("[0-9a-f]{40}")


@dataclass
class Sources:
    """The splits of a data set, or the files of a folder, by name; none is read before it is used."""

    readers: dict[str, Callable[[], list[Source]]]
    """Name → reader; several sources where a split is made of several files."""
    kind: str
    """`split` or `file`: what the names are, for messages."""
    base: Path | None
    """Folder to which further file names are relative; None where no files can be named beside the splits."""
    read_other: Callable[[Path, str], Source]
    """Reads a file that `readers` does not name."""
    suffixes: tuple[str, ...]
    """Of such files."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Other spellings of a name: of a file without its suffix, `train` of a single file."""
    commit: str | None = None
    """Of a data set of the Hub: the commit that was read; None for all others."""
    _read: dict[str, list[Source]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return list(self.readers)

    def get(self, name: str) -> list[Source] | None:
        """The sources called `name`, or the file of that name; None where there is neither."""
        name = self.aliases.get(name, Path(name).as_posix())
        if name not in self._read:
            if name in self.readers:
                self._read[name] = self.readers[name]()
            else:
                path = (self.base or Path()) / name
                if Path(name).suffix.lower() not in self.suffixes or not path.is_file():
                    return None
                self._read[name] = [self.read_other(path, name)]
        return self._read[name]

    def used(self) -> list[Source]:
        """The sources that have been used so far."""
        return [source for sources in self._read.values() for source in sources]

    def notices(self) -> list[str]:
        """What reading them had to tell."""
        return [notice for source in self.used() for notice in source.notices]


def open_sources(data: schema.Data, task: str, where: Where) -> Sources:
    """Finds what `data.path` names: builtin:<name>, a local file or folder, or a data set on the Hub.

    A local file or folder wins over a Hub id of the same name, as in `datasets.load_dataset`. Raises DataError.
    """
    path = Path(data.path).expanduser()
    if data.path.startswith("builtin:"):
        _refuse(data, ("name", "revision", "data_files"), "a builtin data set", where)
        return _builtin(data, task, where)
    if path.is_file():
        _refuse(data, ("name", "revision", "data_files"), "a local file", where)
        sources = _files({path.name: [path]}, data=data, task=task, base=Path(), where=where)
        # load_dataset calls a single file's split so
        sources.aliases |= {"train": path.name, data.path: path.name, path.as_posix(): path.name}
        return sources
    if path.is_dir():
        _refuse(data, ("name", "revision"), "a local folder", where)
        return _folder(path, data=data, task=task, where=where)
    if _looks_local(data.path):
        beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        near = did_you_mean(path.name, beside)
        raise DataError(f"{where('path')}: there is no file or folder {path} (in {Path.cwd()}){near}")
    return _hub(data, task, where)


def _looks_local(path: str) -> bool:
    """A Hub id is `name` or `owner/name`, and no data file's name."""
    spelt = path.startswith((".", "~")) or path.count("/") > 1 or "\\" in path
    return spelt or Path(path).suffix.lower() in (*SUFFIXES, *CONLL) or Path(path).is_absolute()


def _refuse(data: schema.Data, keys: tuple[str, ...], what: str, where: Where) -> None:
    for key in keys:
        if getattr(data, key) is not None:
            raise DataError(f"{where(key)}: has no effect on {what} ({data.path}); take it out")


def _refuse_text_settings(data: schema.Data, what: str, where: Where) -> None:
    for key in ("encoding", "header", "delimiter", "quoting", "column_names"):
        if getattr(data, key) != schema.Data.model_fields[key].default:
            raise DataError(
                f"{where(key)}: is for local csv and other text files and has no effect on {what}; take it out"
            )


def _builtin(data: schema.Data, task: str, where: Where) -> Sources:
    from hftk.data.builtin import load_builtin

    _refuse_text_settings(data, data.path, where)
    try:
        loaded = load_builtin(data.path.removeprefix("builtin:"))
    except DataError as error:
        raise DataError(f"{where('path')}: {error}") from None
    return _of_datasets(loaded, data=data, task=task, where=where)


def _folder(folder: Path, *, data: schema.Data, task: str, where: Where) -> Sources:
    if data.data_files is not None:
        chosen = _chosen_files(folder, data.data_files, where)
        return _files(chosen, data=data, task=task, base=folder, where=where, kind="split")
    if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
        import datasets

        _refuse_text_settings(data, f"{folder}, which Dataset.save_to_disk wrote", where)
        try:
            _refuse_files_elsewhere(folder, where)
            loaded = datasets.load_from_disk(str(folder))
        except DataError:
            raise
        # damaged or hostile files make datasets raise almost anything
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"{where('path')}: {folder} cannot be loaded from disk ({reason})") from None
        return _of_datasets(loaded, data=data, task=task, where=where)
    kinds = readable(task, data.columns)
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in kinds)
    if not files:
        if images := _images(folder, data=data, task=task, where=where):
            return images
        found = listed(sorted(file.name for file in folder.iterdir()))
        raise DataError(
            f"{where('path')}: no data file in the folder {folder}; it holds: {found}. "
            f"Can be read for {task}: {readable_in_words(task, data.columns)}"
            + ("; idx files; and folders of images, one per class" if task == "image-classification" else "")
        )
    grouped: dict[str, list[Path]] = {}
    for file in files:
        # train-00000-of-00002.parquet, train-00001-of-00002.parquet: one split, as on the Hub
        name = _SHARD.sub("", file.stem) if _SHARD.search(file.stem) else file.name
        grouped.setdefault(name, []).append(file)
    return _files(grouped, data=data, task=task, base=folder, where=where)


def _refuse_files_elsewhere(folder: Path, where: Where) -> None:
    """What Dataset.save_to_disk wrote names its splits and files, and datasets goes wherever these names lead."""
    splits = [folder]
    if (listing := folder / "dataset_dict.json").is_file():
        splits = []
        for name in json.loads(listing.read_bytes())["splits"]:
            _refuse_elsewhere(listing, str(name), where)
            splits.append(folder / str(name))
    for split in splits:
        state = split / "state.json"
        for entry in json.loads(state.read_bytes())["_data_files"] if state.is_file() else ():
            _refuse_elsewhere(state, str(entry["filename"]), where)


def _refuse_elsewhere(listing: Path, name: str, where: Where) -> None:
    if set("/\\\0") & set(name) or name in ("", ".", ".."):
        raise DataError(f"{where('path')}: {listing} names {name!r}; allowed: names of what lies beside it")


def _images(folder: Path, *, data: schema.Data, task: str, where: Where) -> Sources | None:
    """idx files, or images in folders; None where there are none. Raises DataError for another task."""
    pairs = find_idx(folder, where)
    found = {} if pairs else find_images(folder, where)
    if not pairs and not found:
        return None
    what = f"the folder {folder}, which holds {'idx files' if pairs else 'images'}"
    if task != "image-classification":
        raise DataError(f"{where('path')}: {what}, is for task: image-classification, not {task}")
    _refuse_text_settings(data, what, where)

    def idx_reader(split: str) -> Callable[[], list[Source]]:
        return lambda: [pairs[split].read(split, where)]

    def image_reader(split: str) -> Callable[[], list[Source]]:
        return lambda: [found[split]]

    readers = {split: idx_reader(split) for split in pairs} | {split: image_reader(split) for split in found}
    return Sources(readers, "split", None, *_other_files(data, task, where))


def _other_files(data: schema.Data, task: str, where: Where) -> tuple[Callable[[Path, str], Source], tuple[str, ...]]:
    """What `Sources` needs to read files that stand beside its own."""

    def read(path: Path, name: str) -> Source:
        return read_file(path, data=data, task=task, where=where, name=name)

    return read, readable(task, data.columns)


def _chosen_files(
    folder: Path, data_files: str | list[str] | dict[str, str | list[str]], where: Where
) -> dict[str, list[Path]]:
    """`data.data_files` of a folder: split → files, patterns (`train-*.csv`) filled in; a list is all train."""
    by_split: Mapping[str, Any] = data_files if isinstance(data_files, dict) else {"train": data_files}
    chosen = {}
    for split, patterns in by_split.items():
        files = []
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
            found = sorted(
                Path(file) for file in glob.glob(str(Path(glob.escape(str(folder))) / pattern), recursive=True)
            )
            if not found:
                raise DataError(f"{where('data_files')}: no file {pattern} in {folder}")
            files += found
        chosen[split] = files
    return chosen


def _files(
    grouped: dict[str, list[Path]], *, data: schema.Data, task: str, base: Path, where: Where, kind: str = "file"
) -> Sources:
    read, suffixes = _other_files(data, task, where)

    def reader(paths: list[Path]) -> Callable[[], list[Source]]:
        return lambda: [
            read(path, path.relative_to(base).as_posix() if kind == "split" else path.name) for path in paths
        ]

    stems: dict[str, list[str]] = {}
    for name in grouped:
        stems.setdefault(Path(name).stem, []).append(name)
    aliases = {stem: names[0] for stem, names in stems.items() if len(names) == 1 and stem != names[0]}
    return Sources({name: reader(paths) for name, paths in grouped.items()}, kind, base, read, suffixes, aliases)


def _hub(data: schema.Data, task: str, where: Where) -> Sources:
    asked = data.path + (f" ({data.name})" if data.name else "") + (f" at {data.revision}" if data.revision else "")
    _refuse_text_settings(data, f"{asked}, a data set of the Hub", where)
    import datasets
    from datasets.exceptions import DatasetNotFoundError

    local = "use a local copy: data.path: <file or folder>"
    trouble = reaching.trouble(data.path, kind="data set", revision=data.revision)
    if trouble is not None and not trouble.passing:
        raise DataError(
            f"{where('path')}: there is no file or folder {data.path} here, and {trouble.reason}; asked for {asked}. "
            f"Or {local}"
        )
    try:
        with _offline(trouble is not None):
            builder = datasets.load_dataset_builder(
                data.path, data.name, revision=data.revision, data_files=data.data_files
            )
            builder.download_and_prepare()
            loaded = builder.as_dataset()
    except DatasetNotFoundError as error:
        if trouble is not None:
            raise DataError(_not_cached(trouble.reason, asked, local, where)) from error
        raise DataError(
            f"{where('path')}: there is no file or folder {data.path} here, and no such data set on the Hub, or it is "
            f"private or gated (then log in: hf auth login); asked for {asked}. Or {local}"
        ) from error
    except (ConnectionError, TimeoutError) as error:
        reason = trouble.reason if trouble is not None else reaching.UNREACHABLE
        raise DataError(_not_cached(reason, asked, local, where)) from error
    # whatever else load_dataset finds wrong (configuration, revision, a script in place of data) it says in plain words
    except Exception as error:
        if trouble is not None:
            raise DataError(_not_cached(trouble.reason, asked, local, where)) from error
        key = "name" if "config" in str(error).lower() else "path"
        raise DataError(f"{where(key)}: load_dataset cannot load {asked}: {error}") from error
    commit = builder.hash if _COMMIT.fullmatch(builder.hash or "") else None
    _check_commit(data, commit, where)
    return replace(_of_datasets(loaded, data=data, task=task, where=where), commit=commit)


def _check_commit(data: schema.Data, commit: str | None, where: Where) -> None:
    """Away from the Hub, datasets takes what it read last, whatever revision is asked for (datasets 5.2)."""
    if data.revision is not None and _COMMIT.fullmatch(data.revision) and commit != data.revision:
        raise DataError(
            f"{where('revision')}: {data.revision} of {data.path} is not in the cache on this machine, which holds "
            f"{commit or 'another one'}, and the Hub cannot be asked now; try again later, or use a local copy: "
            "data.path: <file or folder>"
        )


def _not_cached(reason: str, asked: str, local: str, where: Where) -> str:
    return (
        f"{where('path')}: {reason}, {asked} is not in its cache on this machine, and there is no file or folder of "
        f"that name here; {local}"
    )


@contextmanager
def _offline(wanted: bool) -> Iterator[None]:
    """Has datasets look into its cache only, at once."""
    import datasets
    import huggingface_hub

    if not wanted:
        yield
        return
    before = datasets.config.HF_HUB_OFFLINE, huggingface_hub.constants.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = huggingface_hub.constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, huggingface_hub.constants.HF_HUB_OFFLINE = before


def _of_datasets(
    loaded: "datasets.DatasetDict | datasets.Dataset", *, data: schema.Data, task: str, where: Where
) -> Sources:
    import datasets

    if isinstance(loaded, datasets.Dataset):
        loaded = datasets.DatasetDict({"train": loaded})

    def reader(name: str, rows: "datasets.Dataset") -> Callable[[], list[Source]]:
        return lambda: [source_of_table(rows.with_format("arrow")[:], name=name, features=rows.features)]

    readers = {name: reader(name, rows) for name, rows in loaded.items()}
    return Sources(readers, "split", None, *_other_files(data, task, where))
