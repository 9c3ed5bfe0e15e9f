"""The rows of the JSON files beside this module, and the requests that they describe.

README.md says what the fields are. Nothing here is from the package: the openssl program makes the
signatures, and cryptography verifies them.
"""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

FOLDER: Final = Path(__file__).parent
KINDS: Final = ("verify", "sign", "requests")
#: When the rows without a clock are asked.
NOW: Final = 1767286800
#: What openssl is told, to make a key of each algorithm.
_KEYS: Final = {
    "P-256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "RSA-2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}
_HASHES: Final = {"SHA1": hashes.SHA1(), "SHA256": hashes.SHA256()}  # noqa: S303 - CloudFront's


@dataclass(frozen=True, slots=True)
class Row:
    """A row with the rule that it is about, and the public keys of its file, as PEM by ID."""

    fields: dict[str, Any]
    rule: dict[str, Any]
    keys: dict[str, str] = field(repr=False)

    @property
    def id(self) -> str:
        """Return the ID, which no other row has."""
        return str(self.fields["id"])

    @property
    def halves(self) -> set[str]:
        """Return whether the row obeys its sentence, breaks it, or has parts that do either."""
        if "origin" not in self.fields:
            return {"obeys" if self.fields.get("result", "served") == "served" else "breaks"}
        sent = {
            "query": self.fields["url"].partition("?")[2].split("&"),
            "cookies": self.fields.get("cookies", "").split("; "),
            "headers": [*self.fields.get("headers", ())],
        }
        origin = self.fields["origin"]
        return {
            "obeys" if each in origin[name] else "breaks"
            for name in sent
            if name in origin
            for each in sent[name]
        }

    @property
    def trusted(self) -> dict[str, str]:
        """Return the keys that the behavior trusts."""
        return {each: self.keys[each] for each in self.fields.get("trusted", self.keys)}

    @property
    def cookies(self) -> list[tuple[str, str]]:
        """Return each cookie, in their order."""
        parts = [each.partition("=") for each in self.filled("cookies").split("; ")]
        return [(name, value) for name, equals, value in parts if equals]

    def filled(self, name: str) -> str:
        """Return a text of the row with its policy and its signature."""
        text: str = self.fields.get(name, "")
        policy = encode(self.fields.get("signed", "").encode())
        return text.replace("{policy}", policy).replace("{signature}", self.fields["signature"])

    @property
    def is_signed(self) -> bool:
        """Return whether the signature is that of the text, or none is needed."""
        if "signed" not in self.fields:
            return True
        key = self.keys[self.fields.get("key", next(iter(self.keys)))]
        signature = self.fields.get("signature", "")
        return verifies(key, signature, self.fields["signed"], self.fields["hash"])


def encode(data: bytes) -> str:
    """Return bytes in CloudFront's base64."""
    return base64.b64encode(data).decode().translate(str.maketrans("+=/", "-_~"))


def verifies(pem: str, signature: str, text: str, digest: str) -> bool:
    """Return whether a signature in CloudFront's base64 is that of a text."""
    try:
        key: Any = load_pem_public_key(pem.encode())
        data = base64.b64decode(signature.translate(str.maketrans("-_~", "+=/")), validate=True)
        is_rsa = isinstance(key, rsa.RSAPublicKey)
        how = (padding.PKCS1v15(), _HASHES[digest]) if is_rsa else (ec.ECDSA(_HASHES[digest]),)
        key.verify(data, text.encode(), *how)
    except (InvalidSignature, ValueError):
        return False
    return True


def read(path: Path) -> list[Row]:
    """Return the rows of a file."""
    file = json.loads(path.read_text("utf-8"))
    keys = {name: each["public"] for name, each in file.get("keys", {}).items()}
    return [
        Row({"signature": "", **each}, rule, keys)
        for rule in file["rules"]
        for each in rule["rows"]
    ]


@cache
def rows(kind: str) -> list[Row]:
    """Return all rows of a kind."""
    return [row for path in sorted(FOLDER.glob(f"{kind}-*.json")) for row in read(path)]


def sign(path: Path) -> None:
    """Sign all verify rows of a file with fresh keys, if one has no signature of its text.

    The private keys go with the folder in which openssl makes them.
    """
    file = json.loads(path.read_text("utf-8"))
    if file.get("published") or all(each.is_signed for each in read(path)):
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, key in file["keys"].items():
            openssl("genpkey", *_KEYS[key["algorithm"]], "-out", f"{folder}/{name}")
            key["public"] = openssl("pkey", "-in", f"{folder}/{name}", "-pubout").decode()
        for each in (each for rule in file["rules"] for each in rule["rows"]):
            if "signed" in each:
                pem, text = each.get("key", next(iter(file["keys"]))), each["signed"].encode()
                made = openssl("dgst", f"-{each['hash']}", "-sign", f"{folder}/{pem}", given=text)
                each["signature"] = encode(made)
    path.write_text(json.dumps(file, indent=2, ensure_ascii=False) + "\n", "utf-8")


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    """Return what the openssl program prints."""
    command = ["openssl", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout
