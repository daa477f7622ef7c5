"""parquet and arrow files, a record batch at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hftk.errors import DataError
from hftk.prediction.rows import Chunk, RowFile

if TYPE_CHECKING:
    import pyarrow as pa

_READ_AT_ONCE = 1 << 20  # bytes of a column


def open_columnar(path: Path, *, name: str) -> RowFile:
    """A parquet file, or an arrow file of either form."""
    if path.stat().st_size == 0:
        raise DataError(f"{name} is empty")
    done = [0.0]

    def read(size: int) -> Iterator[Chunk]:
        import pyarrow as pa

        first = 0
        try:
            for batch, share in _batches(path, size):
                batch.validate(full=True)  # Arrow trusts its offsets: wrong ones would end the process
                for start in range(0, batch.num_rows, size):
                    part = batch.slice(start, size)
                    done[0] = share
                    yield Chunk(name, part.to_pylist(), first, table=pa.Table.from_batches([part]))
                    first += part.num_rows
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise DataError(f"{name} is no readable {path.suffix[1:].lower()} file ({reason})") from None

    return RowFile(name, read, "parquet", share=lambda: done[0], base=path.parent)


def _batches(path: Path, size: int) -> "Iterator[tuple[pa.RecordBatch, float]]":
    """Batches, and the share of the file that has been read with each."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() == ".parquet":
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=_READ_AT_ONCE) as file:
            total, seen = max(file.metadata.num_rows, 1), 0
            for batch in file.iter_batches(batch_size=size):
                seen += batch.num_rows
                yield batch, seen / total
        return
    with pa.memory_map(str(path)) as file:
        # datasets writes the stream form, other programs the file form
        is_file_form = file.read(6) == b"ARROW1"
        file.seek(0)
        if is_file_form:
            opened = pa.ipc.open_file(file)
            for number in range(opened.num_record_batches):
                yield opened.get_batch(number), (number + 1) / opened.num_record_batches
        else:
            for batch in pa.ipc.open_stream(file):
                yield batch, file.tell() / max(file.size(), 1)
