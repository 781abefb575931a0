"""Checks exchanges against a vendor's OpenAPI 3.0 descriptions: paths, parameters, both bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from .base import Request, Response, multipart
from .validation import SPECS, DescriptionValidator


@cache
def load(path: Path) -> dict[str, Any]:
    """A description, with OpenAPI's `nullable` said in JSON Schema's way and every object closed: a field
    that is not described is a mistake of ours, on either side."""
    document: dict[str, Any] = json.loads(path.read_text())
    _allow_null(document)
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return document


def _allow_null(node: Any) -> None:
    if isinstance(node, dict):
        if node.get("nullable") and isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
        for value in node.values():
            _allow_null(value)
    elif isinstance(node, list):
        for value in node:
            _allow_null(value)


class OpenApiValidator(DescriptionValidator):
    """`tolerated` are patterns of findings where the vendor is known to differ from its description."""

    def __init__(self, system: str, files: Sequence[str], *, tolerated: Sequence[str] = ()) -> None:
        super().__init__(system)
        self.documents = [load(SPECS / system / name) for name in files]
        self.tolerated = [re.compile(pattern) for pattern in tolerated]
        self.found: list[str] = []

    def check(self, request: Request, response: Response) -> None:
        before = len(self.tally.failures)
        super().check(request, response)
        self.found += self.tally.failures[before:]

    def assert_clean(self) -> None:
        assert not self.found, "\n".join(self.found)

    def errors(self, request: Request, response: Response) -> list[str]:
        found = self._operation(request)
        if found is None:
            return [] if response.status == 404 else ["not in the description"]
        document, operation = found
        problems = [*_query(request, operation), *self._bodies(document, operation, request, response)]
        return [one for one in problems if not any(pattern.search(one) for pattern in self.tolerated)]

    def _operation(self, request: Request) -> tuple[dict[str, Any], dict[str, Any]] | None:
        for document in self.documents:
            for template, operations in sorted(document["paths"].items(), key=lambda one: one[0].count("{")):
                pattern = re.sub(
                    r"\\?\{[^}]+\\?\}", "[^/]+", re.escape(template).replace(r"\{", "{").replace(r"\}", "}")
                )
                if re.fullmatch(pattern, request.path) and request.method.lower() in operations:
                    return document, operations[request.method.lower()]
        return None

    def _bodies(
        self, document: dict[str, Any], operation: dict[str, Any], request: Request, response: Response
    ) -> Iterator[str]:
        if request.body and response.status < 400:  # what was refused may well be wrong
            content = operation.get("requestBody", {}).get("content", {})
            yield from _body("request", document, content, request.headers.get("Content-Type", ""), request.body)
        described = operation["responses"].get(str(response.status))
        if described is None:
            if response.status < 400:
                yield f"status {response.status} is not described"
        elif response.body and described.get("content"):
            content_type = response.headers.get("Content-Type", "")
            yield from _body("answer", document, described["content"], content_type, response.body)


def _query(request: Request, operation: dict[str, Any]) -> Iterator[str]:
    known = {one["name"]: one for one in operation.get("parameters", []) if one["in"] == "query"}
    for name, value in request.query.items():
        if name not in known:
            yield f"unknown parameter {name}"
            continue
        schema = known[name]["schema"]
        for error in Draft202012Validator(schema).iter_errors(_typed(value, schema["type"])):
            yield f"parameter {name}: {error.message}"
    for name, parameter in known.items():
        if parameter.get("required") and name not in request.query:
            yield f"parameter {name} is missing"


def _typed(value: str, kind: str) -> Any:
    """A value of an address as its schema sees it."""
    if kind == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    return value == "true" if kind == "boolean" and value in ("true", "false") else value


def _body(
    side: str, document: dict[str, Any], content: dict[str, Any], content_type: str, body: bytes
) -> Iterator[str]:
    media_type = content_type.partition(";")[0].strip()
    if media_type not in content:
        yield f"{side}: {media_type or 'no content type'} is none of {', '.join(content)}"
        return
    schema = {"additionalProperties": False} if media_type.startswith("multipart/") else {}
    schema |= {**content[media_type]["schema"], "components": document["components"]}
    for error in Draft202012Validator(schema).iter_errors(_value(content_type, media_type, body)):
        place = "/".join(str(step) for step in error.absolute_path)
        yield f"{side}: {place}: {error.message[:200]}"


def _value(content_type: str, media_type: str, body: bytes) -> Any:
    """A body as its schema sees it; files are texts there ("format": "binary")."""
    if media_type == "multipart/form-data":
        return {name: content.decode("latin-1") for name, (_name, content) in multipart(content_type, body).items()}
    return json.loads(body) if body.startswith((b"{", b"[")) else body.decode("latin-1")
