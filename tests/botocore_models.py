"""Share between sessions of boto3 what they read of AWS's services, and what follows from it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore import hooks, regions, useragent
from botocore.client import ClientCreator
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader


@contextmanager
def sharing_models() -> Iterator[None]:
    """Let all sessions share what they read, until the block ends.

    Each session reads some megabytes of JSON anew, works out the names of 130 events, and makes a
    class with a method for each operation. Almost each test of an AWS call makes sessions: a
    quarter of a run went into that.
    """
    with pytest.MonkeyPatch.context() as patch:
        for cls, cache in ((Loader, "_cache"), (hooks.EventAliaser, "_alias_name_cache")):
            _share(patch, cls, cache)
        create = ClientCreator._create_client_class  # type: ignore[attr-defined]
        classes: dict[str, type] = {}

        def create_once(creator: ClientCreator, service_name: str, service_model: Any) -> type:
            if service_name not in classes:
                classes[service_name] = create(creator, service_name, service_model)
            return classes[service_name]

        patch.setattr(ClientCreator, "_create_client_class", create_once)
        providers: dict[int, EndpointProvider] = {}

        def provide_once(*, ruleset_data: Any, **given: Any) -> EndpointProvider:
            # The loader keeps the rules of a service: no others get their number.
            number = id(ruleset_data)
            if number not in providers:
                providers[number] = EndpointProvider(ruleset_data=ruleset_data, **given)
            return providers[number]

        patch.setattr(regions, "EndpointProvider", provide_once)
        # It names itself 32 times for each call.
        named = functools.lru_cache(512)(useragent.sanitize_user_agent_string_component)
        patch.setattr(useragent, "sanitize_user_agent_string_component", named)
        patch.setattr(hooks, "accepts_kwargs", functools.lru_cache(512)(hooks.accepts_kwargs))
        yield


def _share(patch: pytest.MonkeyPatch, cls: type, cache: str) -> None:
    """Give all objects of a class the same cache."""
    shared: dict[Any, Any] = {}
    init: Any = cls.__init__  # type: ignore[misc]

    def init_sharing(self: Any, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        vars(self)[cache] = shared

    patch.setattr(cls, "__init__", init_sharing)
