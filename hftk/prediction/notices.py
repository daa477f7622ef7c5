"""What a person must be told when all is predicted: each thing once, with how often it happened."""


class Notices:
    def __init__(self) -> None:
        self._said: dict[tuple[str, str], int] = {}

    def say(self, text: str) -> None:
        """Told once, however often it is said."""
        self._said[text, text] = 1

    def count(self, number: int, *, one: str, many: str) -> None:
        """one: the sentence for 1; many: for others, with {count}. Nothing is told of 0."""
        if number:
            self._said[one, many] = self._said.get((one, many), 0) + number

    @property
    def lines(self) -> list[str]:
        return [
            one if count == 1 else many.replace("{count}", f"{count:,}") for (one, many), count in self._said.items()
        ]
