"""Examples for the document, made from the schemas: each field shows the example that stands at its type."""

from typing import Any

BY_FORMAT = {"date-time": "2026-01-31T09:00:00Z", "date": "2026-01-31", "uri": "https://example.com/"}
BY_TYPE: dict[str, Any] = {"string": "text", "integer": 42, "number": 1.5, "boolean": True, "null": None}
DEEPEST = 6


def example(schema: dict[str, Any], components: dict[str, Any], depth: int = 0) -> Any:
    """A value that the schema allows."""
    if given := schema.get("examples"):
        return given[0]
    if "$ref" in schema:
        return example(components[schema["$ref"].rpartition("/")[2]], components, depth + 1)
    for key in ("const", "default"):
        if schema.get(key) not in (None, [], {}, ""):
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return example(next((c for c in choices if c.get("type") != "null"), choices[0]), components, depth)
    return _of_type(schema, components, depth)


def _of_type(schema: dict[str, Any], components: dict[str, Any], depth: int) -> Any:
    kind = schema.get("type", "object")
    if kind == "object":
        fields = schema.get("properties", {})
        return {name: example(field, components, depth + 1) for name, field in fields.items()}
    if kind == "array":
        inner = schema.get("items")
        return [example(inner, components, depth + 1)] if inner and depth < DEEPEST else []
    if kind == "string" and "format" in schema:
        return BY_FORMAT.get(schema["format"], "text")
    return BY_TYPE.get(kind)
