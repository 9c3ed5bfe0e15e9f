"""One run: set up, prove, ask, and rotate, in this order."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from acceptance import site
from acceptance.questions import FILE, NAMES, OTHER, QUESTIONS, Seen
from acceptance.site import CommandFailed, Pace
from acceptance.world import DONE, EC, LATER, RSA, World
from cfsigned_django.aws.client import Clients, call
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from cfsigned_django.tools.account.documents.behavior import list_of

_FUNCTION = b"""\
function handler(event) {
  return {statusCode: 418, statusDescription: "function"};
}
"""


def bucket_of(run: str) -> str:
    """Return the name of the bucket, from which the setup makes all other names."""
    return f"cfsigned-acceptance-{run}"


def new_run() -> str:
    """Return what identifies a run: 32 hexadecimal digits."""
    return uuid.uuid4().hex


@dataclass(slots=True, kw_only=True)
class Run:
    """A run in an account.

    ``confirm`` stops the run if the credentials have become those of another account; ``tell`` is
    called with each line for the person.
    """

    run: str
    clients: Clients
    pace: Pace
    confirm: Callable[[], object]
    tell: Callable[[str], object] = print
    seen: list[Seen] = field(default_factory=list)
    #: The settings that cfsigned_setup printed.
    settings: dict[str, str] = field(default_factory=dict)

    def set_up(self) -> None:
        """Let cfsigned_setup create everything, and the key sign."""
        options = [f"--cors-origin={site.ORIGIN}", "--apply", "--yes"]
        code, report = self._command("cfsigned_setup", "--create", *options)
        site.deploy(report["settings"])
        end = time.monotonic() + self.pace.deployment
        while code == LATER and time.monotonic() < end:
            self.tell(f"The key signs after {self.pace.propagation} s.")
            time.sleep(self.pace.propagation + self.pace.glance)
            code, report = self._command("cfsigned_setup", *options)
        if code != DONE:
            raise CommandFailed(f"cfsigned_setup: {_errors([*report['facts'], *report['proof']])}")
        self.settings = report["settings"]
        site.deploy(self.settings)

    def prepare(self, *, is_emulator: bool) -> World:
        """Make what the questions need besides: two keys, files, a function; return all of it."""
        world = World(
            run=self.run,
            domain=self.settings["AWS_S3_CUSTOM_DOMAIN"],
            bucket=bucket_of(self.run),
            distribution_id=self.settings["AWS_CLOUDFRONT_DISTRIBUTION_ID"],
            key_group_id=self.settings["AWS_CLOUDFRONT_KEY_GROUP_ID"],
            keys={EC: self._make_key(EC), RSA: self._make_key(RSA)},
            clients=self.clients,
            pace=self.pace,
            is_emulator=is_emulator,
            command=self._command,
        )
        files = (FILE.strip("/"), OTHER.strip("/"), "double.txt", "tagged.txt", "function/a.txt")
        for name in (*NAMES, *files):
            world.write(name, b"acceptance")
        self._extend(world)
        return world

    def _make_key(self, name: str) -> tuple[str, Any]:
        """Create a public key; return its ID, and the private key, which stays here."""
        algorithm = KeyAlgorithm.RSA_2048 if name == RSA else KeyAlgorithm.ECDSA_P256
        key = PrivateKey.generate(algorithm)
        key_pair_id = KeyGroups(self.clients.cloudfront).ensure_public_key(
            caller_reference=str(uuid.uuid4()),
            name=f"acceptance-{self.run}-{name.lower()}",
            public_key_pem=key.public_key.to_pem(),
        )
        return key_pair_id, load_pem_private_key(key.to_pem(), password=None)

    def _extend(self, world: World) -> None:
        """Add a behavior with a function, and the header of the cache tags; wait for the edges."""
        cloudfront = self.clients.cloudfront
        name = f"acceptance-{self.run}"
        made = call(
            cloudfront.create_function,
            "create a function",
            "",
            Name=name,
            FunctionConfig={"Comment": self.run, "Runtime": "cloudfront-js-2.0"},
            FunctionCode=_FUNCTION,
        )
        call(
            cloudfront.publish_function,
            "publish the function",
            "",
            Name=name,
            IfMatch=made["ETag"],
        )
        arn = made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
        found = call(cloudfront.get_distribution_config, "read it", "", Id=world.distribution_id)
        config = found["DistributionConfig"]
        association = {"FunctionARN": arn, "EventType": "viewer-request"}
        config["CacheBehaviors"] = list_of(
            [
                {
                    **config["DefaultCacheBehavior"],
                    "PathPattern": "function/*",
                    "FunctionAssociations": list_of([association]),
                }
            ]
        )
        config["CacheTagConfig"] = {"HeaderName": "x-amz-meta-cache-tag"}
        call(
            cloudfront.update_distribution,
            "add a behavior",
            "",
            Id=world.distribution_id,
            IfMatch=found["ETag"],
            DistributionConfig=config,
        )
        self.tell("CloudFront deploys the function; this takes some minutes.")
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

    def _command(self, name: str, *arguments: str) -> tuple[int, Any]:
        self.confirm()  # the command makes other clients
        self.tell(f"$ {' '.join((name, *arguments))}")
        return site.command(name, *arguments)


def _errors(findings: list[dict[str, str]]) -> str:
    found = [f"{each['id']}: {each['what']}" for each in findings if each["level"] == "error"]
    return "; ".join(found) or "it has not ended well, and reports no error"
