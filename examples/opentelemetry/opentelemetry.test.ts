import { propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { App } from "@tsgi/framework";
import type { Server } from "@tsgi/gateway-spec";
import { serve as serveNode } from "@tsgi/server/node";
import { serve as serveSocket } from "@tsgi/server/socket";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { traceExchanges } from "./tracing.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";

const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
traceExchanges();

const logger = { error: () => undefined };
const shop = new App({ logger });
shop.get("/items/:code", async ({ params }) => {
  // After an await: the context follows the handler.
  await Promise.resolve();
  return trace.getTracer("shop").startActiveSpan("read the item", (span) => {
    span.end();
    return params.code;
  });
});
shop.get("/fails", () => {
  throw new Error("secret");
});
const app = new App({ logger });
app.mount("/shop", shop);

describe.each([
  ["socket", serveSocket],
  ["node", serveNode],
])("on the %s server", (_name, serve) => {
  let server: Server;
  beforeAll(async () => {
    server = await serve(app, { port: 0 });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    exporter.reset();
  });

  /** The finished spans, when that of the server is among them. */
  async function spans(): Promise<readonly ReadableSpan[]> {
    for (;;) {
      const finished = exporter.getFinishedSpans();
      if (finished.some(({ kind }) => kind === SpanKind.SERVER)) return finished;
      await new Promise(setImmediate);
    }
  }

  test("a request is a span of the caller's trace, and the handler's spans are its children", async () => {
    const headers = { traceparent: `00-${TRACE}-${CALLER}-01`, "user-agent": "test" };
    expect(await (await fetch(`${server.url}shop/items/7?size=2`, { headers })).text()).toBe("7");
    const [child, parent] = await spans();
    expect(parent).toMatchObject({
      name: "GET /shop/items/:code",
      kind: SpanKind.SERVER,
      status: { code: SpanStatusCode.UNSET },
    });
    expect(parent?.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: CALLER });
    expect(parent?.attributes).toEqual({
      "http.request.method": "GET",
      "http.route": "/shop/items/:code",
      "http.response.status_code": 200,
      "url.scheme": "http",
      "url.path": "/shop/items/7",
      "url.query": "size=2",
      "server.address": "127.0.0.1",
      "server.port": Number(new URL(server.url).port),
      "client.address": "127.0.0.1",
      "network.protocol.version": "1.1",
      "user_agent.original": "test",
    });
    expect(child?.name).toBe("read the item");
    expect(child?.parentSpanContext).toMatchObject(parent?.spanContext() ?? {});
  });

  test("requests at the same time have spans of their own", async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => fetch(`${server.url}shop/items/${i}`)));
    while (exporter.getFinishedSpans().length < 40) await new Promise(setImmediate);
    const finished = exporter.getFinishedSpans();
    const parents = finished.filter(({ kind }) => kind === SpanKind.SERVER).map((span) => span.spanContext().spanId);
    const children = finished.flatMap(({ parentSpanContext }) => parentSpanContext?.spanId ?? []);
    expect(new Set(parents).size).toBe(20);
    expect(children.toSorted()).toEqual(parents.toSorted());
  });

  test.each([
    ["GET", "shop/fails", "GET /shop/fails", 500, { code: SpanStatusCode.ERROR }, "500"],
    ["GET", "missing", "GET", 404, { code: SpanStatusCode.UNSET }, undefined],
    ["PROPFIND", "missing", "HTTP", 404, { code: SpanStatusCode.UNSET }, undefined],
  ])("%s %s is the span %j with the status %j", async (method, path, name, code, status, type) => {
    await fetch(server.url + path, { method });
    const [span] = await spans();
    expect(span).toMatchObject({ name, status });
    expect(span?.attributes).toMatchObject({ "http.response.status_code": code });
    expect(span?.attributes["error.type"]).toBe(type);
  });
});
