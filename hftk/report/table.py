"""A table of words, the same for a Markdown file, a terminal and a notebook."""

from dataclasses import dataclass
from html import escape

from hftk.report.wording import escaped


@dataclass(frozen=True)
class Table:
    columns: list[str]
    rows: list[list[str]]
    words: frozenset[str] = frozenset({"run", "setting", "status", "reason"})
    """The columns that read from the left; all others hold figures."""

    def only(self, columns: list[str]) -> "Table":
        """These columns, in this order; the ones that the table lacks are left out."""
        places = [self.columns.index(column) for column in columns if column in self.columns]
        rows = [[row[place] for place in places] for row in self.rows]
        return Table([self.columns[place] for place in places], rows, self.words)

    def markdown(self) -> str:
        lines = [
            _line(escaped(column) for column in self.columns),
            _line(":--" if column in self.words else "--:" for column in self.columns),
        ]
        lines += [_line(escaped(cell) for cell in row) for row in self.rows]
        return "\n".join(lines)

    def html(self) -> str:
        aligned = ["left" if column in self.words else "right" for column in self.columns]

        def line(tag: str, cells: list[str]) -> str:
            return "".join(
                f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>'
                for cell, side in zip(cells, aligned, strict=True)
            )

        head = f"<thead><tr>{line('th', self.columns)}</tr></thead>"
        body = "".join(f"<tr>{line('td', row)}</tr>" for row in self.rows)
        return f"<table>{head}<tbody>{body}</tbody></table>"


def _line(cells) -> str:
    return "| " + " | ".join(cells) + " |"
