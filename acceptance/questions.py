"""What is asked: each function is one question, and returns what was seen.

``expected`` is what this package takes for granted, and ``depends`` what would have to change if
AWS answers otherwise. A fact that AWS documents is asked about as well if the package rests on it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias
from urllib.parse import quote

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.files.storage import storages

from acceptance.site import ORIGIN
from acceptance.world import EC, RSA, SHA1, SHA256, World, encode, in_short
from cfsigned_django.aws.client import call
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.invalidation import items_of
from cfsigned_django.viewer import NoAnswer

FILE: Final = "/albums/42/a.txt"
OTHER: Final = "/albums/43/a.txt"
#: In order: what people have, then what URLs make hard.
NAMES: Final = (
    "첨부/회의록 1.txt",
    "it's (1).txt",
    "a+b.txt",
    "~tilde.txt",
    "star*.txt",
    "50%2A.txt",
    "semi;colon,comma&amp=.txt",
    "[brackets]{braces}.txt",
    "tab\tname.txt",
)
SERVED, DENIED, MISSING_KEY = "served", "403 AccessDenied", "403 MissingKey"
NOT_EMULATED: Final = "the emulator does not model this"


#: Returns what was seen; a measured value comes with whether it is as expected.
Ask: TypeAlias = Callable[[World], str | tuple[str, bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A question with its answer."""

    fact: str
    asks: str
    expected: str
    depends: str
    answer: str
    is_expected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question. ``fact`` numbers the fact by subject, as the page about the run does."""

    fact: str
    asks: str
    expected: str
    depends: str
    ask: Ask
    is_emulated: bool

    def seen(self, world: World) -> Seen:
        """Ask, and return what was seen; a failure is an answer."""
        if world.is_emulator and not self.is_emulated:
            return self._saw(NOT_EMULATED, is_expected=True)
        try:
            answer = self.ask(world)
        except (AwsError, ClientError) as error:
            code = error.code if isinstance(error, AwsError) else error.response["Error"]["Code"]
            return self._saw(f"could not ask: {code}", is_expected=False)
        except (LookupError, NoAnswer, OSError, StopIteration) as error:
            return self._saw(f"could not ask: {type(error).__name__}", is_expected=False)
        if isinstance(answer, str):
            return self._saw(answer, is_expected=answer == self.expected)
        text, is_expected = answer
        return self._saw(text, is_expected=is_expected)

    def _saw(self, answer: str, *, is_expected: bool) -> Seen:
        return Seen(
            fact=self.fact,
            asks=self.asks,
            expected=self.expected,
            depends=self.depends,
            answer=answer,
            is_expected=is_expected,
        )


QUESTIONS: Final[list[Question]] = []


def question(
    fact: str, asks: str, *, expected: str, depends: str, is_emulated: bool = True
) -> Callable[[Ask], Ask]:
    """Add the function to the questions."""

    def add(ask: Ask) -> Ask:
        QUESTIONS.append(
            Question(
                fact=fact,
                asks=asks,
                expected=expected,
                depends=depends,
                ask=ask,
                is_emulated=is_emulated,
            )
        )
        return ask

    return add


# 1: bytes of a policy, parameters


@question(
    "1.4",
    "Is a signed URL served whose parameters are in another order?",
    expected=SERVED,
    depends="signing/encoding.py: split_query()",
)
def parameters_in_another_order(world: World) -> str:
    address, _, query = world.link(FILE).partition("?")
    return world.said(f"{address}?{'&'.join(reversed(query.split('&')))}")


@question(
    "1.4",
    "Is a signed URL served whose `~` was sent as `%7E`?",
    expected=SERVED,
    depends="signing/verifier.py: _find_credentials() decodes once",
)
def encoded_tilde(world: World) -> str:
    found = next(url for _ in range(200) if "~" in (url := world.link(FILE, key=RSA)))
    return world.said(found.replace("~", "%7E"))


# 2: algorithms


def _all_algorithms(ask: Callable[[str, str], str]) -> str:
    found = {f"{key} {digest}": ask(key, digest) for key in (RSA, EC) for digest in (SHA1, SHA256)}
    return ", ".join(f"{name}: {said}" for name, said in found.items())


@question(
    "2.5",
    "Which keys and hashes are accepted in URLs?",
    expected="RSA SHA1: served, RSA SHA256: served, P-256 SHA1: served, P-256 SHA256: served",
    depends="signing/signer.py: Signer refuses P-256 with SHA1; setup/keys.py: the default",
)
def algorithms_in_urls(world: World) -> str:
    return _all_algorithms(lambda key, digest: world.said(world.link(FILE, key=key, digest=digest)))


@question(
    "2.5",
    "Which keys and hashes are accepted in cookies?",
    expected="RSA SHA1: served, RSA SHA256: served, P-256 SHA1: served, P-256 SHA256: served",
    depends="signing/signer.py: Signer.sign_cookies()",
)
def algorithms_in_cookies(world: World) -> str:
    def ask(key: str, digest: str) -> str:
        cookies = world.cookies(world.custom("/albums/*"), key=key, digest=digest)
        return world.said(f"https://{world.domain}{FILE}", Cookie=cookies)

    return _all_algorithms(ask)


@question(
    "2.2",
    "What is said of a SHA-256 signature without Hash-Algorithm?",
    expected=DENIED,
    depends="signing/signer.py: always writes Hash-Algorithm=SHA256",
)
def no_hash_algorithm(world: World) -> str:
    return world.said(world.link(FILE).replace("&Hash-Algorithm=SHA256", ""))


@question(
    "2.2",
    "What is said of Hash-Algorithm=sha256, in lower case?",
    expected=DENIED,
    depends="signing/verifier.py: _find_hash_algorithm()",
)
def hash_algorithm_in_lower_case(world: World) -> str:
    return world.said(world.link(FILE, marker="sha256"))


@question(
    "2.2",
    "What is said of Hash-Algorithm=SHA512?",
    expected=DENIED,
    depends="signing/verifier.py: _find_hash_algorithm()",
)
def unknown_hash_algorithm(world: World) -> str:
    return world.said(world.link(FILE, marker="SHA512"))


# 3: resources and names


@question(
    "3.4",
    "Are files with difficult names served, by the URLs of the storage?",
    expected="all served",
    depends="signing/encoding.py: encode_name()",
)
def difficult_names(world: World) -> str:
    storage = storages["default"]
    found = {name: world.said(storage.url(name)) for name in NAMES}
    wrong = {name: said for name, said in found.items() if said != SERVED}
    return ", ".join(f"{name!r}: {said}" for name, said in wrong.items()) or "all served"


@question(
    "3.4",
    "Are `(`, `'`, `+`, `~` and `*` served if sent and signed without encoding?",
    expected="all served",
    depends="signing/encoding.py: encode_name() encodes them",
    is_emulated=False,
)
def names_as_they_are(world: World) -> str:
    names = ("it's (1).txt", "a+b.txt", "~tilde.txt", "star*.txt")
    paths = ["/" + quote(name, safe="()'+~*") for name in names]
    wrong = [f"{path}: {said}" for path in paths if (said := _custom_of_all(world, path)) != SERVED]
    return ", ".join(wrong) or "all served"


def _custom_of_all(world: World, path: str) -> str:
    return world.said(world.link(path, policy=world.custom("/*")))


@question(
    "3.3",
    "Is `/star%2A.txt` served with a signature of `/star*.txt`, canned?",
    expected=DENIED,
    depends="signing/resource.py: paths are compared as they are sent",
)
def encoded_star_for_a_star(world: World) -> str:
    return world.said(world.link("/star%2A.txt", resource="/star*.txt"))


@question(
    "3.3",
    "Is `/it%27s...` served with a signature of `/it's...`, canned?",
    expected=DENIED,
    depends="signing/resource.py: paths are compared as they are sent",
)
def encoded_quote_for_a_quote(world: World) -> str:
    return world.said(world.link("/it%27s%20%281%29.txt", resource="/it's%20(1).txt"))


@question(
    "3.3",
    "Does a signature of `/%ed%95...` in lower case open `/%ED%95...`?",
    expected=DENIED,
    depends="signing/resource.py: paths are compared as they are sent",
)
def escapes_in_lower_case(world: World) -> str:
    path = f"/{quote(NAMES[0])}"
    return world.said(world.link(path, resource=path.lower()))


@question(
    "11.2",
    "Does a policy for `/ALBUMS/*` open `/albums/...`?",
    expected=DENIED,
    depends="signing/resource.py: the case of a path counts",
)
def case_of_a_path(world: World) -> str:
    return world.said(world.link(FILE, policy=world.custom("/ALBUMS/*")))


@question(
    "3.3",
    "Is `//double.txt` served with its own signature?",
    expected="403 AccessDenied of S3",
    depends="edge/behavior.py: the path that an origin gets",
    is_emulated=False,
)
def two_slashes(world: World) -> str:
    return world.said(world.link("//double.txt"))


@question(
    "3.3",
    "Does a policy for `/albums/43/*` open `/albums/43/../42/a.txt`?",
    expected=DENIED,
    depends="signing/policy.py: Policy.matches() refuses dot segments",
)
def dots_out_of_a_folder(world: World) -> str:
    return world.said(world.link("/albums/43/../42/a.txt", policy=world.custom("/albums/43/*")))


@question(
    "3.3",
    "Does a policy for `/albums/43/*` open `/albums/43/%2e%2e/42/a.txt`?",
    expected=DENIED,
    depends="signing/policy.py: Policy.matches() refuses dot segments",
)
def encoded_dots_out_of_a_folder(world: World) -> str:
    path = "/albums/43/%2e%2e/42/a.txt"
    return world.said(world.link(path, policy=world.custom("/albums/43/*")))


@question(
    "3.2",
    "Does `*` in a policy cover further folders: `/alb*` for `/albums/42/a.txt`?",
    expected=SERVED,
    depends="signing/resource.py; docs/reference/url.md: resource= and folder=",
)
def star_over_folders(world: World) -> str:
    return world.said(world.link(FILE, policy=world.custom("/alb*")))


@question(
    "3.2",
    "Does `*` at the end of a policy cover a query?",
    expected=SERVED,
    depends="signing/resource.py: a last `*` of a path covers the query",
)
def star_over_a_query(world: World) -> str:
    return world.said(world.link(f"{FILE}?v=1", policy=world.custom("/albums/*")))


@question(
    "3.1",
    "Does a canned signature of `/albums/*` open a file?",
    expected=DENIED,
    depends="signing/policy.py: canned policies have no wildcards",
)
def star_in_a_canned_policy(world: World) -> str:
    return world.said(world.link(FILE, resource="/albums/*"))


@question(
    "11.3",
    "Is `?` in the path of a policy one character: `/albums/42/?.txt` for `a.txt`?",
    expected=DENIED,
    depends="signing/resource.py: the first `?` begins the query",
)
def question_mark_in_a_policy(world: World) -> str:
    return world.said(world.link(FILE, policy=world.custom("/albums/42/?.txt")))


# 4: conditions


@question(
    "4",
    "What is said before DateGreaterThan?",
    expected=DENIED,
    depends="signing/policy.py: Policy.why_not()",
)
def too_early(world: World) -> str:
    later = {"AWS:EpochTime": int(time.time()) + 300}
    return world.said(world.link(FILE, policy=world.custom(FILE, DateGreaterThan=later)))


@question(
    "4",
    "What is said to a viewer outside IpAddress?",
    expected=DENIED,
    depends="signing/policy.py: Policy.why_not()",
)
def other_address(world: World) -> str:
    address = {"AWS:SourceIp": "192.0.2.0/24"}
    return world.said(world.link(FILE, policy=world.custom(FILE, IpAddress=address)))


@question(
    "11.12",
    "What is said of a URL that ends in 2096, beyond 32 bits?",
    expected="403 MalformedPolicy",
    depends="signing/policy.py: MAX_EPOCH_TIME",
)
def far_future(world: World) -> str:
    return world.said(world.link(FILE, until=4_000_000_000))


@question(
    "4",
    "What is said of a time in milliseconds?",
    expected="403 MalformedPolicy",
    depends="signing/policy.py: MAX_EPOCH_TIME; doctor/explain.py",
)
def milliseconds(world: World) -> str:
    return world.said(world.link(FILE, until=int(time.time() + 60) * 1000))


@question(
    "11.11",
    "Is a policy of 3,000 bytes accepted?",
    expected=SERVED,
    depends="signing/policy.py: has no limit; docs/reference/url.md",
)
def long_policy(world: World) -> str:
    policy = world.custom("/albums/*")
    return world.said(world.link(FILE, policy=policy[:-1] + " " * (3000 - len(policy)) + "}"))


# 5: parameters of a signed URL


@question(
    "11.14",
    "Is a URL served that has both Expires and Policy?",
    expected=SERVED,
    depends="signing/verifier.py: _find_policy(): the Policy counts",
)
def expires_beside_policy(world: World) -> str:
    return world.said(world.link(FILE, policy=world.custom(FILE)) + "&Expires=2000000000")


@question(
    "11.13",
    "What is said of a parameter that appears twice, the right one first?",
    expected=DENIED,
    depends="signing/verifier.py: _find_credentials()",
)
def parameter_twice(world: World) -> str:
    return world.said(world.link(FILE) + "&Expires=2000000000")


@question(
    "3.3",
    "What is said if a parameter is added to a signed URL?",
    expected=DENIED,
    depends="doctor/live.py: the changed URL of the proof",
)
def parameter_added(world: World) -> str:
    return world.said(world.link(FILE) + "&v=1")


# 6: refusals


def _refusal(world: World, url: str) -> str:
    answer = world.get(url)
    kind = answer.headers.get("content-type", "none")
    return f"{in_short(answer)}, {len(answer.body)} bytes, {kind}"


@question(
    "6",
    "How is a request without a signature refused?",
    expected="403 MissingKey, 146 bytes, text/xml",
    depends="signing/verifier.py: _MESSAGES; doctor/answers.py: check_unsigned()",
)
def unsigned(world: World) -> str:
    return _refusal(world, f"https://{world.domain}{FILE}")


@question(
    "6",
    "How is an unknown key refused?",
    expected="403 InvalidKey, 106 bytes, text/xml",
    depends="rotation/probe.py: the probe of a new key",
)
def unknown_key(world: World) -> str:
    return _refusal(world, world.link(FILE, key_id="K00000000000AB"))


@question(
    "6",
    "How is an expired URL refused?",
    expected="403 AccessDenied, 110 bytes, text/xml",
    depends="doctor/answers.py: check_refused()",
)
def expired(world: World) -> str:
    return _refusal(world, world.link(FILE, until=int(time.time()) - 60))


@question(
    "6",
    "How is a policy refused whose Statement is an object, not a list?",
    expected="403 MalformedPolicy, 116 bytes, text/xml",
    depends="signing/policy.py: Policy.from_json()",
)
def statement_is_no_list(world: World) -> str:
    policy = world.custom(FILE).replace("[", "").replace("]", "")
    return _refusal(world, world.link(FILE, policy=policy))


@question(
    "6",
    "How is a signature refused whose text is not base64?",
    expected="403 MalformedSignature, 131 bytes, text/xml",
    depends="signing/verifier.py: _decode_signature()",
)
def signature_is_no_base64(world: World) -> str:
    return _refusal(world, world.link(FILE, signature="!!!"))


@question(
    "6",
    "How is a signature refused that is too short?",
    expected=DENIED,
    depends="signing/verifier.py: Verifier.verify()",
)
def signature_is_too_short(world: World) -> str:
    return world.said(world.link(FILE, signature=encode(b"short!")))


@question(
    "11.4",
    "How is a URL without Signature refused?",
    expected=DENIED,
    depends="signing/verifier.py: _decode_signature()",
)
def no_signature(world: World) -> str:
    key_id = world.keys[EC][0]
    return world.said(world.url(FILE, f"Expires={int(time.time()) + 60}&Key-Pair-Id={key_id}"))


@question(
    "11.4",
    "How is a URL without Expires and Policy refused?",
    expected=DENIED,
    depends="signing/verifier.py: _find_policy()",
)
def no_expiry(world: World) -> str:
    return world.said(world.url(FILE, world.query("text")))


@question(
    "6",
    "Which headers show that CloudFront refused?",
    expected="Server: CloudFront, X-Cache: Error from cloudfront",
    depends="viewer.py: Answer.came_through_cloudfront",
)
def headers_of_a_refusal(world: World) -> str:
    fields = world.get(f"https://{world.domain}{FILE}").headers
    return ", ".join(
        f"{name}: {fields.get(name.lower(), 'none')}" for name in ("Server", "X-Cache")
    )


# 7: cookies


def _with(world: World, cookies: str, query: str = "") -> str:
    return world.said(f"https://{world.domain}{FILE}{query}", Cookie=cookies)


@question(
    "7",
    "Do good cookies help a signed URL that is bad?",
    expected=DENIED,
    depends="docs/how-to/signed-cookies.md; signing/verifier.py: _find_credentials()",
)
def good_cookies_bad_url(world: World) -> str:
    bad = world.link(FILE, resource=OTHER)
    return world.said(bad, Cookie=world.cookies(world.custom("/albums/*")))


@question(
    "7",
    "Are good cookies looked at if the URL has another parameter, `?Expires=9`?",
    expected=MISSING_KEY,
    depends="signing/verifier.py: _MARKS_OF_A_SIGNED_URL",
)
def good_cookies_reserved_parameter(world: World) -> str:
    return _with(world, world.cookies(world.custom("/albums/*")), "?Expires=9")


@question(
    "7",
    "Two sets of cookies in one request, as of Path=/albums/42/ and /albums/: which one counts?",
    expected="the first: served; the second: 403 AccessDenied",
    depends="cookies/place.py: folders within folders",
    is_emulated=False,
)
def two_sets_of_cookies(world: World) -> str:
    good, other = (world.cookies(world.custom(f"/albums/{each}/*")) for each in (42, 43))
    return f"the first: {_with(world, f'{good}; {other}')}; the second: " + _with(
        world, f"{other}; {good}"
    )


@question(
    "7",
    "Do cookies with a canned policy open their one file, and no other?",
    expected="served; 403 AccessDenied",
    depends="signing/signer.py: Signer.sign_cookies()",
)
def canned_cookies(world: World) -> str:
    until = int(time.time()) + 600
    query = world.query(world.canned(FILE, until))
    cookies = "; ".join(f"CloudFront-{each}" for each in (f"Expires={until}", *query.split("&")))
    other = world.said(f"https://{world.domain}{OTHER}", Cookie=cookies)
    return f"{_with(world, cookies)}; {other}"


# 8: keys, key groups and how long a change takes


@question(
    "8.2",
    "How is a key group refused that names an unknown public key?",
    expected="NoSuchPublicKey",
    depends="aws/errors.py: the table; rotation/cloudfront.py",
    is_emulated=False,
)
def group_of_an_unknown_key(world: World) -> str:
    config = {"Name": f"acceptance-{world.run}-unknown", "Items": ["K00000000000AB"]}
    try:
        world.clients.cloudfront.create_key_group(KeyGroupConfig=config)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "accepted"


@question(
    "11.8",
    "Is a public key of RSA 4096 accepted?",
    expected="InvalidArgument",
    depends="signing/keys.py: PublicKey.load() takes RSA 2048 and P-256 only",
    is_emulated=False,
)
def long_rsa_key(world: World) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=4096).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    reference = str(uuid.uuid4())
    name = f"acceptance-{world.run}-rsa-4096"
    config = {"CallerReference": reference, "Name": name, "EncodedKey": pem}
    try:
        made = world.clients.cloudfront.create_public_key(PublicKeyConfig=config)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    world.clients.cloudfront.delete_public_key(Id=made["PublicKey"]["Id"], IfMatch=made["ETag"])
    return "accepted"


# 9.6, 11.10: CORS


@question(
    "9.6",
    "Has a 403 of CloudFront the CORS headers of the response headers policy?",
    expected="no Access-Control-Allow-Origin",
    depends="docs/how-to/cors.md: an expired URL looks like an error of CORS",
    is_emulated=False,
)
def cors_on_a_refusal(world: World) -> str:
    fields = world.get(f"https://{world.domain}{FILE}", Origin=ORIGIN).headers
    found = fields.get("access-control-allow-origin")
    return f"Access-Control-Allow-Origin: {found}" if found else "no Access-Control-Allow-Origin"


@question(
    "11.10",
    "How is a preflight answered, which browsers send without a signature?",
    expected="403 without CORS headers",
    depends="docs/how-to/cors.md: requests that need no preflight",
    is_emulated=False,
)
def preflight(world: World) -> str:
    answer = world.options(
        f"https://{world.domain}{FILE}",
        Origin=ORIGIN,
        **{"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-a"},
    )
    has = "with" if "access-control-allow-origin" in answer.headers else "without"
    return f"{answer.status} {has} CORS headers"


# 11.1, clocks


@question(
    "11.1",
    "Is a URL served in the very second of DateLessThan?",
    expected="403 AccessDenied",
    depends="signing/policy.py: Policy.why_not()",
)
def very_second(world: World) -> str:
    second = int(time.time()) + 2
    url = world.link(FILE, until=second)
    time.sleep(max(0.0, second + 0.2 - time.time()))
    return world.said(url)


@question(
    "4",
    "By how many seconds do the clocks of CloudFront and of this machine differ?",
    expected="at most 5",
    depends="conf.py: AWS_CLOUDFRONT_CLOCK_SKEW_SECONDS",
    is_emulated=False,
)
def clocks(world: World) -> tuple[str, bool]:
    began = time.time()
    date = world.get(f"https://{world.domain}{FILE}").headers["date"]
    now = (began + time.time()) / 2
    skew = abs(parsedate_to_datetime(date).timestamp() + 0.5 - now)
    return f"{skew:.1f}", skew <= 5


# 13.3, 14: what CloudFront has copies of


def _is_copied(world: World, url: str) -> bool:
    return world.get(url).headers.get("x-cache", "").startswith("Hit")


@question(
    "5",
    "Do two signed URLs of one file share the copy at the edge?",
    expected="yes",
    depends="docs/explanation/how-a-signed-url-works.md; docs/aws/costs.md",
    is_emulated=False,
)
def one_copy(world: World) -> str:
    if world.seconds_until(lambda: _is_copied(world, world.link(FILE))) is None:
        return "never kept"
    return "yes" if _is_copied(world, world.link(FILE, key=RSA)) else "no"


def _forgets(world: World, path: str, items: list[str]) -> str:
    """Return whether a copy is gone after an invalidation of these items."""
    url = world.link(path, policy=world.custom("/*"))
    if world.seconds_until(lambda: _is_copied(world, url)) is None:
        return "never kept"
    answer = call(
        world.clients.cloudfront.create_invalidation,
        "create an invalidation",
        "",
        DistributionId=world.distribution_id,
        InvalidationBatch={
            "CallerReference": str(uuid.uuid4()),
            "Paths": {"Quantity": len(items), "Items": items},
        },
    )
    found_id = answer["Invalidation"]["Id"]
    took = world.seconds_until(lambda: _is_invalidated(world, found_id))
    if took is None:
        return "never completed"
    return "kept" if _is_copied(world, url) else "forgotten"


def _is_invalidated(world: World, id: str) -> bool:
    answer = call(
        world.clients.cloudfront.get_invalidation,
        "read an invalidation",
        "",
        DistributionId=world.distribution_id,
        Id=id,
    )
    return bool(answer["Invalidation"]["Status"] == "Completed")


@question(
    "14",
    "Does an invalidation count that writes a path as url() sends it?",
    expected="all forgotten",
    depends="invalidation.py: _spellings() sends two spellings until this is known",
    is_emulated=False,
)
def invalidation_as_sent(world: World) -> str:
    return _forgetting(world, 0)


@question(
    "14",
    "Does one count that encodes only what AWS's rule names?",
    expected="all forgotten",
    depends="invalidation.py: _spellings() sends two spellings until this is known",
    is_emulated=False,
)
def invalidation_by_rule(world: World) -> str:
    return _forgetting(world, -1)


def _forgetting(world: World, spelling: int) -> str:
    """Return which difficult names CloudFront keeps, if their paths are written in this way."""
    kept = []
    for name in NAMES[:6]:
        _distribution, items = items_of("default", [name])
        if (said := _forgets(world, items[0], [items[spelling]])) != "forgotten":
            kept.append(f"{name!r}: {said}")
        if said == "never kept":
            break  # each would be waited for in vain
    return ", ".join(kept) or "all forgotten"


@question(
    "13.3",
    "Is a copy forgotten by the tag in its S3 metadata?",
    expected="forgotten",
    depends="docs/how-to/deleted-files.md: tags",
    is_emulated=False,
)
def invalidation_by_tag(world: World) -> str:
    return _forgets(world, "/tagged.txt", ["#album:42"])


@question(
    "14",
    "Do viewers see the tag in S3 metadata?",
    expected="yes",
    depends="docs/how-to/deleted-files.md: a policy that removes the header",
    is_emulated=False,
)
def visible_tag(world: World) -> str:
    fields = world.get(world.link("/tagged.txt")).headers
    return "yes" if "x-amz-meta-cache-tag" in fields else "no"


# 14: functions


@question(
    "14",
    "Does a viewer-request function run before the signature is checked?",
    expected="no: 403 MissingKey",
    depends="nothing yet: docs/explanation/security.md does not speak of functions",
    is_emulated=False,
)
def function_before_signature(world: World) -> str:
    answer = world.get(f"https://{world.domain}/function/a.txt")
    return "yes" if answer.status == 418 else f"no: {in_short(answer)}"
