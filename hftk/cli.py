"""The verbs of the `hftk` command. No logic here, and nothing heavy imported before it is needed."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from hftk.errors import HftkError, RecipeError
from hftk.launcher import last_word
from hftk.prediction import BATCH_SIZE

RECIPE_HELP = (
    "a YAML file (recipes/quickstart.yaml is one to start from), or a model of the Hub: hf://owner/name[@revision]"
)
OVERRIDES_HELP = 'key.path=value, the value read as YAML: training.num_train_epochs=1 "data.columns={text: body}"'

PREDICTED_HELP = "csv, tsv, json, jsonl, parquet, arrow, txt, CoNLL, a folder of images, or - for standard input"
OUTPUT_HELP = "a file, .csv .tsv .jsonl .parquet or, of tags, .conll (standard output: csv for csv, else jsonl)"
COLUMN_HELP = "what the model reads: text=body, text_pair=title, tokens=words, image=path"
FOLDERS_HELP = "<output_dir>/<recipe name>, or a run's folder in it; several are compared with each other"
COMPARISON_HELP = "where a comparison of several is written (comparison)"
PUSHED_HELP = "<output_dir>/<recipe name>: the run that is best on validation; or a run's folder in it"
BATCH_HELP = f"rows at a time ({BATCH_SIZE})"
JOBS_HELP = "runs side by side, each in its own process, one per GPU or with the cores shared out (1); 0: in this one"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 done, 1 a run failed, 2 bad recipe or data, 3 trained but not pushed or not verified,
    130 interrupted (start again to go on)."""
    try:
        parsed = _parsed(arguments)
        return parsed.verb(parsed)
    except HftkError as error:
        if os.environ.get("RANK", "0") == "0":
            last_word(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        if os.environ.get("RANK", "0") == "0":
            last_word("interrupted; finished runs are kept, and the same command goes on with the rest")
        return 130
    except BrokenPipeError:  # `hftk show … | head`
        sys.stdout = None
        return 0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Overrides may also stand behind an option, where argparse does not look for them."""
    parser = _parser()
    parsed, rest = parser.parse_known_args(arguments)
    if unknown := [word for word in rest if word.startswith("-") or not hasattr(parsed, "overrides")]:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if rest:
        parsed.overrides = [*parsed.overrides, *rest]
    return parsed


def _jobs(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}; allowed: 0, 1, 2 …")
    return int(text)


class _Parser(argparse.ArgumentParser):
    """Mistakes in the command are told like all others: last, once, exit code 2."""

    def error(self, message: str) -> NoReturn:
        raise RecipeError(f"{self.format_usage()}{self.prog}: {message}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="hftk",
        description="Train every model that a recipe names, and see which differences are real.",
        epilog="On several GPUs: accelerate launch hftk/train.py RECIPE [key.path=value ...]",
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    for name, verb, text in (
        ("train", _train, "train what the recipe names and is not finished yet, then compare"),
        ("check", _check, "check the recipe and its data, show one decoded batch and the counts; train nothing"),
        ("plan", _plan, "time a few steps and tell what the sweep will take: time, memory, disk; train nothing"),
        ("show", _show, "print the recipe with every default filled in"),
    ):
        command = verbs.add_parser(name, help=text, description=text)
        command.add_argument("recipe", metavar="RECIPE", help=RECIPE_HELP)
        command.add_argument("overrides", nargs="*", default=[], metavar="key.path=value", help=OVERRIDES_HELP)
        command.set_defaults(verb=verb)
        if verb in (_train, _plan):
            command.add_argument("--jobs", type=_jobs, default=1, metavar="N", help=JOBS_HELP)

    text = "print the JSON schema of recipes, for editors"
    command = verbs.add_parser("schema", help=text, description=text)
    command.set_defaults(verb=_schema)

    text = "rebuild a sweep's comparison from its run folders, or compare runs of several sweeps"
    command = verbs.add_parser("report", help=text, description=text)
    command.add_argument("folders", nargs="+", metavar="FOLDER", help=FOLDERS_HELP)
    command.add_argument("--output", metavar="FOLDER", help=COMPARISON_HELP)
    command.set_defaults(verb=_report)

    text = "give every row of a file the label and probabilities of a trained model"
    command = verbs.add_parser("predict", help=text, description=text)
    command.add_argument("model", metavar="MODEL", help="a run folder, a model folder, or a model of the Hub")
    command.add_argument("file", metavar="FILE", help=PREDICTED_HELP)
    command.add_argument("--output", metavar="OUT", help=OUTPUT_HELP)
    command.add_argument("--column", action="append", default=[], metavar="KEY=NAME", help=COLUMN_HELP)
    command.add_argument("--batch-size", type=int, default=BATCH_SIZE, metavar="N", help=BATCH_HELP)
    command.add_argument("--trust-remote-code", action="store_true", help="run the code that a foreign model brings")
    command.add_argument("--revision", metavar="COMMIT", help="of a model of the Hub")
    command.set_defaults(verb=_predict)

    text = "put a trained model on the Hub, with its card, recipe and figures, and try it from there"
    command = verbs.add_parser("push", help=text, description=text)
    command.add_argument("folder", metavar="FOLDER", help=PUSHED_HELP)
    command.add_argument("--model-id", metavar="OWNER/NAME", help="the repository (hub.model_id of the recipe)")
    command.add_argument("--all", action="store_true", help="every finished run, each to OWNER/NAME-<run>")
    command.add_argument("--public", action="store_true", help="a repository that everybody sees (private)")
    command.add_argument("--merged", action="store_true", help="of a PEFT run the merged weights, not the adapter")
    command.add_argument("--overwrite", action="store_true", help="also over files that hftk did not write")
    command.add_argument("--dry-run", action="store_true", help="show what would go up, and send nothing")
    command.set_defaults(verb=_push)

    text = "train a finished run again from its own recipe, and compare with the figures that it states"
    command = verbs.add_parser("reproduce", help=text, description=text)
    command.add_argument("model", metavar="MODEL", help="a run folder, or a model of the Hub that hftk pushed")
    command.add_argument("overrides", nargs="*", default=[], metavar="key.path=value", help=OVERRIDES_HELP)
    command.add_argument("--revision", metavar="COMMIT", help="of a model of the Hub")
    command.add_argument("--data", metavar="PATH", help="where the data lie here, if they were a local file")
    command.set_defaults(verb=_reproduce)

    text = "look at a data set and write a recipe for it, with the reason of every guess"
    command = verbs.add_parser("init", help=text, description=text)
    command.add_argument("data", metavar="DATA", help="a file, a folder, or a data set of the Hub")
    command.add_argument("--output", default="recipe.yaml", metavar="RECIPE", help="a new file (recipe.yaml)")
    command.set_defaults(verb=_init)
    return parser


def _train(parsed: argparse.Namespace) -> int:
    from hftk.train import run

    return run(parsed.recipe, parsed.overrides, jobs=parsed.jobs).exit_code


def _check(parsed: argparse.Namespace) -> int:
    from hftk.recipe import read_sweep

    plan = read_sweep(parsed.recipe, parsed.overrides)  # a misspelt key is told before anything heavy is imported

    from hftk.sweep.checking import checked_lines

    print("\n".join(checked_lines(plan)))
    return 0


def _plan(parsed: argparse.Namespace) -> int:
    from hftk.recipe import read_sweep

    plan = read_sweep(parsed.recipe, parsed.overrides)

    from hftk.sweep.forecast import forecast
    from hftk.sweep.forecast_lines import forecast_lines

    print("\n".join(forecast_lines(forecast(plan, jobs=parsed.jobs))))
    return 0


def _show(parsed: argparse.Namespace) -> int:
    from hftk.recipe.showing import show

    print(show(parsed.recipe, parsed.overrides), end="")
    return 0


def _schema(parsed: argparse.Namespace) -> int:
    from hftk.recipe.editor_schema import editor_schema_text

    print(editor_schema_text())
    return 0


def _report(parsed: argparse.Namespace) -> int:
    from hftk.report import write_comparison

    paths = write_comparison(parsed.folders, output=parsed.output)
    print("\n".join([*paths.notices, str(paths.page), str(paths.markdown)]))
    return 0


def _predict(parsed: argparse.Namespace) -> int:
    from hftk.prediction import predict_file

    notices = predict_file(
        parsed.model,
        parsed.file,
        output=parsed.output,
        columns=parsed.column,
        batch_size=parsed.batch_size,
        trust_remote_code=parsed.trust_remote_code,
        revision=parsed.revision,
    )
    print("".join(f"{notice}\n" for notice in notices), end="", file=sys.stderr)
    return 0


def _push(parsed: argparse.Namespace) -> int:
    from hftk.hub.publishing import push_runs, shown_contents, wanted_model_id

    folder = Path(parsed.folder)
    model_id = wanted_model_id(folder, parsed.model_id)
    push = "all" if parsed.all else "best"
    if parsed.dry_run:
        print("\n".join(shown_contents(folder, push=push, model_id=model_id, merged=parsed.merged)))
        return 0
    push_runs(
        folder,
        push=push,
        model_id=model_id,
        private=not parsed.public,
        merged=parsed.merged,
        overwrite=parsed.overwrite,
        tell=print,
    )
    return 0


def _reproduce(parsed: argparse.Namespace) -> int:
    from hftk.hub.reproducing import reproduce

    made = reproduce(parsed.model, parsed.overrides, revision=parsed.revision, data=parsed.data, tell=print)

    from hftk.hub.reproduction_lines import reproduction_lines

    print("\n".join(["", *reproduction_lines(made)]))
    return 0 if made.reproduced else 1


def _init(parsed: argparse.Namespace) -> int:
    from hftk.starting import write_recipe

    print("\n".join(write_recipe(parsed.data, parsed.output)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
