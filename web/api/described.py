"""What stands below a field in the code stands at the field in the document."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec

from web.api.given import Sent
from web.api.shapes import Shape


def describe(components: dict[str, Any]) -> None:
    """Adds the words of each field to the schemas, which msgspec makes of types alone."""
    for struct in _every(Shape, Sent):
        properties = components.get(struct.__name__, {}).get("properties", {})
        for name, words in _fields(struct).items():
            if name in properties:
                properties[name] = {**properties[name], "description": words}


def _every(*roots: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for root in roots:
        yield root
        yield from _every(*root.__subclasses__())


def _fields(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Field → the text that follows it, those of its bases included."""
    found: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        if base in {object, msgspec.Struct} or not issubclass(base, msgspec.Struct):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0].body  # type: ignore[attr-defined]
        for field, after in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                value = after.value if isinstance(after, ast.Expr) else None
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found[field.target.id] = inspect.cleandoc(value.value)
    return found
