"""Work that runs share: done once, used by all that ask for the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hftk.report.wording import duration, plural

if TYPE_CHECKING:
    from hftk.sweep.inputs import Piece

# kinds of pieces (hftk/sweep/inputs.py) as they are called here; the others take no time worth telling
_CALLED = {
    "data": "data sets",
    "word tokenizer": "tokenizers built from train",
    "tokens": "tokenised data sets",
    "pixels": "sets of images",
    "word vectors": "tables of word vectors",
}
_WORTH_TELLING = 0.05  # seconds


@dataclass(frozen=True)
class SharedWork:
    """One kind of piece, over the whole sweep."""

    what: str
    made: int
    """Different ones."""
    uses: int
    """Runs that ask for one."""
    seconds: float
    """That all of them took to make, or to read where an earlier command had made them."""
    saved: float
    """More seconds that it would have taken to make one for each run."""

    def line(self) -> str:
        told = f"{self.what}: {self.made} for {plural(self.uses, 'run')}, {duration(self.seconds)}"
        return told + (f", and {duration(self.saved)} saved" if self.saved >= _WORTH_TELLING else "")


def shared_work(pieces: Iterable["Piece"]) -> list[SharedWork]:
    """In the order in which a run needs them."""
    pieces = list(pieces)
    told = []
    for kind, what in _CALLED.items():
        made = [piece for piece in pieces if piece.kind == kind and piece.runs]
        if made:
            told.append(
                SharedWork(
                    what=what,
                    made=len(made),
                    uses=sum(len(piece.runs) for piece in made),
                    seconds=sum(piece.seconds for piece in made),
                    saved=sum(piece.seconds * (len(piece.runs) - 1) for piece in made),
                )
            )
    return told
