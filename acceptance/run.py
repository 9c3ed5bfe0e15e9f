"""One run: set up, prove, ask, and rotate, in this order."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from acceptance import site
from acceptance.clients import Clients
from acceptance.permissions import denied_in, limited_to, policy_of
from acceptance.questions import CACHE_TAGS, FILE, NAMES, OPEN, OPEN_PATTERN, OTHER, QUESTIONS, Seen
from acceptance.record import Record
from acceptance.site import CommandFailed, Pace
from acceptance.world import DONE, EC, LATER, RSA, World
from cfsigned_django.core.aws.client import call
from cfsigned_django.core.aws.key_groups import KeyGroups
from cfsigned_django.signing import KeyAlgorithm, PrivateKey


@dataclass(slots=True, kw_only=True)
class Run:
    """A run in an account.

    ``confirm`` stops the run if the credentials have become those of another account; ``tell`` is
    called with each line for the person. ``role`` and ``kms_key`` are ARNs, or empty.
    """

    record: Record
    clients: Clients
    pace: Pace
    confirm: Callable[[], object]
    role: str = ""
    kms_key: str = ""
    tell: Callable[[str], object] = print
    seen: list[Seen] = field(default_factory=list)
    #: The ID of each row of tests/vectors that was asked, and the answer.
    rows: dict[str, str] = field(default_factory=dict)
    #: The settings that cfsigned_setup printed.
    settings: dict[str, str] = field(default_factory=dict)
    #: The actions that AWS refused to the policies of the setup.
    denied: list[str] = field(default_factory=list)

    def set_up(self) -> None:
        """Let cfsigned_setup create everything, and the key sign."""
        options = (
            f"--bucket={self.record.bucket}",
            f"--cors-origin={site.ORIGIN}",
            f"--public-path={OPEN_PATTERN}",
        )
        code, report = self._command("cfsigned_setup", *options, *site.APPLY, job="setup")
        site.deploy(report["settings"])
        end = time.monotonic() + self.pace.deployment
        while code == LATER and time.monotonic() < end:
            self.tell(f"The key signs after {self.pace.propagation} s.")
            time.sleep(self.pace.propagation + self.pace.glance)
            code, report = self._command("cfsigned_setup", *options, *site.APPLY)
        if code != DONE:
            raise CommandFailed(f"cfsigned_setup: {_errors(report['proof'])}")
        self.settings = report["settings"]
        site.deploy(self.settings)

    def prepare(self, *, is_emulator: bool) -> World:
        """Make what the questions need besides: two keys, files, a change by hand."""
        world = World(
            run=self.record.run,
            stack=self.record.stack,
            domain=self.settings["AWS_S3_CUSTOM_DOMAIN"],
            bucket=self.record.bucket,
            distribution_id=self.settings["AWS_CLOUDFRONT_DISTRIBUTION_ID"],
            key_group_id=self.settings["AWS_CLOUDFRONT_KEY_GROUP_ID"],
            keys={EC: self._make_key(EC), RSA: self._make_key(RSA)},
            clients=self.clients,
            pace=self.pace,
            is_emulator=is_emulator,
            command=self._command,
            kms_key=self.kms_key,
            denied=self.denied,
            rows=self.rows,
            limited=self._limited if self.role else None,
        )
        more = (each.strip("/") for each in (FILE, OTHER, OPEN))
        for name in (*NAMES, *more, "double.txt", "tagged.txt"):
            world.write(name, b"acceptance")
        self._change_by_hand(world)
        return world

    def _make_key(self, name: str) -> tuple[str, Any]:
        """Create a public key; return its ID, and the private key, which stays here."""
        algorithm = KeyAlgorithm.RSA_2048 if name == RSA else KeyAlgorithm.ECDSA_P256
        key = PrivateKey.generate(algorithm)
        key_pair_id = KeyGroups(self.clients.cloudfront).ensure_public_key(
            caller_reference=str(uuid.uuid4()),
            name=f"{self.record.mark}-{name.lower()}",
            public_key_pem=key.public_key.to_pem(),
        )
        return key_pair_id, load_pem_private_key(key.to_pem(), password=None)

    def _change_by_hand(self, world: World) -> None:
        """Add the header of the cache tags, which the template does not have; wait for the edges.

        Questions use it, and one lets CloudFormation undo it.
        """
        cloudfront = self.clients.cloudfront
        found = call(cloudfront.get_distribution_config, "read it", "", Id=world.distribution_id)
        call(
            cloudfront.update_distribution,
            "add the header of the cache tags",
            "",
            Id=world.distribution_id,
            IfMatch=found["ETag"],
            DistributionConfig={**found["DistributionConfig"], "CacheTagConfig": CACHE_TAGS},
        )
        self.tell("CloudFront deploys a change; this takes some minutes.")
        wait = {"every": self.pace.look, "at_most": self.pace.deployment}
        if world.seconds_until(lambda: self._is_deployed(world), **wait) is None:
            raise CommandFailed(f"CloudFront has not deployed within {self.pace.deployment} s.")

    def _is_deployed(self, world: World) -> bool:
        answer = call(
            self.clients.cloudfront.get_distribution, "read it", "", Id=world.distribution_id
        )
        return bool(answer["Distribution"]["Status"] == "Deployed")

    def ask(self, world: World) -> None:
        """Ask all questions, in their order; the last one rotates the key."""
        for each in QUESTIONS:
            seen = each.seen(world)
            self.seen.append(seen)
            self.tell(
                f"{'   ' if seen.is_expected else '!! '}{each.fact} {each.asks} {seen.answer}"
            )

    def _command(self, name: str, *arguments: str, job: str = "") -> tuple[int, Any]:
        """Run a command; as a person who has only the policies of a job, if there is a role.

        A setup that they do not suffice for is run again with all permissions.
        """
        self.confirm()  # the command makes other clients
        if name == "cfsigned_setup":
            arguments = (
                f"--stack={self.record.stack}",
                f"--region={self.record.region}",
                *arguments,
            )
        self.tell(f"$ {' '.join((name, *arguments))}")
        if not job or not self.role:
            return site.command(name, *arguments)
        try:
            with self._limited(job):
                return site.command(name, *arguments)
        except CommandFailed as error:
            action = denied_in(str(error)) if job == "setup" else ""
            if not action:
                raise
        self.denied.append(action)
        self.tell(f"The policies of the setup lack {action}. Again, with all permissions.")
        return site.command(name, *arguments)

    def _limited(self, job: str) -> AbstractContextManager[None]:
        """Let boto3 act in a block as a person who has only the policies of a job."""
        policy = policy_of(job, stack=self.record.stack, bucket=self.record.bucket)
        return limited_to(policy, role=self.role, sts=self.clients.sts)


def _errors(findings: list[dict[str, str]]) -> str:
    found = [f"{each['id']}: {each['what']}" for each in findings if each["level"] == "error"]
    return "; ".join(found) or "it has not ended well, and reports no error"
