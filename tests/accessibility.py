"""Look for barriers on pages in a browser with axe-core: what a person could not read or use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pages import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = ROOT / "tests" / "js" / "node_modules" / "axe-core" / "axe.min.js"
#: Mark of the tests that need it. `make browser` installs it, or fails.
NEEDS_AXE = pytest.mark.skipif(not AXE.exists(), reason="needs axe-core from npm: scripts/npm.sh")
#: The rules that depend on colors, so on the scheme.
COLORS = ("color-contrast", "link-in-text-block")

#: From a small phone to a desk; on the widths between, the admin has its sidebar.
WIDTHS = (360, 390, 768, 1000, 1440)

RUN = """async (options) => {
  // A button fades from one scheme to the other.
  await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
  const { violations } = await axe.run(document, options);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}"""


def barriers(page: Page, *, colors: bool = True) -> list[str]:
    """Return what axe-core finds on the page, light and dark: its rule, and the element.

    Without ``colors``, look at what does not depend on them, as on a page that was seen in another
    language: to compare colors takes longest.
    """
    page.evaluate(AXE.read_text("utf-8"))
    if not colors:
        off = {rule: {"enabled": False} for rule in COLORS}
        words: list[str] = page.evaluate(RUN, {"rules": off})
        return [f"{page.url}: {each}" for each in words]
    page.emulate_media(color_scheme="light")
    light: list[str] = page.evaluate(RUN, {})
    page.emulate_media(color_scheme="dark")
    dark: list[str] = page.evaluate(RUN, {"runOnly": {"type": "rule", "values": COLORS}})
    return [f"{page.url}: {each}" for each in (*light, *(f"dark: {each}" for each in dark))]


def too_wide(page: Page) -> list[str]:
    """Return the widths of a screen at which the page must be scrolled sideways."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{page.url}: {wide} pixels on a screen of {width}")
    return found
