"""Load keys that shells and forms have changed, and damaged ones: the same key, or an error."""

from __future__ import annotations

import base64
from collections.abc import Callable

from cryptography.hazmat.primitives import serialization

from cfsigned_django.signing.exceptions import InvalidKey
from cfsigned_django.signing.keys import PrivateKey, PublicKey
from fuzz.dice import Dice, spell

KEY = PrivateKey.generate()
PRIVATE, PUBLIC = KEY.to_pem().decode(), KEY.public_key.to_pem()
OLD = KEY._key.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
).decode()
#: What a key comes back as, and is still read.
CHANGES: list[Callable[[str], str]] = [
    lambda text: text.replace("\n", "\\n"),
    lambda text: text.replace("\n", "\\\\n"),
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.replace("\n", " "),
    lambda text: f'"{text}"',
    lambda text: f"\ufeff{text}",
    lambda text: f"  {text}\n\n",
    lambda text: f"# a comment\n{text}",
]
NAMES = ["PUBLIC KEY", "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "CERTIFICATE", "X"]
TOKENS = [f"-----{each} {name}-----" for each in ("BEGIN", "END") for name in NAMES]
TOKENS += ["\n", "\\n", "\\r", " ", "'", "\ufeff", "Proc-Type: 4,ENCRYPTED\n", "DEK-Info: AES,0\n"]
TOKENS += [PUBLIC, PUBLIC[27:60], base64.b64encode(PUBLIC.encode()).decode(), "/etc/a.pem", "é"]


def check(data: bytes) -> None:
    """Fail if a key is lost, if another error is raised, or if a message has a part of the key."""
    dice = Dice(data[:8])
    text = dice.choice([spell(data[8:], TOKENS), PRIVATE, PUBLIC, OLD])
    is_whole = text in (PRIVATE, PUBLIC, OLD)
    for change in dice.choices(CHANGES, k=dice.randrange(3)):
        text = change(text)
    if dice.random() < 0.2:
        text = base64.b64encode(text.encode()).decode()
    if is_whole and dice.random() < 0.6:
        at = len(text) * (data[7:8] or b"\0")[0] // 256
        text = text[:at] + spell(data[8:], TOKENS) + text[at + dice.randrange(99) :]
        is_whole = False
    source: str | bytes = text.encode("utf-16") if dice.random() < 0.1 else text
    cls: type[PrivateKey | PublicKey]
    for cls in (PrivateKey, PublicKey):
        is_own = ("PRIVATE" if cls is PrivateKey else "PUBLIC") in text
        try:
            key = cls.load(source)
        except InvalidKey as error:
            assert not (is_whole and is_own), f"{text!r}: {error}"
            lines = [each for each in (*PRIVATE.split(), *OLD.split()) if len(each) > 40]
            parts = {each[at : at + 12] for each in lines for at in range(30, len(each) - 12)}
            assert not any(each in str(error) for each in parts)
            assert error.__context__ is None
        else:
            assert not is_whole or KEY.public_key in (key, getattr(key, "public_key", None))
            assert cls.load(key.to_pem()).algorithm is key.algorithm
