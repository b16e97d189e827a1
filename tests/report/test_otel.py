from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from msgspec import structs

from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.report.otel import SCHEMA_URL, otel_json, otel_spans
from konseho_cli.report.otel_sending import readable, send_traces
from tests.report.profiles import profiled

try:
    from google.protobuf.json_format import ParseDict
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
except ImportError:  # the messages that OpenTelemetry itself publishes
    if os.environ.get("CI"):
        raise
    pytest.skip("opentelemetry is not installed: pip install -e '.[dev]'", allow_module_level=True)


def parsed(text: str) -> Any:
    """By the official messages; ids are hexadecimal in OTLP, where protobuf's own JSON has base64."""
    document = json.loads(text)
    spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for holder in (*spans, *(link for span in spans for link in span.get("links", ()))):
        for name in ("traceId", "spanId", "parentSpanId"):
            if name in holder:
                holder[name] = base64.b64encode(bytes.fromhex(holder[name])).decode()
    return ParseDict(document, ExportTraceServiceRequest())


def spans_of(request: Any) -> list[Any]:
    return list(request.resource_spans[0].scope_spans[0].spans)


@pytest.mark.parametrize("council", ["quickstart", "research-split", "architecture-debate"])
def test_the_official_messages_read_it_and_the_tree_is_whole(council: str) -> None:
    whole = profiled(council)
    text = otel_json(whole)
    assert text.count("\n") == 1
    request = parsed(text)
    assert request.resource_spans[0].schema_url == SCHEMA_URL
    spans = spans_of(request)
    assert len(spans) == len(whole.outcome.spans)
    ids = {span.span_id for span in spans}
    assert len(ids) == len(spans)
    assert {len(span.trace_id) for span in spans} == {16}
    roots = [span for span in spans if not span.parent_span_id]
    assert [root.name for root in roots] == [f"council {council}"]
    assert all(span.parent_span_id in ids for span in spans if span.parent_span_id)
    assert all(link.span_id in ids for span in spans for link in span.links)
    assert any(span.links for span in spans)
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)


def test_an_agents_call_has_the_names_of_the_conventions() -> None:
    asked = next(span for span in otel_spans(profiled().outcome) if "invoke_agent" in span.name)
    assert asked.name == "invoke_agent builder"
    assert asked.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert asked.attributes["gen_ai.agent.name"] == "builder"
    assert asked.attributes["gen_ai.request.model"] == "sim"
    assert asked.attributes["gen_ai.usage.input_tokens"] == 81


def test_names_of_the_conventions_are_in_the_version_that_is_named() -> None:
    from opentelemetry.semconv._incubating.attributes import error_attributes, gen_ai_attributes

    named = (*vars(gen_ai_attributes).values(), *vars(error_attributes).values())
    known = {name for name in named if isinstance(name, str)}
    used = {name for span in otel_spans(profiled().outcome) for name in span.attributes}
    assert {name for name in used if not name.startswith("konseho.")} <= known


def test_neither_prompts_nor_answers_are_in_it() -> None:
    whole = profiled()
    text = otel_json(whole)
    for step in whole.outcome.steps:
        for part in step.parts:
            assert part.text[:30] not in text


def test_an_item_that_a_model_wrote_is_not_in_it() -> None:
    whole = profiled("research-split")
    items = {call.label for call in whole.outcome.calls if call.label}
    assert items
    assert not [item for item in items if item in otel_json(whole)]


def test_a_failed_call_is_an_error_span(failed) -> None:
    spans = list(otel_spans(failed))
    chair = next(span for span in spans if span.name == "invoke_agent dee")
    assert chair.failed
    assert chair.attributes["error.type"] == "ModelUnavailable"
    assert not next(span for span in spans if span.name == "invoke_agent ann").failed


def test_what_is_sent_is_what_is_written() -> None:
    whole = profiled()
    sent = encode_spans(readable(whole))
    written = parsed(otel_json(whole))
    for span in spans_of(sent):
        span.flags = 0
        for link in span.links:
            link.flags = 0
    assert spans_of(sent) == spans_of(written)
    assert sent.resource_spans[0].resource == written.resource_spans[0].resource


@contextmanager
def collector(status: int) -> Iterator[tuple[str, list[bytes]]]:
    """A collector on this machine, and what it was sent."""
    taken: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", taken
        finally:
            server.shutdown()
            thread.join()


def test_traces_reach_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = profiled()
    with collector(200) as (url, taken):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        assert send_traces(whole, os.environ) == len(whole.outcome.spans)
    requests = [ExportTraceServiceRequest.FromString(body) for body in taken]
    assert sum(len(spans_of(request)) for request in requests) == len(whole.outcome.spans)


def test_a_collector_that_refuses_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector(400) as (url, _):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        with pytest.raises(KonsehoError, match="did not take the traces"):
            send_traces(profiled(), os.environ)


def test_nothing_is_sent_where_nobody_said_where_to() -> None:
    with pytest.raises(UsageError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        send_traces(profiled(), {})


def test_half_a_character_is_no_error() -> None:
    whole = profiled()
    odd = structs.replace(whole.recordings[0].run.row.began, council="\ud83d")
    row = structs.replace(whole.recordings[0].run.row, began=odd)
    first = structs.replace(
        whole.recordings[0], run=structs.replace(whole.recordings[0].run, row=row)
    )
    strange = structs.replace(whole, recordings=(first,))
    assert parsed(otel_json(strange))
    assert encode_spans(readable(strange))
