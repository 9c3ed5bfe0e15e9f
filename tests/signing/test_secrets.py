"""Look for key bytes in everything that an error, a log or a debug page could show."""

from __future__ import annotations

import logging
import pprint
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat

from cfsigned_django.signing import InvalidKey, Policy, PrivateKey, PublicKey, Signer
from tests.leaks import everything_of
from tests.signing.cases import EXPIRES, KEY_ID, ORIGIN
from tests.signing.key_forms import FOREIGN, MISHAPS, PASSWORD, foreign_keys, rewrite, to_der

# So many characters of a key in a row are no accident.
WINDOW = 16


def windows(secret: str) -> set[str]:
    """Return every run of WINDOW characters of the secret, without frame and white space."""
    packed = "".join(line for line in secret.split("\n") if not line.startswith("-----"))
    packed = "".join(packed.split())
    return {packed[at : at + WINDOW] for at in range(len(packed) - WINDOW + 1)}


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and all that led to it, also what `from None` hides."""
    seen: list[BaseException | None] = [error]
    while seen:
        one = seen.pop()
        if one is not None:
            yield one
            seen += [one.__cause__, one.__context__]


def local_variables(tb: TracebackType | None) -> Iterator[object]:
    """Yield the local variables of each frame but those of the tests themselves."""
    while tb is not None:
        if "tests" not in Path(tb.tb_frame.f_code.co_filename).parts:
            yield from tb.tb_frame.f_locals.values()
        tb = tb.tb_next


def texts(error: BaseException) -> Iterator[str]:
    """Yield everything of an exception that a debug page or a log could print."""
    for one in chain(error):
        yield from (str(one), repr(one), repr(one.args), repr(vars(one)))
        yield from traceback.format_exception(one)
        for value in local_variables(one.__traceback__):
            yield from (pprint.pformat(value), str(value), repr(getattr(value, "__dict__", "")))
            if isinstance(value, bytes):
                yield value.decode("latin-1")


def assert_holds_no(secret: str, error: BaseException) -> None:
    """Fail where any part of the secret stands in what the exception carries."""
    everything = "".join("".join(text.split()) for text in texts(error))
    everything = everything.replace("\\n", "")
    assert not [window for window in windows(secret) if window in everything]
    assert PASSWORD.decode() not in everything


def spoiled(pem: str) -> dict[str, str | bytes | Path]:
    """Return sources that hold most of a key and cannot be read, by what is wrong."""
    lines = pem.splitlines()
    return {
        "cut": pem[: -len(lines[-1]) - 5],
        "line lost": "\n".join(lines[:1] + lines[2:]),
        "letter changed": pem.replace(lines[1][:2], "AA", 1),
        "no frame": "".join(lines[1:-1]),
        "no frame, file name": "".join(lines[1:-1])[:400] + ".pem",
        "other frame": pem.replace("PRIVATE KEY", "OTHER KEY"),
        "frame of OpenSSH": pem.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY"),
        "frame of a public key": pem.replace("PRIVATE KEY", "PUBLIC KEY"),
        "frame of an encrypted key": pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
        "binary": pem.encode() + b"\xff",
        "as a path": Path(pem),
        "one line as a path": Path("".join(lines)),
        "base64 as a path": Path("".join(lines[1:-1])),
        "part as a path": Path("/keys") / pem[:200],
        "one line, cut, as a path": Path("".join(lines)[:100]),
        "base64, cut, as a path": Path("".join(lines[1:-1])[:52]),
    }


def test_windows_find_a_leak(ec_key: PrivateKey) -> None:
    """Find a key in a message, in a context and in a local variable: the search itself works."""
    pem = ec_key.to_pem().decode("ascii")
    for error in [
        ValueError(pem),
        ValueError(pem.splitlines()[1][5:40]),
        ValueError(pem.encode("ascii")),
    ]:
        with pytest.raises(AssertionError):
            assert_holds_no(pem, error)
    with pytest.raises(UnicodeDecodeError) as caught:
        (pem.encode("ascii") + b"\xff").decode("utf-8")
    with pytest.raises(AssertionError):
        assert_holds_no(pem, caught.value)


def test_spoiled_private_keys(key: PrivateKey, subtests: pytest.Subtests) -> None:
    """Refuse a spoiled key without a byte of it in the exception, its context or its frames."""
    pem = key.to_pem().decode("ascii")
    for name, source in spoiled(pem).items():
        for load in (PrivateKey.load, PublicKey.load):
            with subtests.test(name), pytest.raises(InvalidKey) as caught:
                load(source)
            assert_holds_no(pem, caught.value)
            assert caught.value.__context__ is None


@pytest.mark.parametrize("mishap", MISHAPS)
def test_private_key_given_as_public(ec_key: PrivateKey, mishap: str) -> None:
    """Refuse a private key in the place of the public one, and do not carry it along."""
    pem = ec_key.to_pem().decode("ascii")
    with pytest.raises(InvalidKey) as caught:
        PublicKey.load(MISHAPS[mishap](pem))
    assert_holds_no(pem, caught.value)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("password", [None, b"wrong horse", PASSWORD[:-1]])
def test_encrypted_keys(key: PrivateKey, form: PrivateFormat, password: bytes | None) -> None:
    """Carry neither the encrypted key nor a password, right or wrong."""
    encrypted = rewrite(key, form, PASSWORD)
    with pytest.raises(InvalidKey) as caught:
        PrivateKey.load(encrypted, password=password)
    assert_holds_no(encrypted, caught.value)
    if password:
        assert password.decode() not in "".join(texts(caught.value))


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_keys(kind: str) -> None:
    """Refuse whole keys of another kind without a byte of them."""
    with pytest.raises(InvalidKey) as caught:
        PrivateKey.load(foreign_keys()[kind][0])
    assert_holds_no(foreign_keys()[kind][0], caught.value)


@pytest.mark.parametrize("length", [40, 52, 64])
def test_cut_key_as_a_path(ec_key: PrivateKey, length: int) -> None:
    """Show no path that is the beginning of a SEC1 key, which holds all of the secret."""
    lines = rewrite(ec_key, PrivateFormat.TraditionalOpenSSL).splitlines()
    for source in (lines[1][:length], lines[0] + lines[1][:length], f"/keys/{lines[1][:length]}"):
        with pytest.raises(
            InvalidKey, match=r"^The key file (does not exist|cannot be read)"
        ) as caught:
            PrivateKey.load(Path(source))
        assert_holds_no(lines[1], caught.value)


def test_der(key: PrivateKey) -> None:
    """Refuse DER without a byte of it."""
    der = to_der(key)
    with pytest.raises(InvalidKey) as caught:
        PrivateKey.load(der)
    assert_holds_no(der.decode("latin-1"), caught.value)
    assert repr(der)[20:40] not in "".join(texts(caught.value))


def test_files(key: PrivateKey, tmp_path: Path) -> None:
    """Name a file that holds a spoiled key nowhere with its content."""
    pem = key.to_pem().decode("ascii")
    path = tmp_path / "cloudfront.pem"
    path.write_text(pem[:-40])
    with pytest.raises(InvalidKey) as caught:
        PrivateKey.load(path)
    assert_holds_no(pem, caught.value)


def test_key_given_as_id(key: PrivateKey) -> None:
    """Refuse a private key in the place of its id without showing it, on a debug page either."""
    pem = key.to_pem().decode("ascii")
    with pytest.raises(InvalidKey, match="The key pair id given is not the id") as caught:
        Signer(key_pair_id=pem, private_key=key)
    everything = "".join(everything_of(caught.value).split())
    assert not [window for window in windows(pem) if window in everything]


def test_what_is_printed(key: PrivateKey, caplog: pytest.LogCaptureFixture) -> None:
    """Show no key in repr, str, format and logs of keys and signers."""
    signer = Signer(key_pair_id=KEY_ID, private_key=key)
    signed = signer.sign_url(f"{ORIGIN}/a", date_less_than=EXPIRES)
    cookies = signer.sign_cookies(Policy(resource=f"{ORIGIN}/*", date_less_than=EXPIRES))
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("tests").debug("%s %r %s", key, signer, vars(signer))
    shown = [repr(key), str(key), f"{key}", pprint.pformat([key, signer]), caplog.text]
    shown += [signed, *cookies.values()]
    everything = "".join("".join(text.split()) for text in shown)
    pem = key.to_pem().decode("ascii")
    assert not [window for window in windows(pem) if window in everything]
    assert key.public_key.fingerprint[:16] in repr(key)
