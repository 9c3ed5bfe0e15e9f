"""What the demo remembers between two starts, in one git-ignored folder.

`state.json` has the ports and passwords of this machine, and the IDs from CloudFront's API.
`keys/private_key.pem` is the key that the settings name. It is an RSA key, as many sites have:
the demo's story is to rotate it to ECDSA. Only their owner can read these files.
"""

from __future__ import annotations

import json
import os
import secrets
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from cfsigned_django.signing import KeyAlgorithm, PrivateKey

BASE_FOLDER = Path(__file__).resolve().parent.parent
FOLDER_VARIABLE = "CFSIGNED_DEMO_FOLDER"
HOST = "127.0.0.1"
#: Below it, the video page and its files have separate names, so that both get its cookies.
#: Browsers find names under localhost on this machine.
COOKIE_DOMAIN = "site.localhost"
#: The superuser of the demo; the password is in the state.
ADMIN_NAME = "demo"

# Easy to remember. If one is taken, any free port is used.
PREFERRED_PORTS = {"site": 8000, "edge": 8001, "s3": 8002}

LINK_VARIABLE = "CFSIGNED_DEMO_LINK_SECONDS"
# At least 15: a file's page makes links that live for ten seconds.
_SHORTEST, _LONGEST = 15, 7 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The waits of the demo, in seconds; a real site waits for minutes and days.

    The rules are those of a real rotation; the numbers are small, so that a person can watch it.
    The edge must know a change before a key may sign: `propagation` is longer than `edge` plus
    the second between two reads of the edge.
    """

    #: How long a link lives, at most and by default.
    link: int = 90
    #: How long after a change of the key group the edge applies it.
    edge: int = 3
    #: How long a key must have worked before it signs.
    propagation: int = 8
    #: How long a process signs with a key before it asks again which one is ACTIVE.
    keyring: int = 3
    #: By how much clocks may differ; here, there is only one clock.
    clock_skew: int = 1

    @classmethod
    def from_environment(cls) -> Self:
        """Return the pace, with the URL lifetime in `CFSIGNED_DEMO_LINK_SECONDS` if it is set."""
        text = os.environ.get(LINK_VARIABLE, "")
        if not text:
            return cls()
        if not (text.isascii() and text.isdecimal() and _SHORTEST <= int(text) <= _LONGEST):
            raise SystemExit(
                f"{LINK_VARIABLE} is {text!r}. It must be whole seconds from {_SHORTEST} to "
                f"{_LONGEST}."
            )
        return cls(link=int(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """One access key of the local AWS."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoState:
    """What one folder of the demo contains.

    `root` owns the local AWS; `users` are the access keys, with few rights, of the others. They
    are filled in when the server first runs. So are the IDs of the settings' key, of the key group
    and of the distribution.
    """

    folder: Path
    ports: Mapping[str, int]
    bucket: str
    key_pair_id: str
    key_group_id: str
    distribution_id: str
    #: The origins that the stack was deployed for, with commas between them.
    cors_origin: str
    secret_key: str = field(repr=False)
    admin_password: str = field(repr=False)
    root: Credentials
    users: Mapping[str, Credentials]

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the state of the folder, or make a new one with a new signing key."""
        folder = folder.resolve()
        file = folder / "state.json"
        if file.exists():
            state = cls._read(folder, json.loads(file.read_text("utf-8")))
        else:
            state = cls._make(folder)
            state.save()
        if not state.private_key_path.exists():
            write_secret(state.private_key_path, _new_key())
        return state

    @classmethod
    def _read(cls, folder: Path, values: dict[str, Any]) -> Self:
        # The folder of an older demo lacks some values.
        lacking = dict.fromkeys(("key_group_id", "distribution_id", "cors_origin"), "")
        values = {**lacking, "admin_password": _new_password()} | values
        values["root"] = Credentials(**values["root"])
        values["users"] = {name: Credentials(**user) for name, user in values["users"].items()}
        return cls(folder=folder, **values)

    @classmethod
    def _make(cls, folder: Path) -> Self:
        return cls(
            folder=folder,
            ports=PREFERRED_PORTS,
            bucket="demo-media",
            key_pair_id="",
            key_group_id="",
            distribution_id="",
            cors_origin="",
            secret_key=secrets.token_urlsafe(50),
            admin_password=_new_password(),
            root=Credentials(
                access_key_id="AKIA" + _random_id(16), secret_access_key=secrets.token_urlsafe(30)
            ),
            users={},
        )

    def save(self) -> None:
        """Write the state back to its folder."""
        values = asdict(self)
        del values["folder"]
        write_secret(self.folder / "state.json", json.dumps(values, indent=2).encode())

    def address(self, name: str) -> str:
        """Return the base URL of the site, the edge or AWS ("s3"), with no slash at its end."""
        return f"http://{HOST}:{self.ports[name]}"

    @property
    def app_address(self) -> str:
        """Return the base URL of the site at the name that shares cookies with the edge."""
        return f"http://app.{COOKIE_DOMAIN}:{self.ports['site']}"

    @property
    def cdn_domain(self) -> str:
        """Return the name, with its port, at which the edge gets cookies of the site."""
        return f"cdn.{COOKIE_DOMAIN}:{self.ports['edge']}"

    @property
    def origins(self) -> tuple[str, ...]:
        """Return the origins of the site's pages."""
        return self.address("site"), self.app_address

    @property
    def cors_options(self) -> tuple[str, ...]:
        """Return the options that name the origins of the site's pages."""
        return tuple(
            part
            for option in ("--cors-origin", "--upload-origin")
            for origin in self.origins
            for part in (option, origin)
        )

    @property
    def private_key_path(self) -> Path:
        """The path of the signing key, as PEM."""
        return self.folder / "keys" / "private_key.pem"

    @property
    def logs(self) -> Path:
        """The folder of the servers' logs."""
        return self.folder / "logs"


def demo_folder() -> Path:
    """Return the folder of the demo: what the environment names, else `.demo` in the checkout."""
    return Path(os.environ.get(FOLDER_VARIABLE) or BASE_FOLDER / ".demo")


def write_secret(path: Path, content: bytes) -> None:
    """Write a file, as a whole or not at all, that only its owner may read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)


def _new_password() -> str:
    return secrets.token_urlsafe(9)


def _new_key() -> bytes:
    return PrivateKey.generate(KeyAlgorithm.RSA_2048).to_pem()


def _random_id(length: int) -> str:
    alphabet = string.ascii_uppercase + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(length))
