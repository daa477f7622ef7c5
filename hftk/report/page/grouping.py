"""Findings of one kind stand together."""

from dataclasses import dataclass

from hftk.report.content import FindingRow


@dataclass(frozen=True)
class Group:
    kind: str
    findings: list[tuple[int, FindingRow]]
    """With their places in `Content.findings`, by which the script knows them."""

    @property
    def name(self) -> str:
        """`Learning rate too low` for `learning-rate-too-low`."""
        words = self.kind.replace("-", " ").replace("_", " ")
        return words[:1].upper() + words[1:]


def by_kind(findings: list[FindingRow]) -> list[Group]:
    """In the order in which the kinds first come."""
    groups: dict[str, Group] = {}
    for place, finding in enumerate(findings):
        groups.setdefault(finding.kind, Group(finding.kind, [])).findings.append((place, finding))
    return list(groups.values())
