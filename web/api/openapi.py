"""The OpenAPI 3.1 document, made from the routes themselves: what handlers take and give is what it says."""

import asyncio
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, get_args, get_origin

import msgspec
from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from helpdesk.access import Action
from web.api.described import describe
from web.api.examples import example
from web.api.given import wanted
from web.api.once import READS
from web.api.problems import MEDIA_TYPE, Problem
from web.auth import PERMISSION

PREFIX = "/api/v1"
REF = "#/components/schemas/{name}"
LIMITS = {
    "format": "format",
    "ge": "minimum",
    "le": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
}
REFUSALS = {
    400: "Something in the request cannot be read; `errors` names it.",
    401: "There is no token, or it is unknown, expired or revoked.",
    403: "The token, or its agent, may not do this.",
    404: "There is nothing here, or the agent may not see it.",
    409: "What was asked for does not fit what is there.",
    412: "It was changed since the tag that `If-Match` names.",
    413: "The body is too large.",
    415: "The body is of another type than the operation takes.",
    422: "The `Idempotency-Key` was used for another request.",
    429: "Too many requests in this minute.",
    503: "The database cannot be reached at the moment.",
}
INTRODUCTION = """\
Everything that agents do in the console, for programs. Send a token with every request:
`Authorization: Bearer hd_…`. A token may do what it allows *and* its agent may do at that moment.

Lists come in pages: send `next` back as `after`. Refusals are `application/problem+json` (RFC 9457).
`Idempotency-Key` makes a POST safe to repeat for 24 hours. A GET has an `ETag`; send it as `If-Match` to change
nothing that somebody else has changed meanwhile."""


@dataclass(frozen=True)
class Operation:
    """One method at one address."""

    method: str
    path: str
    handler: HTTPRouteHandler

    @property
    def action(self) -> Action:
        return Action(self.handler.opt[PERMISSION])

    @property
    def name(self) -> str:
        """The address without its numbers, and what is done there: `tickets_replies_create`."""
        parts = [p for p in self.path.removeprefix(PREFIX).split("/") if p and "{" not in p]
        done = self.handler.fn.__name__
        return "_".join(parts if parts[-1:] == [done] else [*parts, done])

    @property
    def resource(self) -> str:
        return str(self.handler.opt.get("resource", "desk"))

    @property
    def takes(self) -> Any:
        return wanted(self.handler)

    @property
    def takes_bytes(self) -> bool:
        return bool(self.handler.opt.get("bytes"))

    @cached_property
    def gives(self) -> Any:
        found = self.handler.parsed_fn_signature.return_type.raw
        origin = get_origin(found)
        if inspect.isclass(origin) and issubclass(origin, Response):
            return get_args(found)[0]
        if inspect.isclass(found) and issubclass(found, Response):
            return bytes
        return None if found is type(None) else found

    @property
    def is_versioned(self) -> bool:
        return bool(self.handler.opt.get("versioned"))

    @property
    def is_carried_out_once(self) -> bool:
        """Whether an `Idempotency-Key` means something to it."""
        return self.method == "POST" and self.action is not Action.public and not self.handler.opt.get(READS)

    def parameters(self) -> Iterator[tuple[str, str, Any, Any]]:
        """Name, where it stands, type, definition."""
        for name, field in self.handler.parsed_fn_signature.parameters.items():
            if isinstance(field.kwarg_definition, PathParameter):
                yield name, "path", field.annotation, field
            elif isinstance(field.kwarg_definition, QueryParameter):
                yield name, "query", field.annotation, field


def operations(app: Litestar) -> list[Operation]:
    found = [
        Operation(str(method), route.path_format, handler)
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if route.path_format.startswith(PREFIX) and not handler.opt.get("undocumented")
        for method in handler.http_methods
        if method != "OPTIONS"
    ]
    return sorted(found, key=lambda o: (o.resource, o.path, o.method))


async def read(app: Litestar, url: str) -> dict[str, Any]:
    """Made beside the loop for the first who asks: sources are read for it, and others need not wait for that."""
    return app.state["openapi"] if "openapi" in app.state else await asyncio.to_thread(of_app, app, url)


def of_app(app: Litestar, url: str) -> dict[str, Any]:
    """The document is the same for everybody, and made once."""
    if "openapi" not in app.state:
        app.state["openapi"] = document(app, url)
    return app.state["openapi"]  # type: ignore[no-any-return]


def document(app: Litestar, url: str) -> dict[str, Any]:
    every = operations(app)
    types = list(dict.fromkeys(t for o in every for t in _types(o)))
    schemas, components = msgspec.json.schema_components([Problem, *types], ref_template=REF)
    describe(components)
    known = dict(zip([Problem, *types], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for each in every:
        described = _operation(each, known, components)
        paths.setdefault(each.path.removeprefix(PREFIX), {})[each.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "Helpdesk", "version": version("helpdesk"), "description": INTRODUCTION},
        "servers": [{"url": f"{url}{PREFIX}"}],
        "security": [{"token": []}],
        "tags": [{"name": name} for name in sorted({o.resource for o in every})],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {
                str(status): {
                    "description": words,
                    "content": {MEDIA_TYPE: {"schema": known[Problem]}},
                }
                for status, words in REFUSALS.items()
            },
        },
    }


def _types(of: Operation) -> Iterator[Any]:
    if of.takes is not None:
        yield of.takes
    if of.gives not in (None, bytes):
        yield of.gives
    for _, _, annotation, _ in of.parameters():
        yield annotation


def _operation(of: Operation, known: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    words = inspect.cleandoc(of.handler.fn.__doc__ or "")
    needs = "" if of.action in {Action.public, Action.signed_in} else f"Needs `{of.action}`."
    found: dict[str, Any] = {
        "operationId": of.name,
        "summary": of.handler.summary or of.name,
        "description": "\n\n".join(part for part in (words, needs) if part),
        "tags": [of.resource],
        "x-permission": str(of.action),
        "parameters": [*_parameters(of, known), *_headers(of)],
        "responses": _answers(of, known, components),
    }
    if of.action is Action.public:
        found["security"] = []
    if of.takes is not None:
        schema = known[of.takes]
        content = {"schema": schema, "example": example(schema, components)}
        found["requestBody"] = {"required": True, "content": {"application/json": content}}
    if of.takes_bytes:
        whole = {"schema": {"type": "string", "format": "binary"}}
        found["requestBody"] = {"required": True, "content": {"application/octet-stream": whole}}
    return found


def _parameters(of: Operation, known: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    for name, place, annotation, field in of.parameters():
        schema = dict(known[annotation])
        for ours, theirs in LIMITS.items():
            if (limit := getattr(field.kwarg_definition, ours, None)) is not None:
                schema[theirs] = limit
        described: dict[str, Any] = {"name": name, "in": place, "required": place == "path", "schema": schema}
        if field.kwarg_definition.description:
            described["description"] = field.kwarg_definition.description
        yield described


def _headers(of: Operation) -> Iterator[dict[str, Any]]:
    def header(name: str, words: str, **schema: Any) -> dict[str, Any]:
        return {"name": name, "in": "header", "description": words, "schema": {"type": "string"} | schema}

    if of.is_carried_out_once:
        words = "Makes repeating this request safe for 24 hours."
        yield header("Idempotency-Key", words, pattern=r"^[\x21-\x7e]{1,255}$")
    if of.is_versioned:
        yield header("If-Match", "The tag of what you read; 412 if somebody changed it since.")


def _answers(of: Operation, known: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    status = str(of.handler.status_code)
    done: dict[str, Any] = {"description": "Done."}
    if of.gives is bytes:
        media_type = of.handler.opt.get("media_type", "application/octet-stream")
        done["content"] = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    elif of.gives is not None:
        schema = known[of.gives]
        done["content"] = {"application/json": {"schema": schema, "example": example(schema, components)}}
    refusals = {401, 403, 404, 429, 503} if of.action is not Action.public else {503}
    if of.takes is not None or of.takes_bytes:
        refusals |= {400, 413, 415}
    if list(of.parameters()):
        refusals |= {400, 404}
    if of.method != "GET":
        refusals |= {400, 409}
    if of.is_carried_out_once:
        refusals.add(422)
    if of.is_versioned:
        refusals.add(412)
    answers = {status: done}
    if of.method == "GET" and of.gives is not bytes:
        answers["304"] = {"description": "It is what `If-None-Match` names already."}
    return answers | {str(code): {"$ref": f"#/components/responses/{code}"} for code in sorted(refusals)}
