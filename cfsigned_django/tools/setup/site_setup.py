"""Set this site up in AWS, from its settings and its database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import router

from cfsigned_django import conf
from cfsigned_django.aws.client import Clients, call
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.conf import whole_seconds
from cfsigned_django.rotation.models import KeyPair, has_table
from cfsigned_django.rotation.probe import ProbeResult, send_probe
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.site import site_waits
from cfsigned_django.rotation.store import KeyPairStore
from cfsigned_django.signing import KeyAlgorithm, Signer
from cfsigned_django.storage.registry import signing_storages
from cfsigned_django.tools.account.account import Account
from cfsigned_django.tools.account.documents.behavior import matches
from cfsigned_django.tools.account.documents.distribution_config import name_for
from cfsigned_django.tools.account.reader import list_key_groups, read_account
from cfsigned_django.tools.account.state.apply import Provisioner
from cfsigned_django.tools.account.state.facts import Fact
from cfsigned_django.tools.account.state.judge import judge
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.account.state.steps import SetupStep
from cfsigned_django.tools.account.state.wanted import OriginAccess, Wanted
from cfsigned_django.tools.doctor.answers import Clock, direct_url
from cfsigned_django.tools.doctor.findings import Finding
from cfsigned_django.tools.doctor.live import RequestedObject, examine_live
from cfsigned_django.tools.setup.keys import DatabaseKey, KeyFile, KeyProvider, SettingsKey
from cfsigned_django.validation import PROBE_NAME, sign_probe
from cfsigned_django.viewer import Fetch, fetch

_NO_FILE = "The bucket has no file yet (upload one and run this again)"
_NOT_LISTED = "The files of the bucket cannot be listed (run this again, with s3:ListBucket)"
#: How long the signed URL of the proof lives, in seconds.
_PROOF_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSetup:
    """The setup of this site; ``fetch`` makes the requests of the proof."""

    desired: Wanted
    clients: Clients
    provider: KeyProvider
    algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256
    fetch: Fetch = field(default=fetch)
    scheme: str = "https:"
    #: The host that viewers request, if it is not a domain of the distribution but a local edge.
    local_host: str = ""

    def desired_now(self) -> Wanted:
        """Return the desired state with the current key pair."""
        return replace(self.desired, key=self.provider.find())

    def read(self) -> Account:
        """Return what exists in AWS."""
        return read_account(
            self.clients,
            bucket=self.desired.bucket,
            distribution_id=self.desired.distribution_id,
            access_identities=self.desired.origin_access is OriginAccess.OAI,
            kms_key=self.desired.kms_key,
            uploads=self.desired.uploads,
        )

    def resolve(self) -> SiteInAws:
        """Return the site in its account. Raise :exc:`AwsError` if that cannot be read."""
        account = self.read()
        if account.problems:
            raise account.problems[0]
        return SiteInAws(account=account, wanted=self.desired_now())

    def apply(
        self, *, on_step: Callable[[SetupStep], object], on_wait: Callable[[int], object]
    ) -> list[SetupStep]:
        """Do the steps of the plan; see :class:`Provisioner`."""
        return Provisioner(
            clients=self.clients,
            read=self.read,
            desired=self.desired_now,
            make_key=self._make_key,
            on_step=on_step,
            on_wait=on_wait,
        ).apply()

    def _make_key(self) -> None:
        if not isinstance(self.provider, SettingsKey):  # that key exists: no plan makes it
            self.provider.make(self.algorithm)

    def settings(self, state: SiteInAws) -> dict[str, str | Path]:
        """Return the settings to paste, except those that are not known yet."""
        found = state.account.distribution
        known: dict[str, str | Path] = {
            "AWS_STORAGE_BUCKET_NAME": self.desired.bucket,
            "AWS_S3_REGION_NAME": state.region,
        }
        if location := location_to_paste(
            self.desired.path_pattern, conf.aws_setting("AWS_LOCATION")
        ):
            known["AWS_LOCATION"] = location
        if found is not None:
            known["AWS_S3_CUSTOM_DOMAIN"] = self._host(state)
            known["AWS_CLOUDFRONT_DISTRIBUTION_ID"] = found.id
        if state.key_group is not None:
            known["AWS_CLOUDFRONT_KEY_GROUP_ID"] = state.key_group.id
        # The site finds a key in the database by the ID of its key group.
        if state.public_key is not None and not isinstance(self.provider, DatabaseKey):
            known["AWS_CLOUDFRONT_KEY_ID"] = state.key_pair_id
            if isinstance(self.provider, KeyFile):
                known["AWS_CLOUDFRONT_KEY"] = self.provider.path
        return known

    def facts(self, state: SiteInAws, clock: Clock) -> list[Fact]:
        """Return all facts about the site, as the doctor reports them."""
        now = datetime.fromtimestamp(clock(), UTC)
        return list(judge(state.account, state.wanted, now=now))

    def finish(self, state: SiteInAws, *, now: int) -> tuple[str, bool]:
        """Finish the key pair; return what a person must do next, and whether the key must wait."""
        match self.provider:
            case SettingsKey():
                return "", False
            case KeyFile(path=path):
                note = f"Keep {path} out of version control, and let only the site's user read it."
                return note, False

        def probe(signer: Signer) -> ProbeResult:
            return send_probe(self._signed_url(signer, url, now), fetch=self.fetch)

        url = self._url(state, self._probe_key(state))
        return self.provider.finish(state.key_group_id, state.key_pair_id, probe)

    def prove(self, state: SiteInAws, clock: Clock) -> list[Finding]:
        """Request a file as viewers do, with the live checks of the doctor; return their findings.

        ``clock`` returns Unix seconds.
        """
        key, why_no_object = self._find_file(state)
        url = self._url(state, key)
        signer = self.provider.signer(state.key_pair_id)
        self._signed_url(signer, url, int(clock()))  # names the setting if OpenSSL refuses the hash
        wanted = RequestedObject(
            url=url,
            signer=signer.with_hash(conf.default_of("hash_algorithm")),
            direct_url=direct_url(self.clients.s3, self.desired.bucket, key),
            why_no_object=why_no_object,
            region=state.region,
            expire=whole_seconds(conf.default_of("querystring_expire")) or 0,
        )
        return list(examine_live(wanted, self.fetch, clock))

    def _url(self, state: SiteInAws, key: str) -> str:
        """Return the URL of an object."""
        path = f"/{key}".removeprefix(_origin_path(state.origin))
        return f"{self.scheme}//{self._host(state)}{quote(path)}"

    def _host(self, state: SiteInAws) -> str:
        found = state.account.distribution
        # CloudFront answers a name that the distribution does not have yet with an error.
        domain = self.desired.domain if state.has_domain else ""
        return self.local_host or domain or (found.domain_name if found else "")

    def _signed_url(self, signer: Signer, url: str, now: int) -> str:
        hash_algorithm = conf.default_of("hash_algorithm")  # as the storages will
        return sign_probe(signer, url, hash_algorithm, date_less_than=now + _PROOF_SECONDS)

    def _probe_key(self, state: SiteInAws) -> str:
        """Return the key of an object that the behavior serves; the object need not exist."""
        return _prefix(self.desired.path_pattern, _origin_path(state.origin)) + PROBE_NAME

    def _find_file(self, state: SiteInAws) -> tuple[str, str]:
        """Return the key of an object that the behavior serves, and why none is known to exist."""
        pattern = self.desired.path_pattern or "*"
        origin_path = _origin_path(state.origin)
        try:
            listed = call(
                self.clients.s3.list_objects_v2,
                f"list the files of {self.desired.bucket}",
                "s3:ListBucket",
                Bucket=self.desired.bucket,
                Prefix=_prefix(pattern, origin_path),
            )
        except AwsError:
            return self._probe_key(state), _NOT_LISTED
        for item in listed.get("Contents", ()):
            key: str = item["Key"]
            if not key.endswith("/") and matches(pattern, f"/{key}".removeprefix(origin_path)):
                return key, ""
        return self._probe_key(state), _NO_FILE


def choose_provider(
    desired: Wanted, key_file: Path | None, clients: Clients | None = None
) -> KeyProvider:
    """Return the provider of the key pair, which may not exist yet.

    It is the first of: the named file; the key of the settings while it signs,
    or if it has no ID yet and the database has no key pair for the key group;
    the database, if its table exists; a file in the current folder. ``clients``
    find the key group that an earlier run created; without them, AWS is not asked.
    """
    if key_file is not None:
        return KeyFile(path=key_file.absolute())
    database = _database_key(desired, clients) if has_table(router.db_for_write(KeyPair)) else None
    source = conf.default_of("cloudfront_key")
    settings_key_id = str(conf.default_of("cloudfront_key_id") or "")
    if source is not None and (database is None or database.yields_to(settings_key_id)):
        return SettingsKey(private_key=source.load())
    return database or KeyFile(path=Path(f"cloudfront-{desired.bucket}.pem").absolute())


def _database_key(desired: Wanted, clients: Clients | None) -> DatabaseKey:
    """Return the key pair of the key group, or of the name that the group will have."""
    name = name_for(desired.bucket)
    groups = list_key_groups(clients.cloudfront) if clients and not desired.key_group_id else ()
    named = [each.id for each in groups if each.name == name]
    return DatabaseKey(
        rotation=Rotation(
            store=KeyPairStore(
                key_group_id=desired.key_group_id or next(iter(named), name),
                changed_by="cfsigned_setup",
            ),
            waits=site_waits(),
            key_groups=None,  # the setup changes CloudFront itself
            probe=lambda signer: ProbeResult.NO_ANSWER,
        ),
        name=name,
    )


def location_of_files(path_pattern: str | None) -> str:
    """Return the folder of the site's files as a path; empty if only a pattern is known.

    A site that signs already has one; before that, it is the location that is to be pasted.
    """
    present = conf.aws_setting("AWS_LOCATION")
    location = present if any(signing_storages()) else location_to_paste(path_pattern, present)
    if not location.strip("/"):
        return "/" if any(signing_storages()) else ""
    return quote(f"/{location.strip('/')}/")


def location_to_paste(path_pattern: str | None, present: str) -> str:
    """Return the location of the storage: the present one if the pattern matches what is there.

    Else the folder of a pattern such as media/*; empty for a pattern that names no folder.
    """
    pattern = (path_pattern or "").strip("/")
    folder = pattern.removesuffix("/*")
    if folder == pattern or set(folder) & set("*?"):
        return ""
    return present if f"{present.strip('/')}/".startswith(f"{folder}/") else folder


def _prefix(path_pattern: str | None, origin_path: str) -> str:
    """Return what the keys of all objects under a pattern begin with."""
    folder = (path_pattern or "").lstrip("/").partition("*")[0].partition("?")[0]
    return f"{origin_path}/{folder}".lstrip("/")


def _origin_path(origin: Mapping[str, Any] | None) -> str:
    return str((origin or {}).get("OriginPath") or "")
