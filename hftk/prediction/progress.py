"""How far it is, for a person at a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def shown_progress(stream: TextIO | None) -> Iterator[Callable[[int, float | None], None]]:
    """Gives what is told the rows done and the share of the file, 0 to 1; None where it is unknown. stream: a terminal;
    None shows nothing."""
    if stream is None:
        yield lambda rows, share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.fields[rows]:,} rows"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as progress:
        task = progress.add_task("predict", total=None, rows=0)

        def update(rows: int, share: float | None) -> None:
            total = None if share is None else 1.0
            progress.update(task, rows=rows, total=total, completed=share or 0.0)

        yield update
