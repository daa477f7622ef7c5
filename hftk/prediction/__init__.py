"""`hftk predict`: a trained model's label and probabilities for every row of a file, in constant memory."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, TextIO

from hftk.errors import DataError, HftkError, RecipeError
from hftk.prediction.notices import Notices

if TYPE_CHECKING:
    from hftk.prediction.chosen import ChosenModel
    from hftk.prediction.forms import Probabilities
    from hftk.prediction.inputs import Inputs
    from hftk.prediction.rows import Chunk

__all__ = ["BATCH_SIZE", "PredictionInterrupted", "predict_file"]

BATCH_SIZE = 32  # as for the evaluation of a run
# rows are sorted by length within so many batches: padding is nearly gone, and memory stays flat
BATCHES_PER_CHUNK = 64
# … and at least so many rows, as each chunk has its overhead
LEAST_ROWS = 2048


class PredictionInterrupted(HftkError):
    """Ctrl-C: what a file has been given so far is gone, and its name is as before."""

    exit_code = 130


def predict_file(
    model: str,
    file: str,
    *,
    output: str | None = None,
    columns: Sequence[str] = (),
    batch_size: int = BATCH_SIZE,
    trust_remote_code: bool = False,
    revision: str | None = None,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    stderr: TextIO | None = None,
) -> list[str]:
    """Writes every row of `file` with its prediction, and returns what a person must be told.

    model: a run folder, a model folder, or a Hub id. file: csv, tsv, json, jsonl, parquet, arrow, txt (a text per
    line), CoNLL for taggers, a folder of images for image models, or `-`, standard input. output: a file whose suffix
    names its form; absent: standard output. columns: `text=body`. batch_size: rows at a time, 1 or more. revision: of a
    Hub id. Streams default to those of the process.

    Raises RecipeError for the model and the options, DataError for the file, RunError where the machine fails.
    """
    from hftk.prediction.added import added_columns
    from hftk.prediction.chosen import choose_model
    from hftk.prediction.forms import all_columns, writer_for
    from hftk.prediction.inputs import InputReader
    from hftk.prediction.opening import check_file, open_rows
    from hftk.prediction.output import check_output, opened_output, output_format
    from hftk.prediction.progress import shown_progress
    from hftk.prediction.wanted import wanted_columns

    stdin, stdout, stderr = stdin or sys.stdin.buffer, stdout or sys.stdout.buffer, stderr or sys.stderr
    if batch_size < 1:
        raise RecipeError(f"--batch-size {batch_size}: must be 1 or more")
    check_file(file)
    check_output(output, file)
    chosen = choose_model(model, trust_remote_code=trust_remote_code, revision=revision)
    notices = Notices()
    wanted = wanted_columns(chosen.task, columns, chosen.data.columns if chosen.data is not None else None)
    rows = open_rows(file, task=chosen.task, wanted=wanted, as_in=chosen.data, stdin=stdin, notices=notices)
    tagging = chosen.task == "token-classification"
    form = output_format(output, file_kind=rows.kind, tagging=tagging)
    try:
        chunks = rows.read(max(batch_size * BATCHES_PER_CHUNK, LEAST_ROWS))
        reader = InputReader(wanted, rows.base, notices)
        first = next(chunks, None)
        if first is None:
            raise DataError(f"{file}: there is no row in it")
        read = reader.read(first)  # mistakes of the first rows are told before torch is imported
        added = added_columns(all_columns(first), tagging=tagging, labels=chosen.labels, flat=form in ("csv", "tsv"))
        predicted = _predicted(
            chain([(first, read)], ((chunk, reader.read(chunk)) for chunk in chunks)),
            chosen=chosen,
            batch_size=batch_size,
            notices=notices,
        )
        speaks = stderr.isatty() and (output is not None or not stdout.isatty())
        with opened_output(output, stdout) as opened, shown_progress(stderr if speaks else None) as progress:
            writer = writer_for(form, opened, added, notices, words=wanted.tokens)
            done = 0
            for chunk, probabilities in predicted:
                writer.write(chunk, probabilities)
                done += len(chunk.rows)
                progress(done, rows.share())
            writer.end()
    except KeyboardInterrupt:
        left = "" if output is None else f"; nothing was written to {output}"
        raise PredictionInterrupted(f"interrupted{left}") from None
    return notices.lines


def _predicted(
    read: "Iterable[tuple[Chunk, Inputs]]", *, chosen: "ChosenModel", batch_size: int, notices: Notices
) -> "Iterator[tuple[Chunk, Probabilities]]":
    """Each chunk with its probabilities; torch is imported and the model loaded here."""
    from hftk.prediction.loading import load_predictor
    from hftk.prediction.pictures import image_rows
    from hftk.prediction.scoring import Scorer
    from hftk.training.processes import quiet_libraries

    quiet_libraries()
    predictor = load_predictor(chosen)
    tag_piece = chosen.data.tag_piece if chosen.data is not None else "first"
    scorer = Scorer(predictor, batch_size, tag_piece, notices)
    for chunk, inputs in read:
        if chosen.task == "token-classification":
            yield chunk, scorer.sentences(inputs.sentences)
        elif chosen.task == "image-classification":
            config, processor = predictor.network.config, predictor.processor
            pixels = image_rows(inputs.images, chunk, config=config, processor=processor, notices=notices)
            yield chunk, scorer.images(pixels)
        else:
            yield chunk, scorer.texts(inputs.texts, inputs.pairs)
