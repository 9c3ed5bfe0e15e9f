"""Change the key group as somebody else does, while a site rotates its keys there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from tests.background import repeating
from tests.ministack_server import Ministack
from tests.processes.api import Api


class Colleague:
    """Puts a key of their own into the group and takes it out, again and again."""

    def __init__(self, api: Api, key_pair_id: str) -> None:
        # Through the same door as the site: the edges learn of these changes too.
        self._client = Ministack(endpoint_url=api.url).client("cloudfront", account=api.account)
        self._key_group_id = api.key_group_id
        self._key_pair_id = key_pair_id
        #: How many changes were made.
        self.changes = 0

    @contextmanager
    def at_work(self) -> Iterator[Colleague]:
        """Change the group for the duration of the block; leave it without the key."""
        with repeating(self._change, every=0.3):
            yield self
        while self.changes % 2:
            self._change()

    def _change(self) -> None:
        """Put the key in or take it out, unless somebody else was quicker."""
        answer = self._client.get_key_group(Id=self._key_group_id)
        config = answer["KeyGroup"]["KeyGroupConfig"]
        others = [each for each in config["Items"] if each != self._key_pair_id]
        config["Items"] = others if self.changes % 2 else [*others, self._key_pair_id]
        try:
            self._client.update_key_group(
                Id=self._key_group_id, IfMatch=answer["ETag"], KeyGroupConfig=config
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
        else:
            self.changes += 1
