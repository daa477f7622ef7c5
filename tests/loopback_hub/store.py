"""What the tests' Hub keeps: repositories with their commits, the files' bytes in a folder, and who may log in."""

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

Kind = Literal["model", "dataset"]
Role = Literal["read", "write", "fineGrained"]
# of file names that the Hub keeps as large files whatever their size (its .gitattributes of a new repository)
_LARGE = (".safetensors", ".bin", ".parquet", ".arrow", ".h5", ".pt", ".gz", ".zip", ".png", ".npy", ".onnx")
_LARGE_FROM = 10_000_000


@dataclass(frozen=True)
class Login:
    """Who a token belongs to, and what it may do."""

    name: str
    role: Role = "write"
    orgs: Mapping[str, str] = field(default_factory=dict)
    """Organisation → role there: read, contributor, write or admin."""
    writable: tuple[str, ...] = ()
    """Of a fine-grained token: users, organisations and repositories that it may write to."""

    def may_write(self, repository: str) -> bool:
        owner = repository.partition("/")[0]
        if self.role == "fineGrained":
            return owner in self.writable or repository in self.writable
        return self.role == "write" and (
            owner == self.name or self.orgs.get(owner) in ("contributor", "write", "admin")
        )

    def may_read(self, repository: str) -> bool:
        owner = repository.partition("/")[0]
        return owner == self.name or owner in self.orgs


@dataclass(frozen=True)
class Stored:
    """A file's content."""

    sha256: str
    git_sha: str
    size: int
    large: bool


@dataclass(frozen=True)
class Commit:
    sha: str
    title: str
    files: Mapping[str, Stored]
    author: str
    when: str


@dataclass
class Repository:
    """A model or data set. The newest commit is the last one; there is one branch, main."""

    kind: Kind
    name: str
    private: bool = False
    commits: list[Commit] = field(default_factory=list)

    @property
    def head(self) -> Commit:
        return self.commits[-1]

    @property
    def files(self) -> Mapping[str, Stored]:
        return self.head.files

    def at(self, revision: str) -> Commit | None:
        if revision in ("main", "HEAD", "refs/heads/main"):
            return self.head
        # datasets asks for refs/convert/parquet, which not every repository has
        return next((commit for commit in reversed(self.commits) if commit.sha == revision), None)

    def commit(self, files: Mapping[str, Stored], *, title: str, author: str) -> Commit:
        parent = self.commits[-1].sha if self.commits else ""
        content = "".join(f"{path}:{stored.git_sha}\n" for path, stored in sorted(files.items()))
        sha = hashlib.sha1(f"{self.kind}:{self.name}:{parent}:{title}:{content}".encode()).hexdigest()
        when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.commits.append(Commit(sha=sha, title=title, files=dict(files), author=author, when=when))
        return self.head


class Store:
    """All repositories, and the bytes of all files in a folder, each once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self.repositories: dict[tuple[Kind, str], Repository] = {}
        self.renamed: dict[tuple[Kind, str], str] = {}

    def bytes_of(self, stored: Stored) -> Path:
        return self._folder / stored.sha256

    def has_large(self, sha256: str) -> bool:
        return (self._folder / sha256).is_file()

    def put(self, content: bytes, *, path: str) -> Stored:
        sha256 = hashlib.sha256(content).hexdigest()
        (self._folder / sha256).write_bytes(content)
        return self.known(sha256, large=kept_large(path, len(content)))

    def received(self, part: Path, *, sha256: str) -> bool:
        """Takes over an uploaded file if it is whole."""
        with part.open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        part.rename(self._folder / sha256) if whole else part.unlink()
        return whole

    def known(self, sha256: str, *, large: bool) -> Stored:
        path = self._folder / sha256
        size = path.stat().st_size
        if large:
            content = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
        else:
            content = path.read_bytes()
        return Stored(sha256, hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(), size, large)

    def add(self, kind: Kind, name: str, folder: Path, *, private: bool) -> Repository:
        """A folder's files as one commit of a repository, new or there."""
        files = {
            path.relative_to(folder).as_posix(): self.put(path.read_bytes(), path=path.name)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        with self.lock:
            repository = self.repositories.setdefault((kind, name), Repository(kind, name, private))
            repository.commit(files, title="files", author=name.partition("/")[0])
        return repository

    def create(self, kind: Kind, name: str, *, private: bool) -> Repository:
        repository = self.repositories[kind, name] = Repository(kind, name, private)
        attributes = self.put(b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n", path=".gitattributes")
        repository.commit({".gitattributes": attributes}, title="initial commit", author=name.partition("/")[0])
        return repository

    def find(self, kind: Kind, name: str) -> Repository | None:
        return self.repositories.get((kind, name))


def kept_large(path: str, size: int) -> bool:
    return path.endswith(_LARGE) or size >= _LARGE_FROM


def folders_of(paths: Iterable[str]) -> set[str]:
    """All folders that the paths of files name."""
    return {"/".join(parts[:depth]) for path in paths if (parts := path.split("/")) for depth in range(1, len(parts))}
