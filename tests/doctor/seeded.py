"""List more than 40 ways to break one thing of a healthy site, and what the doctor must say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.doctor import seeded_answers as answers, seeded_bucket as bucket, seeded_keys as keys
from tests.doctor.world import World

Break = Callable[[World, Any], None]

# What is broken -> its own finding, then what its consequences are called.
FAULTS: list[tuple[Break, list[str]]] = [
    (keys.wrong_key_id, ["key-unknown", "signed-unknown-key"]),
    (keys.id_of_another_key, ["key-mismatch", "signed-denied"]),
    (keys.key_not_in_group, ["key-not-in-group", "signed-unknown-key"]),
    (keys.no_such_group, ["no-key-group", "signed-unknown-key"]),
    (keys.group_not_on_behavior, ["group-not-on-behavior", "signed-unknown-key"]),
    (keys.open_behavior, ["behavior-open", "unsigned-served"]),
    (keys.earlier_open_behavior, ["earlier-behavior-open", "unsigned-served"]),
    (keys.earlier_open_behavior_for_other_files, ["earlier-behavior-open"]),
    (keys.earlier_open_behavior_by_another_origin, ["earlier-behavior-open"]),
    (keys.earlier_open_behavior_by_website, ["earlier-behavior-open"]),
    (keys.later_open_behavior, ["later-behavior-open"]),
    (keys.open_behavior_with_origin_path, ["origin-path-open"]),
    (bucket.public_bucket, ["bucket-public", "s3-open"]),
    (bucket.no_public_access_block, ["bucket-not-blocked"]),
    (bucket.missing_cors, ["cors-rule-missing", "cors-headers-missing"]),
    (bucket.origin_not_forwarded, ["origin-not-forwarded"]),
    (bucket.origin_not_in_cache_key, ["origin-not-in-cache-key"]),
    (keys.old_signers_beside, ["trusted-signers"]),
    (keys.old_signers_only, ["only-trusted-signers", "unsigned-served"]),
    (bucket.both_accesses, ["two-origin-accesses"]),
    (bucket.no_access, ["no-origin-access"]),
    (bucket.control_that_does_not_sign, ["origin-access-unsigned"]),
    (bucket.other_origin, ["origin-not-bucket"]),
    (bucket.website_origin, ["origin-website"]),
    (bucket.origin_path, ["origin-path"]),
    (answers.disabled, ["distribution-disabled"]),
    (answers.deploying, ["distribution-deploying"]),
    (answers.not_an_alias, ["domain-not-alias"]),
    (answers.clock_ten_minutes_ahead, ["clock-wrong"]),
    (answers.clock_ten_minutes_behind, ["clock-wrong"]),
    (answers.clock_a_minute_off, ["clock-off"]),
    (bucket.no_policy_statement, ["bucket-policy", "bucket-readers-wide"]),
    (bucket.one_switch_off, ["bucket-not-blocked"]),
    (bucket.policy_for_every_distribution, ["bucket-policy-wide"]),
    (answers.ipv6_with_addresses, ["ipv6-on"]),
    (bucket.downloads_not_forwarded, ["downloads-lost"]),
    (bucket.downloads_not_in_cache_key, ["downloads-lost"]),
    (answers.plain_http, ["plain-http"]),
    (keys.old_key, ["key-old"]),
    (keys.edges_behind, ["key-not-at-edges"]),
    (bucket.wrong_region, ["bucket-region"]),
    (bucket.no_bucket, ["origin-not-bucket", "bucket-missing"]),
    (answers.missing_object, ["signed-s3-denied"]),
    (answers.firewall, ["html-answer"]),
    (answers.proxy_in_place_of_cloudfront, ["not-cloudfront"]),
    (answers.lost_query, ["signed-missing-key"]),
    (keys.half_a_configuration, ["cfsigned.E011"]),
]
