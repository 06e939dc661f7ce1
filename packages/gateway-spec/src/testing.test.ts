import { describe, expect, test } from "vitest";
import type { Application, Exchange, Handler, IncomingRequest, OutgoingResponse } from "./index.ts";
import { createTestClient } from "./testing.ts";

// Structural by design: these lines are the test.
const fromRequest = (request: Request): IncomingRequest => request;
const fromResponse = (response: Response): OutgoingResponse => response;

describe("the in-process client", () => {
  test("gives the handler a request and returns the whole response", async () => {
    const handler: Handler = async (request, exchange) => {
      const pieces: string[] = [];
      for await (const piece of request.body ?? []) pieces.push(new TextDecoder().decode(piece));
      return {
        status: 201,
        headers: { "content-type": "application/json", "set-cookie": ["a=1", "b=2"] },
        body: JSON.stringify([request.method, request.url, exchange.target, request.headers.get("x"), pieces]),
      };
    };
    await using client = await createTestClient(handler);
    const response = await client.request("/a%2Fb?x=1", { method: "POST", headers: { X: ["1", "2"] }, body: "hello" });
    expect(response.status).toBe(201);
    expect(response.json()).toEqual(["POST", "http://test.localhost/a%2Fb?x=1", "/a%2Fb?x=1", "1, 2", ["hello"]]);
    expect([...response.headers]).toEqual([
      ["content-type", "application/json"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
  });

  test("web Request and Response fit the contract", async () => {
    expect(fromRequest(new Request("http://localhost/")).method).toBe("GET");
    await using client = await createTestClient(() => fromResponse(new Response("plain")));
    expect((await client.request("/")).text()).toBe("plain");
  });

  test.each([
    [
      "an async generator",
      () =>
        (async function* () {
          yield "a";
          yield new Uint8Array([98]);
        })(),
    ],
    ["a ReadableStream", () => new Response("ab").body ?? ""],
    ["a string", () => "ab"],
    ["bytes", () => new Uint8Array([97, 98])],
  ])("reads %s as a body", async (_name, body) => {
    await using client = await createTestClient(() => ({ status: 200, body: body() }));
    expect((await client.request("/")).text()).toBe("ab");
  });

  test("cancels the body of a response to HEAD and does not fire the signal", async () => {
    const events: string[] = [];
    await using client = await createTestClient((request) => {
      request.signal.addEventListener("abort", () => events.push("abort"));
      return { status: 200, body: new ReadableStream<Uint8Array>({ cancel: () => void events.push("cancel") }) };
    });
    expect((await client.request("/", { method: "HEAD" })).body.byteLength).toBe(0);
    expect(events).toEqual(["cancel"]);
  });

  test("a client that goes away aborts the signal, then cancels the body", async () => {
    const events: string[] = [];
    const leave = new AbortController();
    await using client = await createTestClient((request, exchange) => {
      request.signal.addEventListener("abort", () => events.push("abort"));
      exchange.completed.catch((error: unknown) => events.push((error as { code: string }).code));
      return {
        status: 200,
        body: new ReadableStream<Uint8Array>({
          pull: () => {
            leave.abort();
            return new Promise<never>(() => undefined);
          },
          cancel: () => void events.push("cancel"),
        }),
      };
    });
    await expect(client.request("/", { signal: leave.signal })).rejects.toMatchObject({ code: "CLIENT_DISCONNECTED" });
    expect(events).toEqual(["abort", "cancel", "CLIENT_DISCONNECTED"]);
  });

  test("lives through startup, draining, waitUntil and shutdown in this order", async () => {
    const events: string[] = [];
    const work = Promise.withResolvers<undefined>();
    const application: Application<{ readonly name: string }> = {
      startup: () => ({ name: "state" }),
      fetch: (_request, exchange) => {
        exchange.draining.addEventListener("abort", () => {
          events.push("draining");
          work.resolve(undefined);
        });
        exchange.waitUntil(work.promise.then(() => events.push("work")));
        return { status: 200, body: exchange.state.name };
      },
      shutdown: (state) => void events.push(`shutdown ${state.name}`),
    };
    const client = await createTestClient(application);
    expect((await client.request("/")).text()).toBe("state");
    await client.close();
    expect(events).toEqual(["draining", "work", "shutdown state"]);
  });

  test("rejects with what the handler threw", async () => {
    await using client = await createTestClient((_request, exchange: Exchange) => {
      throw new Error(exchange.encrypted ? "encrypted" : "plain");
    });
    await expect(client.request("/", { exchange: { encrypted: true } })).rejects.toThrow("encrypted");
  });

  test("names what a handler returned in place of a response", async () => {
    await using client = await createTestClient((() => undefined) as unknown as Handler);
    await expect(client.request("/a")).rejects.toThrow("The handler of GET /a returned undefined");
  });

  test("refuses a body that is not as long as its Content-Length", async () => {
    await using client = await createTestClient(() => ({
      status: 200,
      headers: { "content-length": "3" },
      body: (async function* () {
        yield "ab";
      })(),
    }));
    await expect(client.request("/")).rejects.toThrow("The response announces 3 bytes of content, and its body has 2");
  });

  test("a response of status 101 of the application passes", async () => {
    await using client = await createTestClient(() => ({ status: 101 }));
    expect((await client.request("/")).status).toBe(101);
  });
});
