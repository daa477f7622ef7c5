"""What can go wrong, by whose hand. Every message says where, what was found, what is allowed and what to do."""

from collections.abc import Sequence


class HftkError(Exception):
    """Base of all errors that hftk raises on purpose; shown to users without a traceback.

    `exit_code` is what the `hftk` command returns when the error ends it.
    """

    exit_code = 1


class RecipeError(HftkError):
    """A recipe, or an override of it, that cannot be run. Carries every problem found, one line each."""

    exit_code = 2

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class DataError(HftkError):
    """Data that cannot be read, split, mapped or trusted as the recipe says."""

    exit_code = 2


class RunError(HftkError):
    """A run, or the launch of a sweep, that cannot go on."""


class HubError(HftkError):
    """Trained, but not pushed."""

    exit_code = 3
