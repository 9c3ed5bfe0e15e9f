"""Change the key group as somebody else does, while a site rotates its keys there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from cfsigned_django.aws.client import make_client
from tests.ministack_server import REGION
from tests.processes.api import Api


class Colleague:
    """Puts a key of their own into the group and takes it out, again and again."""

    def __init__(self, api: Api, key_pair_id: str) -> None:
        # Through the same door as the site: the edges learn of these changes too.
        self._client = make_client(
            "cloudfront",
            endpoint_url=api.url,
            region_name=REGION,
            access_key=api.account,
            secret_key="not checked",
        )
        self._key_group_id = api.key_group_id
        self._key_pair_id = key_pair_id
        self._over = threading.Event()
        #: How many changes were made.
        self.changes = 0

    @contextmanager
    def at_work(self) -> Iterator[Colleague]:
        """Change the group for the duration of the block; leave it without the key."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.3):
            self._change(is_in=self.changes % 2 == 0)
        while self.changes % 2:
            self._change(is_in=False)

    def _change(self, *, is_in: bool) -> None:
        """Put the key in or take it out, unless somebody else was quicker."""
        answer = self._client.get_key_group(Id=self._key_group_id)
        config = answer["KeyGroup"]["KeyGroupConfig"]
        others = [each for each in config["Items"] if each != self._key_pair_id]
        config["Items"] = [*others, self._key_pair_id] if is_in else others
        try:
            self._client.update_key_group(
                Id=self._key_group_id,
                IfMatch=answer["ETag"],
                KeyGroupConfig=config,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
        else:
            self.changes += 1
