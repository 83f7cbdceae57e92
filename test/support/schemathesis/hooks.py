"""What an OpenAPI document cannot say about values, told to schemathesis. The document marks most of it with extensions."""

from datetime import datetime, timedelta, timezone

import schemathesis
from hypothesis import strategies as st

# Query parameters with `x-opaque`, by operation: right is only what the same question was answered with before, as `nextCursor`.
opaque: dict[str, set[str]] = {}
answered: dict[str, set[str]] = {}


def to_come() -> st.SearchStrategy[str]:
    """`x-to-come`: a moment after now, and before the year 2200."""
    soon = datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(days=1)
    moments = st.datetimes(min_value=soon, max_value=datetime(2199, 12, 31))
    return moments.map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z")


schemathesis.openapi.format("to-come", to_come())


@schemathesis.hook
def before_load_schema(context, raw_schema) -> None:
    for path, operations in raw_schema["paths"].items():
        for method, operation in operations.items():
            names = {
                parameter["name"]
                for parameter in operation.get("parameters", [])
                if parameter["schema"].get("x-opaque")
            }
            opaque[f"{method.upper()} {path}"] = names
    mark_to_come(raw_schema)


def mark_to_come(node) -> None:
    if isinstance(node, list):
        for item in node:
            mark_to_come(item)
    elif isinstance(node, dict):
        if node.get("x-to-come") is True:
            node["format"] = "to-come"
            del node["pattern"]
        for value in list(node.values()):
            mark_to_come(value)


@schemathesis.hook
def before_call(context, case, kwargs) -> None:
    if case.meta is None or not case.meta.generation.mode.is_positive or not case.query:
        return
    for name in opaque.get(case.operation.label, ()):
        if case.query.get(name) not in answered.get(question(case), ()):
            case.query.pop(name, None)
    # No keyword of OpenAPI says that two query parameters exclude each other, or that one is less than the other. In bodies `not` does.
    for one, other in [("retentionDays", "expiresAt"), ("minBytes", "maxBytes"), ("createdAfter", "createdBefore")]:
        if one in case.query:
            case.query.pop(other, None)
    # Nor that a parameter and a header do.
    if "replace" in case.query and case.headers:
        case.headers.pop("if-none-match", None)
    # Nor that of all `key:value` each key has one value.
    tags = case.query.get("tag")
    if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
        case.query["tag"] = list({tag.split(":", 1)[0]: tag for tag in tags}.values())


@schemathesis.hook
def after_call(context, case, response) -> None:
    if response.headers.get("content-type", [""])[0].startswith("application/json"):
        body = response.json()
        cursor = body.get("nextCursor") if isinstance(body, dict) else None
        if cursor is not None:
            answered.setdefault(question(case), set()).add(cursor)


def question(case) -> str:
    """What is asked for, whatever page of it: a cursor counts for that alone."""
    filters = {name: value for name, value in (case.query or {}).items() if name not in ("cursor", "limit")}
    return f"{case.method} {case.formatted_path} {sorted(filters.items(), key=str)}"
