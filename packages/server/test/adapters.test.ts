/** The adapters of gateway-spec on real sockets: Hono, Express, WSGI and ASGI applications on both servers. */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { asgi } from "@tsgi/gateway-spec/asgi";
import { eventStream } from "@tsgi/gateway-spec/events";
import { fromFetch } from "@tsgi/gateway-spec/fetch";
import { fromNode } from "@tsgi/gateway-spec/node";
import { wsgi } from "@tsgi/gateway-spec/wsgi";
import type { Application, Server } from "@tsgi/gateway-spec";
import { serve as serveNode } from "@tsgi/server/node";
import { serve as serveSocket } from "@tsgi/server/socket";
import express from "express";
import { Hono } from "hono";
import { stream } from "hono/streaming";
import { afterEach, describe, expect, test } from "vitest";
import { selfSigned } from "../src/tls/self-signed.ts";

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe.each([
  ["socket", serveSocket],
  ["node", serveNode],
])("on the %s server", (_name, serve) => {
  async function start<State>(application: Application<State>): Promise<Server> {
    const server = await serve(application, { logger, shutdownTimeoutMs: 100 });
    servers.push(server);
    return server;
  }

  /** @returns the response to a request with an encoded path, a query, a field and content. */
  async function ask<State>(application: Application<State>): Promise<unknown> {
    const { url } = await start(application);
    const response = await fetch(new URL("/echo/a%20b?q=1", url), {
      method: "POST",
      body: "x".repeat(100_000),
      headers: { "x-name": "n" },
    });
    return [response.status, response.headers.getSetCookie(), await response.text()];
  }
  const expected = [201, ["a=1", "b=2"], "POST a b 1 n 100000"];

  test("a Hono app gets the request", async () => {
    const app = new Hono().post("/echo/:name", async (c) => {
      c.header("set-cookie", "a=1", { append: true });
      c.header("set-cookie", "b=2", { append: true });
      const length = (await c.req.text()).length;
      return c.text(`POST ${c.req.param("name")} ${c.req.query("q")} ${c.req.header("X-Name")} ${length}`, 201);
    });
    expect(await ask(fromFetch(app))).toEqual(expected);
  });

  test("an Express app gets the request", async () => {
    const app = express().post("/echo/:name", (req, res) => {
      let length = 0;
      req.on("data", (piece: Buffer) => (length += piece.byteLength));
      req.on("end", () => {
        const { name } = req.params;
        res.status(201).append("set-cookie", ["a=1", "b=2"]);
        res.write(`POST ${name} `);
        res.end(`${req.query["q"] as string} ${req.get("x-name") ?? ""} ${length}`);
      });
    });
    expect(await ask(fromNode(app))).toEqual(expected);
  });

  test("an Express app that reads the certificate of the client", async () => {
    const certificates = new URL("certificates/", import.meta.url);
    const pem = (name: string) => readFileSync(new URL(`${name}.pem`, certificates), "utf8");
    const app = express().get("/", (req, res) => {
      const { encrypted, authorized, servername } = req.socket as TLSSocket;
      const { subject, raw } = (req.socket as TLSSocket).getPeerCertificate();
      const protocol = (req.socket as TLSSocket).getProtocol();
      const address = Object.keys(req.socket.address());
      res.json({
        encrypted,
        authorized,
        servername,
        subject,
        raw: raw.byteLength,
        protocol,
        address,
        secure: req.secure,
      });
    });
    const server = await serve(fromNode(app), {
      logger,
      tls: { ...selfSigned(["a.test"]), clientCertificates: "request", clientAuthorities: pem("authority") },
    });
    servers.push(server);
    const { port } = new URL(server.url);
    const client = { cert: pem("client"), key: pem("client-key"), servername: "a.test", rejectUnauthorized: false };
    const [response] = (await once(get({ host: "127.0.0.1", port, agent: false, ...client }), "response")) as [
      IncomingMessage,
    ];
    expect(JSON.parse(await text(response))).toEqual({
      encrypted: true,
      authorized: true,
      servername: "a.test",
      subject: { O: "TSGI", CN: "alice" },
      raw: new X509Certificate(client.cert).raw.byteLength,
      protocol: "TLSv1.3",
      address: ["address", "family", "port"],
      secure: true,
    });
  });

  const cookies: [string, string][] = [
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
  ];

  test("a WSGI application gets the request", async () => {
    const application = wsgi((environ, startResponse) => {
      startResponse("201 Created", cookies);
      const { REQUEST_METHOD, PATH_INFO, QUERY_STRING } = environ;
      const name = PATH_INFO.slice("/echo/".length);
      const length = environ["wsgi.input"].read().byteLength;
      return [`${REQUEST_METHOD} ${name} ${QUERY_STRING.slice(2)} ${environ["HTTP_X_NAME"] as string} ${length}`];
    });
    expect(await ask(application)).toEqual(expected);
  });

  test("an ASGI application gets its lifespan and then the request", async () => {
    const application = asgi(async (scope, receive, send) => {
      if (scope.type === "lifespan") {
        await receive();
        scope.state["started"] = "1";
        await send({ type: "lifespan.startup.complete" });
        await receive();
        await send({ type: "lifespan.shutdown.complete" });
      }
      if (scope.type !== "http") return;
      let length = 0;
      for (let event = await receive(); event.type === "http.request"; event = await receive()) {
        length += event.body.byteLength;
        if (!event.more_body) break;
      }
      const name = scope.headers.find(([field]) => Buffer.from(field).toString() === "x-name")?.[1] ?? "";
      await send({ type: "http.response.start", status: 201, headers: cookies });
      await send({ type: "http.response.body", body: `${scope.method} ${scope.path.slice(6)} `, more_body: true });
      await send({ type: "http.response.body", body: `${scope.state["started"] as string} `, more_body: true });
      await send({ type: "http.response.body", body: `${Buffer.from(name).toString()} ${length}` });
    });
    expect(await ask(application)).toEqual(expected);
  });

  test("an ASGI application exchanges messages over a WebSocket", async () => {
    const gone = Promise.withResolvers<unknown>();
    const { url } = await start(
      asgi(async (scope, receive, send) => {
        if (scope.type !== "websocket") throw new Error("websocket only");
        await receive();
        if (scope.path === "/closed") {
          await send({ type: "websocket.close" });
          return;
        }
        await send({ type: "websocket.accept", subprotocol: scope.subprotocols[0] ?? null });
        for (;;) {
          const event = await receive();
          if (event.type !== "websocket.receive") {
            gone.resolve(event);
            return;
          }
          if (event.text === null) await send({ type: "websocket.send", bytes: event.bytes });
          else await send({ type: "websocket.send", text: `${event.text}!` });
        }
      }),
    );
    const socket = new WebSocket(new URL("/chat", url.replace("http", "ws")), ["chat"]);
    socket.binaryType = "arraybuffer";
    await once(socket, "open");
    socket.send("hello");
    const [text] = (await once(socket, "message")) as [{ data: unknown }];
    socket.send(new Uint8Array([1, 2]));
    const [bytes] = (await once(socket, "message")) as [{ data: ArrayBuffer }];
    expect([socket.protocol, text.data, [...new Uint8Array(bytes.data)]]).toEqual(["chat", "hello!", [1, 2]]);
    socket.close(4001, "enough");
    expect(await gone.promise).toEqual({ type: "websocket.disconnect", code: 4001, reason: "enough" });

    const handshake = "GET /closed HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    const { port, hostname } = new URL(url);
    const wire = connect(Number(port), hostname);
    wire.write(`${handshake}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`);
    const [refusal] = (await once(wire, "data")) as [Buffer];
    expect(refusal.toString()).toMatch(/^HTTP\/1\.1 403 /);
    wire.destroy();
  });

  test.each<[string, (gone: () => void) => Application]>([
    [
      "Hono",
      (gone) =>
        fromFetch(
          new Hono().get("/", (c) =>
            stream(c, async (out) => {
              out.onAbort(gone);
              await out.write("first");
              await new Promise((resolve) => {
                c.req.raw.signal.addEventListener("abort", resolve);
              });
            }),
          ),
        ),
    ],
    [
      "Express",
      (gone) =>
        fromNode(
          express().get("/", (_req, res) => {
            res.on("close", gone).write("first");
          }),
        ),
    ],
    [
      "ASGI",
      (gone) =>
        // The type of the table has no parameter for the State of each application.
        asgi(async (scope, receive, send) => {
          if (scope.type !== "http") throw new Error("http only");
          await receive();
          await send({ type: "http.response.start", status: 200 });
          await send({ type: "http.response.body", body: "first", more_body: true });
          if ((await receive()).type === "http.disconnect") gone();
        }) as Application,
    ],
  ])("%s is notified when the client is gone in the middle of a stream", async (_name, application) => {
    for (const leave of ["end", "resetAndDestroy"] as const) {
      const gone = Promise.withResolvers<void>();
      const { url } = await start(application(gone.resolve));
      const { port, hostname } = new URL(url);
      // The server may reset the connection.
      const socket = connect(Number(port), hostname).on("error", () => undefined);
      socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await once(socket, "data");
      socket[leave]();
      await gone.promise;
      socket.destroy();
    }
  });

  test.each<[string, (over: () => void) => Application]>([
    [
      "fromFetch cancels the stream",
      (over) =>
        fromFetch(() => {
          const pull = (body: ReadableStreamDefaultController) => {
            body.enqueue(Buffer.from("piece"));
          };
          return new Response(new ReadableStream({ pull, cancel: over }));
        }),
    ],
    [
      "fromNode closes the response",
      (over) =>
        fromNode((_req, res) => {
          const timer = setInterval(() => res.write("piece"), 5);
          res.on("close", () => {
            clearInterval(timer);
            over();
          });
        }),
    ],
    [
      "wsgi calls close()",
      (over) =>
        wsgi((_environ, startResponse) => {
          startResponse("200 OK", []);
          return {
            *[Symbol.iterator]() {
              for (;;) yield "piece";
            },
            close: over,
          };
        }),
    ],
    [
      "asgi raises in send",
      (over) =>
        asgi(async (scope, _receive, send) => {
          if (scope.type !== "http") throw new Error("http only");
          await send({ type: "http.response.start", status: 200 });
          try {
            for (;;) await send({ type: "http.response.body", body: "piece", more_body: true });
          } catch {
            over();
          }
        }) as Application,
    ],
    [
      "eventStream releases its source",
      (over) => ({
        fetch: () => {
          const next = () => Promise.resolve({ done: false, value: "event" } as const);
          const release = () => {
            over();
            return Promise.resolve({ done: true, value: undefined } as const);
          };
          return eventStream({ [Symbol.asyncIterator]: () => ({ next, return: release }) });
        },
      }),
    ],
  ])("%s when an endless response is one to HEAD", async (_name, application) => {
    const over = Promise.withResolvers<void>();
    const { url } = await start(application(over.resolve));
    const response = await fetch(url, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    await over.promise;
  });
});
