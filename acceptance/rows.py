"""Ask the rows of tests/vectors that a distribution can be asked, with its domain and its keys.

What remains needs another clock, address or distribution. A row is signed anew, by `cryptography`.
"""

from __future__ import annotations

from acceptance.world import EC, RSA, World
from tests.vectors import Row, rows

_DOMAIN = "d111111abcdef8.cloudfront.net"
#: A policy that is written out, and an ID with an escape: neither can be replaced.
_WRITTEN_OUT = ("=eyJ", "%4B")


def askable() -> list[Row]:
    """Return the rows that any distribution can be asked."""
    return [row for row in rows("verify") if _is_askable(row)]


def _is_askable(row: Row) -> bool:
    sent = row.fields["url"] + row.fields.get("cookies", "")
    return (
        not row.fields.keys() & {"now", "viewer", "trusted"}
        and row.fields["url"].startswith(f"https://{_DOMAIN}/")
        and not any(each in sent for each in _WRITTEN_OUT)
        # A run has one key of each algorithm.
        and ("key" not in row.fields or len({_algorithm(pem) for pem in row.keys.values()}) > 1)
    )


def ask(world: World, row: Row) -> str:
    """Return "served" or the code; S3 answers for files that are not there."""
    names = {name: world.keys[_algorithm(pem)][0] for name, pem in row.keys.items()}
    fields = dict(row.fields)
    for field in ("url", "cookies", "signed"):
        text = fields.get(field, "").replace(_DOMAIN, world.domain)
        for name, key_id in names.items():
            text = text.replace(f"Key-Pair-Id={name}", f"Key-Pair-Id={key_id}")
        fields[field] = text
    if row.fields.get("signed"):
        pem = row.keys[row.fields.get("key", next(iter(row.keys)))]
        fields["signature"] = world.sign(fields["signed"], _algorithm(pem), row.fields["hash"])
    filled = Row(fields, row.rule, row.keys)
    cookies = filled.filled("cookies")
    said = world.said(filled.filled("url"), **({"Cookie": cookies} if cookies else {}))
    return "served" if said.endswith("of S3") else said.removeprefix("403 ")


def is_expected(row: Row, said: str) -> bool:
    """Return whether an answer is that of the row."""
    wanted = row.fields["result"]
    is_refused = said != "served" and wanted != "served"
    return said == wanted or (is_refused and row.fields.get("code") == "open")


def _algorithm(pem: str) -> str:
    return EC if len(pem) < 200 else RSA
