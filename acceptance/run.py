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
from acceptance.world import EC, RSA, World
from cfsigned_django.aws.client import Clients, call
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.signing import KeyAlgorithm, PrivateKey

DONE, LATER = 0, 75


#: The default of AWS_CLOUDFRONT_PROPAGATION_SECONDS: what a site waits before a new key signs.
_PROPAGATION = 300
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
    """A run in an account. ``tell`` is called with each line for the person."""

    run: str
    clients: Clients
    pace: Pace
    tell: Callable[[str], object] = print
    sleep: Callable[[float], object] = time.sleep
    #: What the commands of the package reported, for the report of the run.
    commands: list[tuple[str, str]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    #: The settings that cfsigned_setup printed.
    settings: dict[str, str] = field(default_factory=dict)

    def set_up(self) -> None:
        """Let cfsigned_setup create everything, and the key sign."""
        options = [f"--cors-origin={site.ORIGIN}", "--apply", "--yes"]
        code, report = self._command("cfsigned_setup", "--create", *options)
        site.deploy(report["settings"])
        while code == LATER:
            self.tell(f"The key signs after {self.pace.propagation} s.")
            self.sleep(self.pace.propagation + self.pace.glance)
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
            sleep=self.sleep,
        )
        files = (FILE.strip("/"), OTHER.strip("/"), "double.txt", "tagged.txt", "function/a.txt")
        for name in (*NAMES, *files):
            # Not by the storage: it may upload by another client than boto3's, past the guard.
            call(
                self.clients.s3.put_object,
                f"write {name}",
                "",
                Bucket=world.bucket,
                Key=name,
                Body=b"acceptance",
                Metadata={"cache-tag": "album:42"} if name == "tagged.txt" else {},
            )
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
        while not self._is_deployed(world):
            self.sleep(self.pace.look)

    def _is_deployed(self, world: World) -> bool:
        answer = call(
            self.clients.cloudfront.get_distribution, "read it", "", Id=world.distribution_id
        )
        return bool(answer["Distribution"]["Status"] == "Deployed")

    def join(self, world: World) -> None:
        """Add both keys to the key group, and measure how long CloudFront does not know them."""
        for name in (EC, RSA):
            KeyGroups(self.clients.cloudfront).add(world.key_group_id, world.keys[name][0])
        took = world.seconds_until(lambda: _is_known(world, EC) and _is_known(world, RSA))
        refused = sum(not _is_known(world, each) for each in 10 * (EC, RSA))
        self._measured(
            "How long is InvalidKey the answer after a key has joined the key group?",
            took,
            f", then {refused} of 20 requests refused",
            is_expected=refused == 0,
        )

    def leave(self, world: World) -> None:
        """Remove a key from the key group, and measure for how long it still opens files."""
        KeyGroups(self.clients.cloudfront).remove(world.key_group_id, world.keys[RSA][0])
        took = world.seconds_until(lambda: not _is_known(world, RSA))
        served = sum(_is_known(world, RSA) for _ in range(20))
        self._measured(
            "How long does a key open files after it has left the key group?",
            took,
            f", then {served} of 20 requests served",
            is_expected=served == 0,
        )

    def _measured(self, asks: str, took: float | None, more: str, *, is_expected: bool) -> None:
        seen = Seen(
            fact="8.4",
            asks=asks,
            expected=f"at most {_PROPAGATION} s, and then never again",
            depends="conf.py: AWS_CLOUDFRONT_PROPAGATION_SECONDS",
            answer=f"longer than {self.pace.patience:.0f} s" if took is None else f"{took} s{more}",
            is_expected=is_expected and took is not None and took <= _PROPAGATION,
        )
        self._note(seen)

    def ask(self, world: World) -> None:
        """Ask every question."""
        for each in QUESTIONS:
            self._note(each.seen(world))

    def _note(self, seen: Seen) -> None:
        self.seen.append(seen)
        mark = "   " if seen.is_expected else "!! "
        self.tell(f"{mark}{seen.fact} {seen.asks} {seen.answer}")

    def prove(self) -> None:
        """Let cfsigned_doctor look for faults."""
        _code, findings = self._command("cfsigned_doctor")
        errors = [each["id"] for each in findings if each["level"] == "error"]
        self._note(
            Seen(
                fact="all",
                asks="Does cfsigned_doctor find a fault in what cfsigned_setup made?",
                expected="none",
                depends="doctor/examination.py",
                answer=", ".join(errors) or "none",
                is_expected=not errors,
            )
        )

    def rotate(self) -> None:
        """Replace the key by one of the other algorithm, until the old one is out of its group."""
        self.tell("cfsigned_rotate waits until the last URL of the old key has expired.")
        code, report = self._command("cfsigned_rotate", "--start", "--algorithm=RSA_2048", "--wait")
        if code != DONE:
            raise CommandFailed(f"cfsigned_rotate: {report['blockers']}")

    def _command(self, name: str, *arguments: str) -> tuple[int, Any]:
        self.tell(f"$ {' '.join((name, *arguments))}")
        code, report = site.command(name, *arguments)
        self.commands.append((name, f"exit code {code}"))
        return code, report


def _errors(findings: list[dict[str, str]]) -> str:
    found = [f"{each['id']}: {each['what']}" for each in findings if each["level"] == "error"]
    return "; ".join(found) or "it failed, and reported no error"


def _is_known(world: World, key: str) -> bool:
    return world.said(world.link(FILE, key=key)) == "served"
