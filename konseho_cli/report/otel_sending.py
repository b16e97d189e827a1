"""A run's traces on their way to a collector: OTLP over HTTP, by OpenTelemetry's own exporter.

Where to is said by OTEL_EXPORTER_OTLP_ENDPOINT and the variables beside it, headers and certificates
too. Extra: `otel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from konseho_cli.core.errors import KonsehoError, MissingExtra, UsageError
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.report.otel import SCHEMA_URL, SCOPE, OtelSpan, otel_spans, resource_of
from konseho_cli.report.text import encodable
from konseho_cli.version import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
AT_ONCE = 512
"""Spans of one request."""


def send_traces(profiled: Profiled, env: Mapping[str, str]) -> int:
    """Send all spans of the run; how many they were. Blocks.

    Raises UsageError where no endpoint is named, MissingExtra, and KonsehoError where not all was taken.
    """
    endpoint = next((env[name] for name in ENDPOINTS if env.get(name)), None)
    if endpoint is None:
        hint = "such as http://localhost:4318; or write a file: --otel traces.jsonl"
        raise UsageError(f"no collector is named: set {ENDPOINTS[1]}", hint=hint)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult
    except ImportError as error:
        raise MissingExtra(
            "to send traces needs the extra `otel`: pip install 'konseho[otel]'"
        ) from error
    spans = readable(profiled)
    exporter: Any = OTLPSpanExporter()
    try:
        for first in range(0, len(spans), AT_ONCE):
            if exporter.export(spans[first : first + AT_ONCE]) is not SpanExportResult.SUCCESS:
                raise KonsehoError(f"{endpoint} did not take the traces", hint="does it listen?")
    finally:
        exporter.shutdown()
    return len(spans)


def readable(profiled: Profiled) -> list[ReadableSpan]:
    """The spans as the exporter takes them. Raises ImportError."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    outcome = profiled.outcome
    resource = Resource(_encodable(resource_of(outcome)), SCHEMA_URL)
    scope = InstrumentationScope(SCOPE, __version__, SCHEMA_URL)
    return [_readable(span, resource, scope) for span in otel_spans(outcome)]


def _readable(span: OtelSpan, resource: Any, scope: Any) -> ReadableSpan:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
    from opentelemetry.trace.status import Status, StatusCode

    def context(span_id: bytes) -> SpanContext:
        return SpanContext(
            int.from_bytes(span.trace_id), int.from_bytes(span_id), is_remote=False,
            trace_flags=TraceFlags(TraceFlags.SAMPLED),
        )  # fmt: skip

    return ReadableSpan(
        name=encodable(span.name),
        context=context(span.span_id),
        parent=None if span.parent_id is None else context(span.parent_id),
        resource=resource,
        attributes=_encodable(span.attributes),
        links=[Link(context(link)) for link in span.links],
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
        start_time=span.start,
        end_time=span.end,
        instrumentation_scope=scope,
    )


def _encodable(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: encodable(value) if isinstance(value, str) else value
        for key, value in attributes.items()
    }
