"""What the API can do, read from the document that programs read."""

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from litestar import Request, get
from litestar.response import Redirect

from helpdesk.access import Action
from web.api.openapi import PREFIX, read
from web.auth import permits
from web.dependencies import CurrentDesk
from web.pages import Html
from web.settings.frame import ThisSettings

NOTED = {"400", "401", "403", "404", "413", "415", "429", "503"}
"""Refusals that every operation knows; they are explained once."""


@dataclass(frozen=True)
class Shown:
    """One operation, as the page shows it."""

    method: str
    path: str
    described: dict[str, Any]
    refusals: list[tuple[str, str]]
    url: str
    schemas: dict[str, Any]

    @property
    def parameters(self) -> list[dict[str, Any]]:
        return [
            {"name": p["name"], "words": p.get("description", ""), "values": self._values(p["schema"])}
            for p in self.described["parameters"]
            if p["in"] == "query"
        ]

    def _values(self, schema: dict[str, Any]) -> list[str]:
        """What can be chosen from, wherever in the schema it stands."""
        if "$ref" in schema:
            return self._values(self.schemas[schema["$ref"].rpartition("/")[2]])
        inner = [*schema.get("anyOf", []), *([schema["items"]] if schema.get("items") else [])]
        return [str(v) for v in schema.get("enum", [])] or [v for one in inner for v in self._values(one)]

    @property
    def sent(self) -> str:
        content = self.described.get("requestBody", {}).get("content", {}).get("application/json")
        return _pretty(content["example"]) if content else ""

    @property
    def given(self) -> str:
        done = next(answer for status, answer in self.described["responses"].items() if status[0] == "2")
        content = done.get("content", {}).get("application/json")
        return _pretty(content["example"]) if content else ""

    @property
    def curl(self) -> str:
        method = "" if self.method == "GET" else f" -X {self.method}"
        body = " \\\n  --json @body.json" if self.sent else ""
        path = self.path.replace("{number}", "42")
        return f'curl{method} -H "Authorization: Bearer $HELPDESK_TOKEN"{body} \\\n  {self.url}{PREFIX}{path}'

    @property
    def anchor(self) -> str:
        return str(self.described["operationId"])


@get("/api", opt=permits(Action.signed_in), sync_to_thread=False)
def short() -> Redirect:
    return Redirect("/settings/api", status_code=303)


@get("/settings/api", opt=permits(Action.signed_in))
async def reference(request: Request[Any, Any, Any], desk: CurrentDesk, settings: ThisSettings) -> Html:
    document = await read(request.app, desk.settings.url)
    words = {status: said["description"] for status, said in document["components"]["responses"].items()}
    groups: dict[str, list[Shown]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            refusals = [(s, words[s]) for s in described["responses"] if s in words and s not in NOTED]
            schemas = document["components"]["schemas"]
            shown = Shown(method.upper(), path, described, refusals, desk.settings.url, schemas)
            groups[described["tags"][0]].append(shown)
    return await settings(
        "settings/api/index.html",
        groups=sorted(groups.items()),
        words=words,
        noted=sorted(NOTED),
        url=desk.settings.url,
    )


def _pretty(example: Any) -> str:
    return json.dumps(example, indent=2, ensure_ascii=False)
