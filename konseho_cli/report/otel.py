"""A run as OpenTelemetry traces: OTLP JSON, a line for the run, with the GenAI conventions.

Semantic conventions 1.40.0: an agent's call is an `invoke_agent` span with its model and tokens. What
was asked and answered is in none of it. Ids follow from the run's, so that to export it twice makes
nothing new. Encoding: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import TypeAlias

import msgspec

from konseho_cli.engine.outcome import CallRecord, RunOutcome
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.report.text import encodable
from konseho_cli.report.tracks import Placed, calls_of, placed
from konseho_cli.version import __version__

SCHEMA_URL = "https://opentelemetry.io/schemas/1.40.0"
"""The version of the conventions whose names are used here."""
SCOPE = "konseho"
INTERNAL = 1
"""The kind of all spans: what they do remotely is in `konseho.kind`."""
FAILED = 2

Value: TypeAlias = str | bool | int | float


class OtelSpan(msgspec.Struct, frozen=True, kw_only=True):
    """One span, as both the file and the exporter write it."""

    name: str
    trace_id: bytes
    """16 of them."""
    span_id: bytes
    """8 of them."""
    parent_id: bytes | None
    start: int
    """Nanoseconds since the epoch."""
    end: int
    attributes: Mapping[str, Value]
    links: tuple[bytes, ...]
    """Span ids of the same trace: what ended a wait, or started something."""
    failed: bool


def otel_json(profiled: Profiled) -> str:
    """One line of an OTLP JSON file: all spans of the run; ends with a newline."""
    outcome = profiled.outcome
    spans = [_span_document(span) for span in otel_spans(outcome)]
    scope = {"name": SCOPE, "version": __version__}
    resource = {"attributes": _pairs(resource_of(outcome))}
    document = {
        "resourceSpans": [
            {
                "resource": resource,
                "scopeSpans": [{"scope": scope, "spans": spans, "schemaUrl": SCHEMA_URL}],
                "schemaUrl": SCHEMA_URL,
            }
        ]
    }
    return encodable(json.dumps(document, ensure_ascii=False, separators=(",", ":"))) + "\n"


def resource_of(outcome: RunOutcome) -> Mapping[str, Value]:
    """What made the spans."""
    return {
        "service.name": "konseho",
        "service.version": __version__,
        "konseho.council": outcome.council,
        "konseho.run": outcome.run,
    }


def otel_spans(outcome: RunOutcome) -> Iterator[OtelSpan]:
    """All spans, as they began."""
    epoch = round(outcome.anchor.wall_s * 1e9) - outcome.anchor.loop_ns
    trace, calls = _digest(outcome.run)[:16], calls_of(outcome)
    known = {span.id for span in outcome.spans}
    for each in placed(outcome.spans):
        span = each.span
        made = calls.get(span.id, ())
        yield OtelSpan(
            name=_name(each, outcome),
            trace_id=trace,
            span_id=_span_id(outcome.run, span.id),
            parent_id=None if span.parent not in known else _span_id(outcome.run, span.parent),
            start=epoch + span.start,
            end=epoch + span.end,
            attributes=dict(_attributes(each, made)),
            links=() if span.waker not in known else (_span_id(outcome.run, span.waker),),
            failed="error" in span.attributes or any(call.status == "failed" for call in made[-1:]),
        )


def _name(each: Placed, outcome: RunOutcome) -> str:
    """Of few different values, as the conventions ask."""
    if each.span.kind == "ask":
        return f"invoke_agent {each.agent}"
    if each.span.kind == "run":
        return f"council {outcome.council}"
    return each.title


def _attributes(each: Placed, calls: tuple[CallRecord, ...]) -> Iterator[tuple[str, Value]]:
    span = each.span
    yield "konseho.kind", span.kind
    for name in ("step", "agent"):  # a label may be an item that a model wrote
        if value := getattr(each, name):
            yield f"konseho.{name}", value
    for name, value in span.attributes.items():
        if name == "error":
            yield "error.type", str(value)
        elif name not in ("step", "agent", "label") and isinstance(value, (str, int, float)):
            yield f"konseho.{name}", value
    if span.kind == "ask":
        yield "gen_ai.operation.name", "invoke_agent"
        yield "gen_ai.agent.name", each.agent
        if calls:
            yield from _spent(calls)


def _spent(calls: tuple[CallRecord, ...]) -> Iterator[tuple[str, Value]]:
    """Of all calls that one question took; the model is the last one's, fallbacks included."""
    last = calls[-1]
    provider, _, model = last.model.partition(":")
    yield "gen_ai.provider.name", provider
    yield "gen_ai.request.model", model or provider
    if last.status == "ok":
        yield "gen_ai.response.model", model or provider
    yield "gen_ai.usage.input_tokens", sum(call.usage.input_tokens for call in calls)
    yield "gen_ai.usage.output_tokens", sum(call.usage.output_tokens for call in calls)
    yield "gen_ai.usage.cache_read.input_tokens", sum(call.usage.cached_tokens for call in calls)
    yield "konseho.status", last.status
    yield "konseho.source", last.source
    yield "konseho.requests", sum(call.requests for call in calls)
    costs = [call.cost for call in calls if call.cost is not None]
    if len(costs) == len(calls):
        yield "konseho.cost_dollars", float(sum(costs))


def _span_document(span: OtelSpan) -> dict[str, object]:
    parent = {} if span.parent_id is None else {"parentSpanId": span.parent_id.hex()}
    links = [{"traceId": span.trace_id.hex(), "spanId": link.hex()} for link in span.links]
    return {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        **parent,
        "name": span.name,
        "kind": INTERNAL,
        "startTimeUnixNano": str(span.start),
        "endTimeUnixNano": str(span.end),
        "attributes": _pairs(span.attributes),
        **({"links": links} if links else {}),
        "status": {"code": FAILED} if span.failed else {},
    }


def _pairs(attributes: Mapping[str, Value]) -> list[dict[str, object]]:
    return [{"key": key, "value": _typed(value)} for key, value in attributes.items()]


def _typed(value: Value) -> dict[str, object]:
    """64-bit integers are strings there, as JSON knows none."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}


def _span_id(run: str, span: int) -> bytes:
    return _digest(f"{run}/{span}")[:8]


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "replace")).digest()
