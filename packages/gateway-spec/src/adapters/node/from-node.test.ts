import { once } from "node:events";
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
import express from "express";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createTestClient } from "../../testing.ts";
import { fromNode, toNode } from "./index.ts";

type Listener = (req: IncomingMessage, res: ServerResponse) => unknown;

const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const servers: (() => void)[] = [];
afterEach(() => {
  for (const close of servers.splice(0)) close();
});

async function serve(listener: Listener): Promise<number> {
  const server = createServer(toNode(fromNode(listener), { logger })).listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const ask = async (listener: Listener, init: RequestInit = {}, path = "/"): Promise<Response> =>
  fetch(`http://127.0.0.1:${await serve(listener)}${path}`, init);

const app = express();
app.use(express.json({ limit: 20 }));
app.use("/form", express.urlencoded());
app.get("/", (req, res) => void res.send(`Hello ${req.ip} ${req.protocol} ${req.query["q"] as string}`));
app.post("/json", (req, res) => void res.status(201).json({ got: req.body as unknown }));
app.post("/form", (req, res) => void res.send(req.body as unknown));
app.post("/upload", (req, res) => void req.pipe(res));
app.get("/write", (_req, res) => {
  res.set("X-A", "1").cookie("a", "1").cookie("b", "2").type("text").write("a");
  res.write("");
  res.end("b");
});
app.get("/redirect", (_req, res) => {
  res.redirect("/");
});
app.get("/none", (_req, res) => void res.status(204).end());
app.get("/async-fails", () => Promise.reject(new Error("secret")));
app.use(((error: Error & { readonly status?: number }, _req, res, _next) => {
  res.status(error.status ?? 500).send(`handled ${error.message}`);
}) satisfies express.ErrorRequestHandler);

describe("fromNode runs an Express app", () => {
  const json = { "content-type": "application/json" };
  const form = { "content-type": "application/x-www-form-urlencoded" };
  test.each<[string, string, RequestInit, number, string]>([
    ["send", "/?q=1", {}, 200, "Hello 127.0.0.1 http 1"],
    ["a parsed body", "/json", { method: "POST", body: '{"a":1}', headers: json }, 201, '{"got":{"a":1}}'],
    ["a form", "/form", { method: "POST", body: "a=1&b=2", headers: form }, 200, '{"a":"1","b":"2"}'],
    [
      "a body beyond its limit",
      "/json",
      { method: "POST", body: `"${"x".repeat(30)}"`, headers: json },
      413,
      "handled request entity too large",
    ],
    ["a request piped to the response", "/upload", { method: "POST", body: "echo" }, 200, "echo"],
    ["pieces", "/write", {}, 200, "ab"],
    ["HEAD", "/?q=1", { method: "HEAD" }, 200, ""],
    ["no content", "/none", {}, 204, ""],
    ["a redirect", "/redirect", { redirect: "manual" }, 302, "Found. Redirecting to /"],
    ["an error of an async handler", "/async-fails", {}, 500, "handled secret"],
    ["no route", "/nowhere", {}, 404, expect.stringContaining("Cannot GET /nowhere") as string],
  ])("%s", async (_name, path, init, status, body) => {
    const response = await ask(app, init, path);
    expect([response.status, await response.text()]).toEqual([status, body]);
  });

  test("each field is sent once, Set-Cookie lines are not joined, and ETags are compared", async () => {
    const written = await ask(app, {}, "/write");
    expect(written.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2; Path=/"]);
    expect([written.headers.get("x-a"), written.headers.get("x-powered-by")]).toEqual(["1", "Express"]);
    const first = await ask(app);
    expect(first.headers.get("content-length")).toBe(String((await first.text()).length));
    const etag = first.headers.get("etag") ?? "";
    const again = { "if-none-match": etag, "cache-control": "max-age=0" };
    expect((await ask(app, { headers: again })).status).toBe(304);
  });
});

describe("fromNode runs a bare listener", () => {
  test("that sees the request as node:http would show it", async () => {
    let seen: unknown;
    await ask(
      (req, res) => {
        const { method, url, httpVersion, headers, headersDistinct, complete } = req;
        const { remoteAddress, remoteFamily, localPort } = req.socket;
        seen = { method, url, httpVersion, a: headers["x-a"], all: headersDistinct["x-a"], complete };
        expect({ remoteAddress, remoteFamily }).toEqual({ remoteAddress: "127.0.0.1", remoteFamily: "IPv4" });
        expect([localPort, req.rawHeaders.length % 2]).toEqual([expect.any(Number), 0]);
        res.end();
      },
      { headers: { "X-A": "1" } },
      "/a%2Fb?x",
    );
    expect(seen).toEqual({ method: "GET", url: "/a%2Fb?x", httpVersion: "1.1", a: "1", all: ["1"], complete: true });
  });

  test("that reads by events", async () => {
    const response = await ask(
      (req, res) => {
        let length = 0;
        req.on("data", (piece: Buffer) => (length += piece.byteLength));
        req.on("end", () => res.writeHead(200, "Fine", { "X-Length": length }).end());
      },
      { method: "POST", body: "x".repeat(300_000) },
    );
    expect(response.headers.get("x-length")).toBe("300000");
  });

  test("that waits for a slow reader", async () => {
    const piece = Buffer.alloc(1024 * 1024, "x");
    let written = 0;
    let stopped = false;
    const port = await serve(async (_req, res) => {
      for (; written < 32; written++) {
        if (!res.write(piece)) {
          stopped = true;
          await once(res, "drain");
        }
      }
      res.end();
    });
    const req = httpRequest({ port, agent: false }).end();
    const [res] = (await once(req, "response")) as [IncomingMessage];
    let length = 0;
    for await (const chunk of res as AsyncIterable<Buffer>) length += chunk.byteLength;
    expect([length, stopped]).toEqual([32 * piece.byteLength, true]);
  });

  test("that flushes its head and then pipes a source", async () => {
    const gate = Promise.withResolvers<void>();
    const response = await ask(async (_req, res) => {
      res.writeHead(200, { "content-type": "text/plain" }).flushHeaders();
      await gate.promise;
      await pipeline(Readable.from(["a", "b", "c"]), res);
    });
    gate.resolve();
    expect(await response.text()).toBe("abc");
  });

  test("that gets the events of a response that was sent, and none of an aborted one", async () => {
    const events: string[] = [];
    const over = Promise.withResolvers<void>();
    await ask(
      (req, res) => {
        req.on("aborted", () => events.push("req aborted"));
        req.on("close", () => events.push("req close"));
        res.on("finish", () => events.push("res finish"));
        res.on("close", () => {
          events.push(`res close ${res.writableFinished}`);
          setImmediate(over.resolve);
        });
        res.end("unread request");
      },
      { method: "POST", body: "unread" },
    );
    await over.promise;
    expect(events.toSorted()).toEqual(["req close", "res close true", "res finish"]);
  });

  test("that gets the events of a client that is gone", async () => {
    const events: string[] = [];
    const over = Promise.withResolvers<void>();
    const port = await serve((req, res) => {
      req.on("aborted", () => events.push("req aborted"));
      res.on("close", () => {
        events.push(`res close ${res.writableFinished}`);
        over.resolve();
      });
      res.write("first");
    });
    const socket = connect(port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123");
    await once(socket, "data");
    socket.destroy();
    await over.promise;
    expect(events).toEqual(["req aborted", "res close false"]);
  });

  test.each<[string, Listener]>([
    ["throws", () => raise()],
    ["rejects", () => Promise.reject(new Error("secret"))],
    ["destroys the response", (_req, res) => void res.destroy(new Error("secret"))],
    ["destroys the socket", (req) => void req.socket.destroy()],
  ])("that %s before the head: the response is a 500", async (_name, listener) => {
    const response = await ask(listener);
    expect([response.status, await response.text()]).toEqual([500, "Internal Server Error\n"]);
  });

  test("that fails after the head: the connection is terminated", async () => {
    const response = ask((_req, res) => res.write("first", () => res.destroy(new Error("late"))));
    await expect(response.then((begun) => begun.text())).rejects.toThrow();
  });

  test.each<[string, string, number]>([
    ["HEAD", "HEAD", 200],
    ["a 204", "GET", 204],
    ["a 304", "GET", 304],
  ])("that writes without end to %s: the head is sent, and res emits close", async (_name, method, status) => {
    const closed = Promise.withResolvers<boolean>();
    const port = await serve((_req, res) => {
      const source = endless();
      res.writeHead(status, { "x-a": "1" });
      source.pipe(res);
      res.on("close", () => {
        source.destroy();
        closed.resolve(res.writableFinished);
      });
    });
    const response = await fetch(`http://127.0.0.1:${port}/`, { method });
    expect([response.status, response.headers.get("x-a"), await response.text()]).toEqual([status, "1", ""]);
    expect(await closed.promise).toBe(false);
  });

  test.each<[string, Listener]>([
    ["rejects", (_req, res) => new Promise((_resolve, reject) => res.end("ok", () => reject(new Error("late"))))],
    ["throws", (_req, res) => res.end("ok") && once(res, "close").then(() => raise("late"))],
  ])("that %s after the response: the error is logged", async (_name, listener) => {
    const logged = Promise.withResolvers<unknown>();
    logger.error.mockImplementationOnce((_message: string, error: unknown) => logged.resolve(error));
    const response = await ask(listener);
    expect([response.status, await response.text()]).toEqual([200, "ok"]);
    expect(await logged.promise).toMatchObject({ message: "late" });
  });

  test("that fails because the client is gone: nothing is logged", async () => {
    logger.error.mockClear();
    const failed = Promise.withResolvers<void>();
    const port = await serve(async (_req, res) => {
      res.write("first");
      await once(res, "close");
      setImmediate(failed.resolve);
      throw new Error("premature close");
    });
    const socket = connect(port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(socket, "data");
    socket.destroy();
    await failed.promise;
    expect(logger.error).not.toHaveBeenCalled();
  });

  test("on HTTP/2: content without a length is parsed, and a listener sees the version", async () => {
    const server = createHttp2Server(toNode(fromNode(app), { logger }) as never).listen(0, "127.0.0.1");
    await once(server, "listening");
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    servers.push(() => {
      session.destroy();
      server.close();
    });
    const stream = session.request({ ":method": "POST", ":path": "/json", "content-type": "application/json" });
    stream.write('{"a":');
    stream.end("1}");
    expect(await text(stream)).toBe('{"got":{"a":1}}');
  });

  test("that is not a function: fromNode says so", () => {
    expect(() => fromNode({} as Listener)).toThrow(
      "fromNode takes a listener (req, res), such as an Express app, not an object",
    );
  });

  test("that reads socket.address(), as of node:net", async () => {
    let seen: unknown;
    const port = await serve((req, res) => {
      const { socket } = req;
      seen = { address: socket.address(), encrypted: "encrypted" in socket, family: socket.localFamily };
      res.end();
    });
    await fetch(`http://127.0.0.1:${port}/`);
    const address = { address: "127.0.0.1", family: "IPv4", port };
    expect(seen).toEqual({ address, encrypted: false, family: "IPv4" });
  });

  test("that reads and writes trailers, and sends informational responses", async () => {
    const hints: string[] = [];
    await using client = await createTestClient(
      fromNode((req, res) => {
        res.writeEarlyHints({ link: "</a.css>; rel=preload; as=style" });
        req.resume().on("end", () => {
          res.writeHead(200, { Trailer: "X-Sum" });
          res.write("body");
          res.addTrailers({ "X-Sum": "4" });
          res.end();
        });
      }),
    );
    const response = await client.request("/", {
      method: "POST",
      body: "content",
      exchange: { sendInformational: (status, fields) => void hints.push(`${status} ${JSON.stringify(fields)}`) },
    });
    expect([response.text(), response.trailers.get("x-sum")]).toEqual(["body", "4"]);
    expect(hints).toEqual(['103 [["Link","</a.css>; rel=preload; as=style"]]']);

    const port = await serve((req, res) => void req.resume().on("end", () => res.end(req.trailers["x-sum"])));
    const socket = connect(port, "127.0.0.1");
    const head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    socket.write(`${head}1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n`);
    expect(await text(socket)).toMatch(/\r\n\r\n7$/);
  });

  test("whose whole body is one piece of the response if it was written in one turn", async () => {
    const application = fromNode((_req, res) => res.end("whole"));
    await using client = await createTestClient({
      fetch: async (request, exchange) => {
        const response = await application.fetch(request, exchange);
        expect(response.body).toEqual(Buffer.from("whole"));
        return response;
      },
    });
    expect((await client.request("/")).text()).toBe("whole");
  });
});

function raise(message = "secret"): never {
  throw new Error(message);
}

function endless(): Readable {
  return new Readable({
    read() {
      setImmediate(() => this.push("x".repeat(1000)));
    },
  });
}
