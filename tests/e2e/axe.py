"""What axe-core finds on a page: https://github.com/dequelabs/axe-core, as axe-playwright-python carries it.

It is put in through the browser's own tools, so that a page's policy stays as it is and need not allow it.
"""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Frame, Page

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
OPTIONS = {
    "runOnly": [*WCAG, "best-practice"],
    "rules": {"target-size": {"enabled": True}},  # WCAG 2.2's own; off by default
    "resultTypes": ["violations"],
    "iframes": False,  # each is looked at by itself
}
STILL = """() => Promise.all(document.getAnimations()
  .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
  .map((each) => each.finished.catch(() => {})))"""
RUN = """async (options) => (await axe.run(document, options)).violations.map((each) => ({
  rule: each.id, help: each.help,
  nodes: each.nodes.map((node) => `${node.target.join(" ")}  ${node.html.slice(0, 160)}  ${
    node.any.concat(node.all, node.none).map((check) => check.message).join(" / ").slice(0, 240)}`),
}))"""


async def violations(page: Page | Frame) -> list[str]:
    """Each rule that is broken, of WCAG or of good practice, and where, once nothing moves any more."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(AXE_SCRIPT)
    await page.evaluate(STILL)
    found: list[dict[str, Any]] = await page.evaluate(RUN, OPTIONS)
    return [_told(each) for each in found]


def _told(each: dict[str, Any]) -> str:
    return f"{each['rule']} ({each['help']}):\n" + "\n".join(f"    {node}" for node in each["nodes"])
