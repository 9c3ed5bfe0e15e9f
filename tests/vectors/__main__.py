"""Ask all that sign or verify here, and count which rows they agree with: `make vectors`.

With an address (`python -m tests.vectors http://127.0.0.1:8001`), a server is asked instead: it has
to trust the public keys of the files, and to answer for any host.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any, Final, Self, TypeAlias
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from cfsigned_django.signing import (
    Denied,
    HashAlgorithm,
    InvalidKey,
    InvalidPolicy,
    InvalidUrl,
    KeyAlgorithm,
    Policy,
    PrivateKey,
    PublicKey,
    Signer,
    Verifier,
)
from cfsigned_django.tools.edge import Behavior, Distribution, EdgeServer
from cfsigned_django.tools.model.forwarding import Forwarding
from fuzz.verifier import allows
from tests.vectors import FOLDER, NOW, Row, rows, sign, verifies

#: What somebody says of a row: "served", a code, "made", "refused", another text, or None if the
#: row cannot be asked.
Answer: TypeAlias = str | None
Ask: TypeAlias = Callable[[list[Row]], Iterable[Answer]]

PAGE: Final = FOLDER.parent.parent / "docs/explanation/checked-on-aws.md"
MARKS: Final = ("<!-- vectors -->\n", "<!-- end of vectors -->")
JS: Final = FOLDER.parent / "js"
#: The keys that sign the sign rows: new in each run.
KEY_PAIR_ID: Final = "K2JCJMDEHXQW5F"
KEYS: Final = {"RSA-2048": KeyAlgorithm.RSA_2048, "P-256": KeyAlgorithm.ECDSA_P256}


def one_by_one(ask: Callable[[Row], Answer]) -> Ask:
    """Return a function that asks each row for itself."""
    return lambda asked: map(ask, asked)


# Verify


def verifier(row: Row) -> Answer:
    """Return what the package's verifier says."""
    denied = refusal(row)
    return denied if denied is None or isinstance(denied, str) else denied.code


def refusal(row: Row) -> Denied | Answer:
    """Return the refusal of the package's verifier, with its reason, or "served"."""
    if len(row.cookies) > len(dict(row.cookies)):
        return None
    keys = {name: PublicKey.load(pem) for name, pem in row.trusted.items()}
    now, viewer = row.fields.get("now", NOW), row.fields.get("viewer")
    try:
        Verifier(keys).verify(row.filled("url"), dict(row.cookies), now=now, viewer_ip=viewer)
    except Denied as denied:
        return denied
    return "served"


def second_reading(row: Row) -> Answer:
    """Return what the verifier says that was written from AWS's pages alone, for the fuzzer."""
    if len(row.cookies) > len(dict(row.cookies)):
        return None
    keys = {name: load_pem_public_key(pem.encode()) for name, pem in row.trusted.items()}
    now, viewer = row.fields.get("now", NOW), row.fields.get("viewer", "")
    try:
        is_served = allows(row.filled("url"), dict(row.cookies), keys, now, viewer)
    except (AttributeError, KeyError, TypeError, ValueError):
        return "refused"  # It reads only what the package serves.
    return "served" if is_served else "refused"


def through_http(address: str, row: Row) -> tuple[Answer, bytes]:
    """Return what a server says, and the body."""
    url = urlsplit(address)
    _, _, host, target = f"{row.filled('url')}/".split("/", 3)
    connection = HTTPConnection(url.hostname or "", url.port, timeout=10)
    connection.putrequest("GET", f"/{target[:-1]}", skip_host=True, skip_accept_encoding=True)
    headers = {"Host": host, **row.fields.get("headers", {})}
    if "cookies" in row.fields:
        headers["Cookie"] = row.filled("cookies")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    code = body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()
    if answer.status == 403:
        return code or "refused", body
    return "served" if answer.status < 300 else str(answer.status), body


def server(address: str) -> Ask:
    """Return a function that asks a server whose clock and viewers nobody sets."""

    def ask(row: Row) -> Answer:
        is_fixed = {"now", "viewer", "trusted"} & row.fields.keys()
        return (
            None if is_fixed or row.fields["url"][:5] == "http:" else through_http(address, row)[0]
        )

    return one_by_one(ask)


def edge(asked: list[Row]) -> Iterator[Answer]:
    """Yield what the package's edge says, over HTTP, with the clock and the viewer of each row."""
    with edge_server() as (address, now_asked):
        for row in asked:
            now_asked.append(row)
            said, body = through_http(address, row)
            is_asked = "origin" in row.fields and said == "served"
            yield reached(row, body) if is_asked else said


@contextmanager
def edge_server() -> Iterator[tuple[str, list[Row]]]:
    """Serve the last of the rows in the list, which the caller fills."""
    asked: list[Row] = []

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        row = asked[-1]
        environ["REMOTE_ADDR"] = row.fields.get("viewer", "127.0.0.1")
        environ["wsgi.url_scheme"] = row.fields["url"].partition(":")[0].lower()
        distribution = Distribution(
            domain_names=(environ["HTTP_HOST"],),
            behaviors=behaviors(row),
            key_groups={"group": {id: PublicKey.load(pem) for id, pem in row.trusted.items()}},
            origin=echo,
            clock=lambda: float(row.fields.get("now", NOW)),
        )
        return distribution(environ, start_response)

    with EdgeServer(application).running() as running:
        yield f"http://127.0.0.1:{running.port}", asked


def behaviors(row: Row) -> tuple[Behavior, ...]:
    """Return the behaviors of a row: a restricted one if the file has keys, unless it says more."""
    policies = {
        name: row.fields[name]
        for name in ("cache_policy", "origin_request_policy")
        if name in row.fields
    }
    if policies:
        trusted = ("group",) if row.keys else ()
        return (Behavior(trusted_key_groups=trusted, forwarding=Forwarding(**policies)),)
    named = row.fields.get("behaviors", [{"pattern": "*", "restricted": True}])
    return tuple(
        Behavior(
            path_pattern=each["pattern"],
            trusted_key_groups=("group",) if each["restricted"] else (),
        )
        for each in named
    )


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with what reached the origin."""
    start_response("200 OK", [("Content-Type", "application/json")])
    return [
        json.dumps({name: each for name, each in environ.items() if type(each) is str}).encode()
    ]


def reached(row: Row, body: bytes) -> str:
    """Return what the row expects, or what else reached the origin."""
    environ, wanted = json.loads(body), row.fields["origin"]
    path, query = environ["RAW_URI"].partition("?")[0], environ["QUERY_STRING"]
    target = f"{path}?{query}" if query else path
    if not environ["RAW_URI"] == environ["REQUEST_URI"] == target:
        return "two targets"
    found = {"path": path, "query": query, "cookies": environ.get("HTTP_COOKIE", "")}
    sent = {
        name: f"HTTP_{name.upper().replace('-', '_')}" for name in row.fields.get("headers", {})
    }
    found["headers"] = {name: environ[key] for name, key in sent.items() if key in environ}
    found = {name: found[name] for name in wanted}
    return expected(row) if found == wanted else json.dumps(found)


# Sign


def signer(row: Row) -> Answer:
    """Return what the package's signer makes."""
    private = private_key(row)
    try:
        ours = Signer(
            key_pair_id=KEY_PAIR_ID,
            private_key=private,
            hash_algorithm=HashAlgorithm(row.fields["hash"]),
        )
        policy = Policy(**row.fields["policy"]) if "policy" in row.fields else None
        if "url" in row.fields:
            until = row.fields.get("expires")
            return made(row, ours.sign_url(row.fields["url"], date_less_than=until, policy=policy))
        assert policy
        return made(row, ours.sign_cookies(policy))
    except (InvalidKey, InvalidPolicy, InvalidUrl):
        return "refused"


def botocore(row: Row) -> Answer:
    """Return what botocore makes: URLs with SHA-1."""
    if row.fields["hash"] != "SHA1" or "url" not in row.fields:
        return None
    private, sha1 = private_key(row), HashAlgorithm.SHA1
    theirs = CloudFrontSigner(KEY_PAIR_ID, lambda message: private.sign(message, sha1))
    given = dict(terms(row))
    try:
        given |= {
            name: datetime.fromtimestamp(given[name], UTC) for name in given if name[:4] == "date"
        }
    except ValueError:
        return None  # A datetime does not go that far.
    policy = theirs.build_policy(**given) if "policy" in row.fields else None
    until = None if policy else given["date_less_than"]
    return made(
        row, theirs.generate_presigned_url(row.fields["url"], policy=policy, date_less_than=until)
    )


def javascript(asked: list[Row]) -> list[Answer]:
    """Return what AWS's signer for JavaScript makes."""
    names = {"date_less_than": "dateLessThan", "date_greater_than": "dateGreaterThan"}
    names |= {"ip_address": "ipAddress"}
    cases = []
    for row in asked:
        private = private_key(row)
        given = {
            "url": row.fields.get("url") or terms(row)["resource"],
            "keyPairId": KEY_PAIR_ID,
            "privateKey": private.to_pem().decode(),
            "algorithm": row.fields["hash"],
        }
        if terms(row).get("resource", given["url"]) != given["url"] or "*" in given["url"]:
            # It takes another resource than the URL as a text only.
            given |= {"policy": row.fields.get("signed")}
        else:
            for name, theirs in names.items():
                if name in terms(row):
                    value = terms(row)[name]
                    given[theirs] = value if name == "ip_address" else value * 1000
        cases.append({"make": "url" if "url" in row.fields else "cookies", "input": given})
    done = subprocess.run(
        ["node", JS / "sign.mjs"],
        input=json.dumps(cases),
        capture_output=True,
        check=True,
        text=True,
    )
    return [
        "refused" if isinstance(each, dict) and "error" in each else made(row, each)
        for row, each in zip(asked, json.loads(done.stdout), strict=True)
    ]


def private_key(row: Row) -> PrivateKey:
    """Return the fresh key that signs a row."""
    algorithm = row.fields.get("algorithm", "RSA-2048")
    if algorithm not in _made:
        _made[algorithm] = PrivateKey.generate(KEYS[algorithm])
    return _made[algorithm]


_made: Final[dict[str, PrivateKey]] = {}


def terms(row: Row) -> dict[str, Any]:
    """Return the policy to be signed, by the names of a sign row."""
    return row.fields.get("policy") or {"date_less_than": row.fields["expires"]}


def made(row: Row, found: str | dict[str, Any]) -> str:
    """Return "made" if a URL or cookies are those of the row, or what is else."""
    if "signed" not in row.fields:
        return "made"
    expected: tuple[str, dict[str, str]]
    if isinstance(found, str):
        expected, got = split(row.filled("sends")), split(found)
    else:
        expected, got = ("", dict(row.cookies)), ("", {n: str(v) for n, v in found.items()})
    if expected[0] != got[0]:
        return f"the address {got[0]}"
    signature = next((got[1].pop(n) for n in [*got[1]] if n.endswith("Signature")), "")
    wanted = {name: value for name, value in expected[1].items() if not name.endswith("Signature")}
    if got[1] != wanted:
        return "other parameters or another policy: " + ", ".join(got[1])
    pem = private_key(row).public_key.to_pem()
    is_ours = verifies(pem, signature, row.fields["signed"], row.fields["hash"])
    return "made" if is_ours else "a signature of another text"


def split(url: str) -> tuple[str, dict[str, str]]:
    """Return a signed URL up to CloudFront's parameters, and these by name."""
    names = ("Expires=", "Policy=")
    at = min(url.rindex(each) for each in names if each in url)
    pairs = (each.partition("=") for each in url[at:].split("&"))
    return url[:at], {name: value for name, _, value in pairs}


# Counting

WHO: Final[dict[str, dict[str, Ask]]] = {
    "verify": {
        "the verifier": one_by_one(verifier),
        "the edge, over HTTP": edge,
        "a second reading of AWS's pages": one_by_one(second_reading),
    },
    "sign": {
        "the signer": one_by_one(signer),
        "botocore": one_by_one(botocore),
        "AWS's JavaScript signer": javascript,
    },
    "requests": {"the edge, over HTTP": edge},
}


def expected(row: Row) -> str:
    """Return the answer that the row has."""
    return str(row.fields.get("result", "as written" if "origin" in row.fields else "made"))


def agrees(row: Row, answer: str) -> bool:
    """Return whether an answer is that of the row; who knows no codes is not asked for them."""
    wanted = expected(row)
    is_refusal = answer not in ("served", "made") and not answer[:1].isdigit()
    if wanted in ("served", "made", "as written"):
        return answer == wanted
    return answer == wanted or (
        is_refusal and (answer == "refused" or row.fields.get("code") == "open")
    )


@dataclass(frozen=True, slots=True)
class Count:
    """What somebody answered to the rows of a kind; rows come with the answer."""

    kind: str
    who: str
    agreed: list[tuple[Row, str]]
    differs: list[tuple[Row, str]]
    other: list[tuple[Row, str]]
    unsupported: list[Row]

    @classmethod
    def of(cls, kind: str, who: str, ask: Ask) -> Self:
        """Ask each row. Another answer to an open row does not differ."""
        found = cls(kind, who, [], [], [], [])
        asked = rows(kind)
        for row, answer in zip(asked, ask(asked), strict=True):
            if answer is None:
                found.unsupported.append(row)
            elif agrees(row, answer):
                found.agreed.append((row, answer))
            else:
                is_open = row.fields["status"] == "open"
                (found.other if is_open else found.differs).append((row, answer))
        return found

    def line(self) -> str:
        """Return a row of the table."""
        counted = (self.agreed, self.differs, self.other, self.unsupported)
        numbers = [str(len(each)) for each in (rows(self.kind), *counted)]
        return f"| {self.kind} | {self.who} | {' | '.join(numbers)} |"

    def differences(self) -> Iterator[str]:
        """Yield a line for each sentence of AWS that decides against an answer."""
        by_sentence: dict[tuple[str, str], list[str]] = {}
        for row, _ in self.differs:
            by_sentence.setdefault((row.rule["says"], expected(row)), []).append(f"`{row.id}`")
        for (says, wanted), ids in by_sentence.items():
            yield f"| {self.who} | {', '.join(ids)} | {wanted} | {says} |"


def tables(who: dict[str, dict[str, Ask]]) -> str:
    """Return what each one answers, and each difference with the sentence that decides."""
    found = [Count.of(kind, name, ask) for kind, each in who.items() for name, ask in each.items()]
    return "\n".join(
        [
            "| Kind | Asked | Rows | Agreed | Differs | Open, another answer | Not supported |",
            "|---|---|---|---|---|---|---|",
            *(each.line() for each in found),
            "",
            "| Asked | Differs in | The row has | What decides |",
            "|---|---|---|---|",
            *(line for each in found for line in each.differences()),
        ]
    )


def main() -> None:
    """Sign what is new, ask all, and write the tables into the page; print those of a server."""
    logging.disable()  # The edge logs each refusal.
    for path in FOLDER.glob("verify-*.json"):
        sign(path)
    if address := "".join(sys.argv[1:]):
        print(tables({"verify": {address: server(address)}}))
        return
    before, mark, rest = PAGE.read_text("utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    page = f"{before}{mark}\n{tables(WHO)}\n{MARKS[1]}{after}"
    PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
