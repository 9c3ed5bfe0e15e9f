"""Plan the key pair, its public key in CloudFront, and the key group that trusts it."""

from __future__ import annotations

from collections.abc import Iterator

from cfsigned_django.aws.documents.distribution import key_group_config, public_key_config
from cfsigned_django.aws.state.site import SiteInAws
from cfsigned_django.aws.state.steps import Call, Step, conflict, done, todo

#: The only step without an AWS call: the site creates its key pair itself.
KEY_PAIR = "key-pair"


def key_steps(site: SiteInAws) -> Iterator[Step]:
    """Return the steps in their order."""
    yield _key_pair(site)
    yield _public_key(site)
    yield _key_group(site)


def _key_pair(site: SiteInAws) -> Step:
    if site.wanted.key is None:
        return todo(KEY_PAIR, "the site has no key pair for signing yet")
    return done(KEY_PAIR, "the site has a key pair for signing")


def _public_key(site: SiteInAws) -> Step:
    if site.public_key is not None:
        return done("public-key", f"the public key in CloudFront is {site.key_pair_id}")
    why = "CloudFront verifies signatures with the public half of the key pair"
    key = site.wanted.key
    if key is None:
        return todo("public-key", why)
    config = public_key_config(key.name, key.caller_reference, key.public_key_pem)
    return todo(
        "public-key",
        why,
        call=Call(
            service="cloudfront",
            operation="CreatePublicKey",
            arguments={"PublicKeyConfig": config},
        ),
        after=config,
    )


def _key_group(site: SiteInAws) -> Step:
    group = site.key_group
    if group is None and site.wanted.key_group_id:
        return conflict(
            "key-group",
            f"account {site.account.account_id} has no key group {site.wanted.key_group_id}: "
            "correct AWS_CLOUDFRONT_KEY_GROUP_ID, or unset it to create a key group",
            blocks=True,
        )
    if group is None:
        config = key_group_config(site.name, [site.key_pair_id])
        return todo(
            "key-group",
            "a behavior trusts a key group, which contains the public keys",
            call=Call(
                service="cloudfront",
                operation="CreateKeyGroup",
                arguments={"KeyGroupConfig": config},
            ),
            after=config,
        )
    if site.key_pair_id in group.key_pair_ids:
        return done("key-group", f"{group.name} ({group.id}) contains {site.key_pair_id}")
    config = {**group.config, "Items": [*group.key_pair_ids, site.key_pair_id]}
    return todo(
        "key-group",
        f"{group.name} ({group.id}) does not contain the public key yet; its other keys stay",
        call=Call(
            service="cloudfront",
            operation="UpdateKeyGroup",
            arguments={"Id": group.id, "KeyGroupConfig": config},
        ),
        before=group.config,
        after=config,
    )
