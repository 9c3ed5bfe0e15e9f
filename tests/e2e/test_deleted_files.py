"""A picture that was deleted, and one that was overwritten, as a viewer sees them after that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo extra")

from cfsigned_django.tools.edge import EdgeServer
from demo_project.servers import manage_command, run
from demo_project.state import DemoState
from tests.e2e.caching_front import caching_front
from tests.invalidations import FakeCloudFront

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: Deletes one picture and overwrites another one, as a site does, in one batch.
CHANGE = """
from django.core.files.base import ContentFile
from cfsigned_django.invalidation import invalidation_batch
from demo_project.gallery.models import Picture
from tests.demo_project import jpeg
with invalidation_batch():
    deleted, overwritten = (Picture.objects.get(pk=pk) for pk in {pks})
    deleted.image.storage.delete(deleted.image.name)
    overwritten.image.storage.save(overwritten.image.name, ContentFile(jpeg(size=(77, 33))))
"""
WIDTH = """async (selector) => {
  const picture = document.querySelector(selector);
  try { await picture.decode(); } catch (error) { return 0; }
  return picture.naturalWidth;
}"""


def test_stale_then_gone(state: DemoState, browser: Browser) -> None:
    """Without invalidation, the edge shows the old pictures; with it, the file is gone, or new."""
    cloudfront = FakeCloudFront(distributions={state.distribution_id})
    edge = state.address("edge").removeprefix("http://")
    with (
        EdgeServer(cloudfront).running() as api,
        caching_front(edge, cloudfront) as front,
        browser.new_context(proxy={"server": front.url}) as context,
    ):
        page = context.new_page()
        variables = {"AWS_ENDPOINT_URL_CLOUDFRONT": f"http://127.0.0.1:{api.port}"}

        def change(pks: tuple[int, int], events: str) -> list[int | str]:
            before = [width(page, state, pk) for pk in pks]
            assert 77 not in before
            assert 0 not in before
            shell = ("shell", "--settings", "tests.e2e.invalidating", "-c", CHANGE.format(pks=pks))
            given = {**variables, "INVALIDATE_ON": events}
            run(manage_command(state, "change", *shell, variables=given))
            after = [width(page, state, pk) for pk in pks]
            return ["old" if new == old else new for new, old in zip(after, before, strict=True)]

        # Pictures whose pages no other test opens.
        assert change((9, 10), "") == ["old", "old"]
        assert cloudfront.answers == []
        assert change((11, 12), "overwrite delete") == [0, 77]
        assert cloudfront.answers == [""]


def width(page: Page, state: DemoState, pk: int) -> int:
    """Return how wide the picture on its page is; 0 if the browser got none."""
    page.goto(f"{state.address('site')}/pictures/{pk}/")
    found: int = page.evaluate(WIDTH, "main img")
    return found
