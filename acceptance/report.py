"""Write what was seen, as Markdown for people and as JSON: without account, keys or signatures."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path

from acceptance.questions import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The answers of a run. ``endpoint`` is the URL of an emulator, empty for AWS."""

    endpoint: str
    day: date
    #: Whether the run came to its end, so that each question was asked.
    is_whole: bool
    seen: Sequence[Seen]
    #: The ID of each row of tests/vectors that was asked, and the answer.
    rows: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """Return whom the run asked."""
        return "an emulator: this says nothing about AWS" if self.endpoint else "AWS"

    def write(self, folder: Path, *, without: Iterable[str]) -> list[Path]:
        """Write both files, without these words; return their paths."""
        paths = []
        for name, text in (("report.md", self.as_markdown()), ("report.json", self.as_json())):
            for word in without:
                text = text.replace(word, "…")
            path = folder / name
            path.write_text(text, encoding="utf-8")
            paths.append(path)
        return paths

    def as_markdown(self) -> str:
        """Return a page: first what differs, with what would have to change."""
        answers = [each.as_dict() for each in self.seen]
        head = ("Fact", "Question", "Answer", "Expected", "")
        rows = [
            (*(each[name] for name in ("fact", "asks", "answer", "expected")), each["mark"])
            for each in answers
        ]
        differ = [
            f"- **{each['fact']} {each['asks']}** {each['answer']}. Expected: {each['expected']}. "
            f"To change: {', '.join(each['to_change'])}."
            for each in answers
            if each["mark"]
        ]
        parts = [
            f"# Asked {self.where}",
            f"{self.day}, {', '.join(f'{name} {found}' for name, found in versions().items())}. "
            "docs/explanation/checked-on-aws.md says what the numbers of the facts stand for.",
            *([] if self.is_whole else ["The run broke off: not each question was asked."]),
            "## What differs",
            "\n".join(differ) or ("Nothing." if self.is_whole else "Nothing so far."),
            "## All answers",
            _table([head, *rows]),
        ]
        return "\n\n".join(parts) + "\n"

    def as_json(self) -> str:
        """Return the same for machines."""
        return json.dumps(
            {
                "asked": self.where,
                "day": str(self.day),
                "is_whole": self.is_whole,
                "versions": versions(),
                "answers": [each.as_dict() for each in self.seen],
                # In the form in which the rows have it.
                "rows": [
                    {
                        "id": row,
                        "observed": {"by": self.where, "when": str(self.day), "answer": said},
                    }
                    for row, said in self.rows.items()
                ],
            },
            indent=2,
            ensure_ascii=False,
        )


def versions() -> dict[str, str]:
    """Return the versions that a reader asks for."""
    names = ("cfsigned_django", "Django", "boto3", "cryptography")
    return {**{name: version(name) for name in names}, "Python": platform.python_version()}


def _table(rows: Iterable[Sequence[str]]) -> str:
    head, *rest = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    rule = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rest))
