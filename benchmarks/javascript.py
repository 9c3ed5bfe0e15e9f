"""Let AWS's signer for JavaScript take part, in a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.keys import KEY_ID, names_of_round, urls_of
from benchmarks.rounds import Turn
from cfsigned_django.signing import PrivateKey

JAVASCRIPT = "AWS's signer for JavaScript (node), RSA"
SCRIPT = Path(__file__).with_name("javascript.mjs")
PACKAGE = Path(__file__).parents[1] / "tests/js/node_modules/@aws-sdk/cloudfront-signer"


def why_not() -> str | None:
    """Say why it cannot take part; None where it can."""
    if shutil.which("node") is None:
        return "needs node and npm"
    if not (PACKAGE / "package.json").exists():
        return "needs its npm package, which make bench installs"
    return None


def versions() -> dict[str, str]:
    """Return the versions of what takes part."""
    if why_not() is not None:
        return {}
    node = subprocess.run(["node", "--version"], capture_output=True, check=True, text=True)
    package = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))
    return {
        "node": node.stdout.strip().removeprefix("v"),
        "@aws-sdk/cloudfront-signer": package["version"],
    }


@contextmanager
def javascript_turn(key: PrivateKey, *, names: int) -> Iterator[Turn]:
    """Return a turn that lasts as long as the block, for which a process of node runs."""
    with subprocess.Popen(
        ["node", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as node:
        assert node.stdin is not None
        assert node.stdout is not None
        stdin, stdout = node.stdin, node.stdout
        given = {"keyPairId": KEY_ID, "privateKey": key.to_pem().decode()}

        def turn(number: int) -> dict[str, float]:
            urls = urls_of(names_of_round(number, names))
            stdin.write(json.dumps(given | {"urls": urls}) + "\n")
            stdin.flush()
            return {JAVASCRIPT: float(json.loads(stdout.readline())["microseconds"]) / names}

        yield turn
