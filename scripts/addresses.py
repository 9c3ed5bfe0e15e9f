"""Write what follows from the address of the repository into pyproject.toml.

That is `[project.urls]`, and the links on the page of a package index. Run by
`make addresses`; a test compares.
"""

from __future__ import annotations

import re
from pathlib import Path

#: Set this once, when everyone can read the repository: "https://...", without a slash at the end.
#: As long as it is empty, the package names no address.
REPOSITORY = ""

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"

_URLS = re.compile(r"^urls\..*\n", re.MULTILINE)
_LAST_PARAGRAPH = re.compile(r"(?<=\n\n)The .*(?=\n\"\"\"\nkeywords)")
_AFTER_PROJECT = "\n[dependency-groups]\n"


def fill(pyproject: str, repository: str) -> str:
    """Return pyproject.toml with all addresses that follow from that of the repository, or none."""
    urls, paragraph = "", "The documentation is in the repository: `README.md` and `docs/`."
    if repository:
        addresses = {
            "Changelog": f"{repository}/blob/main/CHANGELOG.md",
            "Documentation": f"{repository}/blob/main/docs/index.md",
            "Issues": f"{repository}/issues",
            "Repository": repository,
        }
        urls = "".join(f'urls.{name} = "{address}"\n' for name, address in addresses.items())
        paragraph = "The " + ", ".join(
            f"[{name.lower()}]({address})" for name, address in addresses.items()
        )
    pyproject = _LAST_PARAGRAPH.sub(lambda _: paragraph, _URLS.sub("", pyproject))
    return pyproject.replace(_AFTER_PROJECT, urls + _AFTER_PROJECT)


if __name__ == "__main__":
    PYPROJECT.write_text(fill(PYPROJECT.read_text(encoding="utf-8"), REPOSITORY), encoding="utf-8")
