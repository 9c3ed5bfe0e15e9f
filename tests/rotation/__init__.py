"""Test the rotation, its steps and its command, over the strict CloudFront in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cfsigned_django.rotation.importing import import_key
from cfsigned_django.rotation.lifecycle import KeyStatus, Waits
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.removal import Removal
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.rotation.steps import advance
from cfsigned_django.rotation.store import KeyPairStore
from cfsigned_django.signing import KeyAlgorithm, PrivateKey, Signer
from tests.core.aws import Account
from tests.management import Ran, run_as_program
from tests.simulation.answers import refusal
from tests.simulation.faults import Boundary, Fault, Killed, UnreliableCloudFront
from tests.simulation.strict_cloudfront import StrictCloudFront

WAITS = Waits(propagation=300, url_lifetime=3600, keyring=120, clock_skew=60)
ECDSA, RSA = KeyAlgorithm.ECDSA_P256, KeyAlgorithm.RSA_2048


@dataclass(slots=True)
class Site:
    """A key group with a key that is not ours, a clock, and the machines that rotate."""

    account: Account = field(default_factory=lambda: Account(api=StrictCloudFront()))
    now: datetime = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
    #: What each probe is answered; None lets the key group decide.
    answer: ProbeResult | None = None
    foreign: str = ""
    key_group_id: str = ""

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Hold one key group with one key, which is not ours."""
        self.foreign = self.account.upload("foreign")
        self.key_group_id = self.account.make_group(self.foreign)

    def rotation(
        self,
        *,
        by_hand: bool = False,
        boundary: Boundary = lambda method, side: None,
        fault: Callable[[str], Fault] = lambda method: Fault.NONE,
        changed_by: str = "",
    ) -> Rotation:
        """Return the rotation as one machine has it."""
        api = UnreliableCloudFront(self.account.api, choose_fault=fault, boundary=boundary)
        store = KeyPairStore(
            key_group_id=self.key_group_id,
            changed_by=changed_by,
            clock=lambda: self.now,
        )
        return Rotation(
            store=store,
            waits=self.waits,
            key_groups=None if by_hand else self.account.over(api),
            probe=self.probe,
        )

    def probe(self, signer: Signer) -> ProbeResult:
        """Answer a probe at once as the key group stands."""
        if self.answer is not None:
            return self.answer
        known = self.account.api.trusted_keys(self.key_group_id).get(signer.key_pair_id)
        if known is None:
            return ProbeResult.UNKNOWN_KEY
        same = known.to_pem() == signer.private_key.public_key.to_pem()
        return ProbeResult.GOOD if same else ProbeResult.WRONG_KEY

    def wait(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now += timedelta(seconds=seconds)

    # What CloudFront has

    @property
    def members(self) -> set[str]:
        """Return the ids in the key group, as the API has them."""
        return set(self.account.group_config(self.key_group_id)["Items"])

    @property
    def public_keys(self) -> set[str]:
        """Return the ids of all public keys of the account."""
        listed = self.account.api.list_public_keys()["PublicKeyList"]["Items"]
        return {each["Id"] for each in listed}

    def set_members(self, *members: str) -> None:
        """Change the key group by hand."""
        self.account.set_members(self.key_group_id, *members)

    def take_out(self, *key_pairs: KeyPair) -> None:
        """Take keys out of the group by hand."""
        self.set_members(*self.members - set(map(str, key_pairs)))

    def delete(self, key_pair: KeyPair) -> None:
        """Take a key out of the group and delete it, as a person does in the console."""
        self.take_out(key_pair)
        self.account.delete(str(key_pair))

    def fill(self) -> list[str]:
        """Put as many keys of others into the group as it holds; return their ids."""
        others = [self.account.upload(f"other-{n}") for n in range(5 - len(self.members))]
        self.set_members(*self.members, *others)
        return others

    # What the database has

    @property
    def signing(self) -> KeyPair:
        """Return the key pair that signs, of which there must be one."""
        return KeyPair.objects.get(status=KeyStatus.ACTIVE)

    # The states in which tests begin

    @property
    def waits(self) -> Waits:
        """Return the waits of the site."""
        return WAITS

    def started(self) -> KeyPair:
        """Return a PENDING key pair."""
        return self.rotation().start(algorithm=ECDSA, now=self.now)

    def trusted(self, *, good_for: int | None = None) -> KeyPair:
        """Return a TRUSTED key pair, which has worked for this many seconds if it has."""
        key_pair = self.started()
        self.rotation().trust(key_pair, now=self.now)
        if good_for is not None:
            self.rotation().check(key_pair, now=self.now)
            self.wait(good_for)
        return key_pair

    def typed(self, key_pair_id: str) -> KeyPair:
        """Return a TRUSTED key pair whose id a person gave."""
        key_pair = self.started()
        self.rotation(by_hand=True).trust(key_pair, now=self.now, key_pair_id=key_pair_id)
        return key_pair

    def activated(self) -> KeyPair:
        """Return a new ACTIVE key pair; the one before it is RETIRING."""
        key_pair = self.trusted(good_for=301)
        self.rotation().activate(key_pair, now=self.now)
        return key_pair

    def imported(self) -> KeyPair:
        """Return the ACTIVE key pair that was imported, which is in the group."""
        private_key = PrivateKey.generate(ECDSA)
        pem = private_key.public_key.to_pem()
        key_pair_id = self.account.upload(f"settings-{len(self.public_keys)}", pem)
        self.set_members(*self.members, key_pair_id)
        return import_key(self.rotation(), private_key, key_pair_id, now=self.now)

    # Steps, which machines take with a row that they have just read

    def advance(self, **machine: Any) -> str | None:
        """Take the next step that needs no person."""
        return advance(self.rotation(**machine), now=self.now)

    def removal(self, key_pair: KeyPair, **machine: Any) -> Removal:
        """Return how a machine removes a key."""
        rotation = self.rotation(**machine)
        return Removal(rotation=rotation, key_pair=fresh(key_pair), now=self.now)

    def retire(self, key_pair: KeyPair, **machine: Any) -> None:
        """Retire a key."""
        self.removal(key_pair, **machine).retire()

    def revoke(self, key_pair: KeyPair, reason: str = "leaked", **machine: Any) -> None:
        """Revoke a key."""
        self.removal(key_pair, **machine).revoke(reason)

    def finish(self, key_pair: KeyPair, **machine: Any) -> None:
        """Take a revoked key out of CloudFront."""
        self.removal(key_pair, **machine).finish()


def fresh(key_pair: KeyPair) -> KeyPair:
    """Return the key pair as the database has it."""
    return KeyPair.objects.get(pk=key_pair.pk)


def change(key_pair: KeyPair, **fields: Any) -> None:
    """Write into the row, past all rules."""
    KeyPair.objects.filter(pk=key_pair.pk).update(**fields)


def seen_by_others(site: Site) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """Return all that another machine can see: the rows, and what CloudFront has.

    A key that is made anew differs from one time to the next: only whether it is there counts,
    and whether it belongs to its row.
    """
    made = {"id", "public_key", "fingerprint", "encrypted_private_key"}
    rows = [
        {name: bool(value) if name in made else value for name, value in row.items()}
        | {"problem": KeyPair(**row).decryption_problem}
        for row in KeyPair.objects.order_by("created_at", "status").values()
    ]
    return rows, sorted(site.members), sorted(site.public_keys)


def statuses() -> dict[str, str]:
    """Return the status of each key pair, by its name."""
    return {str(each): each.status for each in KeyPair.objects.all()}


def denied(key_group: Site, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make AWS refuse one kind of call from now on."""

    def refuse(**arguments: object) -> object:
        raise refusal("AccessDenied", method)

    monkeypatch.setattr(key_group.account.api, method, refuse)


def once(moment: tuple[str, str], act: Callable[[], object]) -> Boundary:
    """Return a boundary that lets something happen at a moment: the first time that it comes."""
    left = [act]

    def boundary(method: str, side: str) -> None:
        if (method, side) == moment and left:
            left.pop()()

    return boundary


def die() -> None:
    """End the process."""
    raise Killed


def plain(text: str) -> str:
    """Return what people read without what differs between runs."""
    return re.sub(r"(ECDSA P-256|RSA 2048) [0-9a-f]{12}", r"\1 <fingerprint>", text)


# cfsigned_rotate over a whole site, as a person or a job runs it


@dataclass(slots=True)
class Shell(Site):
    """Runs the command on the site, whose settings hold a key of the group."""

    answer: ProbeResult = ProbeResult.GOOD
    settings_key: PrivateKey = field(default_factory=PrivateKey.generate)
    settings_key_id: str = ""
    #: Raised, if set, in the place of any call.
    failure: Exception | None = None
    #: How often a client was made, and with what; and what was asked of it.
    clients: list[dict[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    #: The URLs that were probed.
    probed: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Hold one key group, in an account whose ids are always the same, with the site's key."""
        self.account = Account(api=StrictCloudFront())
        self.failure, self.answer = None, ProbeResult.GOOD
        pem = self.settings_key.public_key.to_pem()
        self.settings_key_id = self.account.upload("settings", pem)
        self.key_group_id = self.account.make_group(self.settings_key_id)

    @property
    def waits(self) -> Waits:
        """Return the waits that the settings ask for."""
        return site_rotation().waits

    def imported(self, *, days: int = 0) -> KeyPair:
        """Return the ACTIVE key pair of the settings, which was imported this many days ago."""
        then = self.now - timedelta(days=days)
        return import_key(self.rotation(), self.settings_key, self.settings_key_id, now=then)

    def send_probe(self, url: str) -> ProbeResult:
        """Answer a probe of the command."""
        self.probed.append(url)
        return self.answer

    def make_client(self, name: str, **access: str) -> UnreliableCloudFront:
        """Return a client for the command."""

        def fail(method: str, side: str) -> None:
            self.calls.append(method)
            if self.failure is not None:
                raise self.failure

        self.clients.append(access)
        return UnreliableCloudFront(self.account.api, boundary=fail)

    def run(self, *arguments: str) -> Ran:
        """Run the command, a second later; return its exit code and what it printed."""
        self.wait(1)
        ran = run_as_program("cfsigned_rotate", "--skip-checks", *arguments)
        assert "PRIVATE KEY" not in ran.out + ran.err
        assert "Traceback" not in ran.out + ran.err
        encrypted = set(KeyPair.objects.values_list("encrypted_private_key", flat=True)) - {""}
        assert not [each for each in encrypted if each in ran.out + ran.err]
        line = " ".join(("$ cfsigned_rotate", *arguments))
        texts = (text.rstrip("\n") for text in (line, ran.err, ran.out) if text)
        self.printed.append("\n".join([*texts, f"[exit code {ran.code}]", ""]))
        return ran

    def run_all(self, *lines: Sequence[str]) -> list[int]:
        """Run the command with each line of arguments; return the exit codes."""
        return [self.run(*arguments).code for arguments in lines]

    @property
    def text(self) -> str:
        """Return all that was typed and printed."""
        return "\n".join(self.printed)
