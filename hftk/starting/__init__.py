"""`hftk init`: looks at a data set and writes a recipe for it, with the reason of every guess."""

from pathlib import Path

from hftk.errors import DataError, RecipeError

__all__ = ["write_recipe"]


def write_recipe(data: str, output: str) -> list[str]:
    """Writes a recipe for `data` to the new file `output`, and returns what was guessed, in lines for a person.

    data: a file, a folder, builtin:<name> or a data set on the Hub. The recipe's data have been loaded as it says, so
    `hftk check` accepts it. Raises RecipeError where `output` is there already or cannot be written, DataError where it
    cannot be guessed what the data hold: with what was seen and what to write.
    """
    path = _new_file(output)

    from hftk.recipe import read_sweep
    from hftk.starting.described import describe
    from hftk.starting.document import recipe_text
    from hftk.starting.recipe import head_of, lines_of, recipe_of

    described = describe(data)
    values, comments = recipe_of(described)
    try:
        read_sweep(values)
    except RecipeError as error:
        raise DataError(f"{data}: no recipe could be made that hftk accepts: {error}") from error
    text = recipe_text(values, comments, head=head_of(described, output))
    try:
        with open(path, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise RecipeError(_is_there(output)) from None
    except OSError as error:
        raise RecipeError(f"--output {output}: cannot be written ({error.strerror or error})") from None
    return lines_of(described, output)


def _new_file(output: str) -> Path:
    path = Path(output).expanduser()
    if path.suffix not in (".yaml", ".yml"):
        raise RecipeError(f"--output {output}: a recipe's name ends in .yaml")
    if path.exists():
        raise RecipeError(_is_there(output))
    if not path.parent.is_dir():
        raise RecipeError(f"--output {output}: there is no folder {path.parent}")
    return path


def _is_there(output: str) -> str:
    return f"{output} is there already, and nothing is overwritten; name another file with --output"
