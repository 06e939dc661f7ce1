/** TLS on both servers, by clients of node:tls and in raw bytes. */
import { once } from "node:events";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  connect as connectTls,
  createServer as createTlsServer,
  type ConnectionOptions,
  type TLSSocket,
} from "node:tls";
import type { Handler, Server, TlsInfo } from "@tsgi/gateway-spec";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { serve as serveNode } from "../src/node-http/index.ts";
import { listen as listenNode } from "../src/node-http/listen.ts";
import { DEFAULT_LIMITS, type SocketServeOptions, type TlsOptions } from "../src/options.ts";
import { serve as serveSocket } from "../src/socket/index.ts";
import { listen as listenSocket } from "../src/socket/listen.ts";
import { Certificates } from "../src/tls/certificates.ts";
import { TlsHandshakes } from "../src/tls/handshakes.ts";
import { selfSigned } from "../src/tls/self-signed.ts";
import { ManualClock } from "./manual-clock.ts";
import { CLIENTS_SEE_RESETS } from "./resets.ts";
import { get, lastContent, WireClient } from "./wire-client.ts";

const certificate = (name: string) => readFile(new URL(`certificates/${name}.pem`, import.meta.url), "utf8");
const authority = await certificate("authority");
const alice = { cert: await certificate("client"), key: await certificate("client-key") };
const mallory = { cert: await certificate("stranger"), key: await certificate("stranger-key") };

/** A certificate for localhost. */
const pair = selfSigned();

const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const servers: Server[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => server.close()));
  vi.resetAllMocks();
});

const hello: Handler = () => ({ status: 200, body: "hello" });

/** A client that trusts the certificate of the server. */
function secure(server: Server, options: ConnectionOptions = {}): WireClient {
  const { address } = server;
  if (address.transport !== "tcp") throw new Error("no port");
  const target: ConnectionOptions & { readonly allowHalfOpen: boolean } = {
    port: address.port,
    host: address.hostname,
    servername: "localhost",
    ca: pair.cert,
    allowHalfOpen: true,
    ...options,
  };
  return follow(new WireClient(address, connectTls(target)));
}

function plain({ address }: Server): WireClient {
  return follow(new WireClient(address));
}

function follow(client: WireClient): WireClient {
  sockets.push(client.socket);
  return client;
}

/** @returns the socket after its handshake, or the code of the error. */
async function handshake(client: WireClient): Promise<TLSSocket | string> {
  const socket = client.socket as TLSSocket;
  const failed = once(socket, "close").then(() => "closed");
  const error = new Promise<string>((resolve) => {
    socket.once("error", (cause: NodeJS.ErrnoException) => {
      resolve(cause.code ?? cause.message);
    });
  });
  return Promise.race([once(socket, "secureConnect").then(() => socket), error, failed.then(() => error)]);
}

describe.each([
  ["socket", serveSocket, listenSocket],
  ["node", serveNode, listenNode],
])("%s over TLS", (_name, serve, listen) => {
  const start = async (handler: Handler, options: SocketServeOptions = {}): Promise<Server> => {
    const server = await serve(handler, { logger, tls: pair, ...options });
    servers.push(server);
    return server;
  };

  test("the exchange says that it is encrypted, and has the parameters of TLS", async () => {
    let seen: { url: string; encrypted: boolean; tls: TlsInfo | null } | undefined;
    const server = await start((incoming, exchange) => {
      seen = { url: incoming.url, encrypted: exchange.encrypted, tls: exchange.tls };
      return { status: 200, body: "hello" };
    });
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/$/);
    const client = secure(server, { ALPNProtocols: ["http/1.1"] });
    expect(lastContent(await client.send(get("/a?b", "Connection: close")).end())).toBe("hello");
    expect(seen).toEqual({
      url: "https://test/a?b",
      encrypted: true,
      tls: {
        version: "TLSv1.3",
        cipher: expect.stringMatching(/^TLS_/) as string,
        serverName: "localhost",
        applicationProtocol: "http/1.1",
        clientCertificate: null,
      },
    });
  });

  test("members of exchange.tls that the client did not send are null", async () => {
    let tls: TlsInfo | null = null;
    const server = await start((_request, exchange) => {
      ({ tls } = exchange);
      return { status: 200 };
    });
    await secure(server, { servername: "", maxVersion: "TLSv1.2", checkServerIdentity: () => undefined })
      .send(get("/", "Connection: close"))
      .end();
    expect(tls).toMatchObject({ version: "TLSv1.2", serverName: null, applicationProtocol: null });
  });

  test("a client of node:https sends content and keeps the connection", async () => {
    const server = await start(async (incoming, exchange) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of incoming.body ?? []) pieces.push(piece);
      return { status: 200, body: `${exchange.protocol} ${Buffer.concat(pieces).length}` };
    });
    const agent = new Agent({ keepAlive: true });
    const outgoing = request(server.url, { method: "POST", ca: pair.cert, agent });
    outgoing.end("x".repeat(100_000));
    const [response] = (await once(outgoing, "response")) as [AsyncIterable<Buffer>];
    const received: Buffer[] = [];
    for await (const piece of response) received.push(piece);
    expect(Buffer.concat(received).toString()).toBe("1.1 100000");
    expect(Object.values(agent.freeSockets)).toHaveLength(1);
    agent.destroy();
  });

  test("TLS 1.1 is refused, and TLS 1.2 with `minVersion: TLSv1.3`", async () => {
    const older = await start(hello);
    expect(await handshake(secure(older, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1" }))).toMatch(/^ERR_SSL_/);
    const newer = await start(hello, { tls: { ...pair, minVersion: "TLSv1.3" } });
    expect(await handshake(secure(newer, { maxVersion: "TLSv1.2" }))).toMatch(/^ERR_SSL_.*VERSION/);
  });

  test("a TLS 1.2 client cannot renegotiate", async () => {
    const client = secure(await start(hello, { shutdownTimeoutMs: 0 }), { maxVersion: "TLSv1.2" });
    await client.send(get("/")).until("hello");
    const socket = client.socket as TLSSocket;
    const refused = once(socket, "error");
    const done = new Promise((resolve) => socket.renegotiate({}, () => resolve("negotiated")));
    expect(await Promise.race([refused, done])).toMatchObject([{ code: "ERR_SSL_NO_RENEGOTIATION" }]);
  });

  test("serverNames have their certificates, a wildcard matches one label, other names get the first certificate", async () => {
    const one = selfSigned(["one.test"]);
    const many = selfSigned(["*.many.test"]);
    const server = await start(hello, { tls: { ...pair, serverNames: { "One.test": one, "*.many.test": many } } });
    const shown = async (servername: string) => {
      const client = secure(server, { servername, rejectUnauthorized: false });
      const socket = (await handshake(client)) as TLSSocket;
      return socket.getPeerX509Certificate()?.toString();
    };
    expect(await shown("one.test")).toBe(one.cert);
    expect(await shown("ONE.test")).toBe(one.cert);
    expect(await shown("a.many.test")).toBe(many.cert);
    expect(await shown("b.a.many.test")).toBe(pair.cert);
    expect(await shown("many.test")).toBe(pair.cert);
    expect(await shown("")).toBe(pair.cert);
  });

  describe("client certificates", () => {
    const asked = (clientCertificates: NonNullable<TlsOptions["clientCertificates"]>): TlsOptions => ({
      ...pair,
      clientCertificates,
      clientAuthorities: authority,
      serverNames: { "other.test": pair },
    });
    /** With TLS 1.3 a client gets the refusal at its first read. */
    const ask = async (server: Server, options: ConnectionOptions) =>
      lastContent(await secure(server, options).send(get("/", "Connection: close")).end());
    const subjectOf: Handler = (_request, exchange) => {
      const shown = exchange.tls?.clientCertificate;
      return {
        status: 200,
        body: shown ? `${shown.subject} ${shown.authorized} ${shown.raw.length > 0}` : "no certificate",
      };
    };

    test("none: no certificate is requested", async () => {
      expect(await ask(await start(subjectOf), alice)).toBe("no certificate");
    });

    test("request: the exchange has the certificate, and whether an authority has signed it", async () => {
      const server = await start(subjectOf, { tls: asked("request") });
      expect(await ask(server, alice)).toBe("alice true true");
      expect(await ask(server, mallory)).toBe("mallory false true");
      expect(await ask(server, {})).toBe("no certificate");
    });

    test.each(["TLSv1.2", "TLSv1.3"] as const)(
      "require: a %s client without an authorized certificate is refused",
      async (version) => {
        const handler = vi.fn(subjectOf);
        const server = await start(handler, { tls: asked("require") });
        const limits = { minVersion: version, maxVersion: version };
        expect(await ask(server, { ...limits, ...mallory })).toBe("");
        expect(await ask(server, limits)).toBe("");
        expect(handler).not.toHaveBeenCalled();
        expect(logger.warn.mock.calls.map(([line]) => String(line))).toEqual([
          expect.stringMatching(/^Refused a TLS connection from .*: its certificate: DEPTH_ZERO_SELF_SIGNED_CERT$/),
          expect.stringMatching(
            /^Refused a TLS connection from 127\.0\.0\.1: ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE$/,
          ),
        ]);
        expect(await ask(server, { ...limits, ...alice })).toBe("alice true true");
      },
    );

    test.each(["TLSv1.2", "TLSv1.3"] as const)(
      "a resumed %s session has the certificate of the first one",
      async (version) => {
        const server = await start(subjectOf, { tls: asked("require") });
        for (const servername of ["localhost", "other.test"]) {
          const options = { ...alice, servername, rejectUnauthorized: false, maxVersion: version };
          const first = secure(server, options);
          const ticket = once(first.socket, "session") as Promise<[Buffer]>;
          first.send(get("/"));
          await first.until("alice true true");
          const [session] = await ticket;
          const second = secure(server, { ...options, session });
          await second.send(get("/")).until("alice true true");
          expect((second.socket as TLSSocket).isSessionReused()).toBe(true);
        }
      },
    );

    test("a self-signed certificate takes the other options", async () => {
      const server = await start(() => ({ status: 200 }), {
        tls: { cert: "self-signed", clientCertificates: "require", clientAuthorities: authority },
      });
      const anyone = { ca: undefined, rejectUnauthorized: false };
      expect(
        await secure(server, { ...anyone, ...alice })
          .send(get("/", "Connection: close"))
          .end(),
      ).toContain(" 200 ");
      expect(
        await secure(server, anyone)
          .send(get("/", "Connection: close"))
          .end()
          .catch(() => ""),
      ).not.toContain(" 200 ");
    });

    test("without clientAuthorities the server does not start", async () => {
      const tls: TlsOptions = { ...pair, clientCertificates: "require" };
      await expect(serve(hello, { tls, logger })).rejects.toMatchObject({ code: "BAD_CERTIFICATE" });
    });
  });

  describe("with a certificate that cannot be used", () => {
    test.each([
      ["a key of another certificate", { cert: pair.cert, key: selfSigned().key }, { code: "BAD_CERTIFICATE" }],
      ["text that is not a certificate", { ...pair, cert: "-----BEGIN CERTIFICATE-----" }, { code: "BAD_CERTIFICATE" }],
      ["a file that does not exist", { ...pair, key: "/nowhere/key.pem" }, { code: "ENOENT" }],
    ])("%s: the server does not start", async (_what, tls, error) => {
      const startup = vi.fn();
      await expect(serve({ startup, fetch: hello }, { tls, logger })).rejects.toMatchObject(error);
      expect(startup).not.toHaveBeenCalled();
    });

    test("TLS on a Unix domain socket is rejected", async () => {
      await expect(serve(hello, { tls: pair, path: join(tmpdir(), "never.sock"), logger })).rejects.toThrow(TypeError);
    });
  });

  describe("a client of another protocol", () => {
    test("that sends plain HTTP is logged and closed, and the next client is served", async () => {
      const server = await start(hello);
      await plain(server).send(get("/")).end();
      expect(logger.warn.mock.calls).toEqual([["Refused a TLS connection from 127.0.0.1: ERR_SSL_HTTP_REQUEST"]]);
      expect(lastContent(await secure(server).send(get("/", "Connection: close")).end())).toBe("hello");
    });

    test("that connects and closes is not logged", async () => {
      const server = await start(hello);
      const client = plain(server);
      client.socket.end();
      await client.end();
      expect(lastContent(await secure(server).send(get("/", "Connection: close")).end())).toBe("hello");
      expect(logger.warn).not.toHaveBeenCalled();
    });
  });

  describe("the end of a response", () => {
    const CLOSE_NOTIFY_RECORD = 21;

    /** @returns the type of the last TLS 1.2 record of the server, and whether it closed by a reset. */
    async function ending(server: Server): Promise<{ readonly record: number; readonly reset: boolean; text: string }> {
      if (server.address.transport !== "tcp") throw new Error("no port");
      const { port } = server.address;
      const raw: Buffer[] = [];
      let reset = false;
      const closed = Promise.withResolvers<void>();
      const relay = createServer({ allowHalfOpen: true }, (near) => {
        const far = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
        sockets.push(near, far);
        near.pipe(far);
        near.on("error", () => undefined);
        far.on("data", (bytes: Buffer) => {
          raw.push(bytes);
          near.write(bytes);
        });
        far.on("error", () => (reset = true));
        far.on("end", () => near.end());
        far.on("close", () => {
          near.destroy();
          closed.resolve();
        });
      });
      await once(relay.listen(0, "127.0.0.1"), "listening");
      const { port: relayed } = relay.address() as { readonly port: number };
      const client = secure(server, { port: relayed, maxVersion: "TLSv1.2" });
      const text = await client.send("GET / HTTP/1.0\r\n\r\n").end();
      await closed.promise;
      relay.close();
      const bytes = Buffer.concat(raw);
      let record = 0;
      for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) record = bytes[at] ?? 0;
      return { record, reset, text };
    }

    test("is a close_notify alert", async () => {
      const server = await start(() => ({ status: 200, body: "whole" }));
      expect(await ending(server)).toMatchObject({ record: CLOSE_NOTIFY_RECORD, reset: false });
    });

    test("is a close_notify alert too if the application awaits `completed`", async () => {
      const server = await start((_request, exchange) => {
        void exchange.completed.catch(() => undefined);
        return {
          status: 200,
          body: (async function* () {
            yield "one ";
            await new Promise(setImmediate);
            yield "two";
          })(),
        };
      });
      expect(await ending(server)).toMatchObject({
        record: CLOSE_NOTIFY_RECORD,
        reset: false,
        text: expect.stringMatching(/one two$/) as string,
      });
    });

    test("after a late error is a reset without close_notify", async () => {
      const gate = Promise.withResolvers<void>();
      const server = await start((_request, exchange) => {
        void exchange.completed.catch(() => undefined);
        return {
          status: 200,
          body: (async function* () {
            yield "half";
            await gate.promise;
            throw new Error("late");
          })(),
        };
      });
      const result = ending(server);
      gate.resolve();
      const { record, reset } = await result;
      expect(record).not.toBe(CLOSE_NOTIFY_RECORD);
      if (CLIENTS_SEE_RESETS) expect(reset).toBe(true);
    });
  });

  describe("certificate files", () => {
    let folder = "";
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), "tsgi-tls-"));
      return () => rm(folder, { recursive: true });
    });

    const put = async (name: string, content: string) => {
      // In one step, as the clients of certificate authorities do it.
      await writeFile(join(folder, `${name}.new`), content);
      await rename(join(folder, `${name}.new`), join(folder, name));
    };

    test("are read again when both have changed; a pair that does not match changes nothing", async () => {
      const clock = new ManualClock();
      const tls = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
      await put("cert.pem", pair.cert);
      await put("key.pem", pair.key);
      const server = await listen(hello, { logger, tls }, clock);
      servers.push(server);
      const shown = async () => {
        const socket = (await handshake(secure(server, { rejectUnauthorized: false }))) as TLSSocket;
        return socket.getPeerX509Certificate()?.toString();
      };
      expect(await shown()).toBe(pair.cert);
      const kept = secure(server);
      await kept.send(get("/")).until("hello");

      const logged = (level: "info" | "error") =>
        new Promise<unknown>((resolve) => logger[level].mockImplementationOnce(resolve));
      const renewed = selfSigned();
      const refused = logged("error");
      await put("cert.pem", renewed.cert);
      clock.advance(5000);
      expect(await refused).toMatch(/cannot be used; the old ones stay/);
      expect(await shown()).toBe(pair.cert);

      const taken = logged("info");
      await put("key.pem", renewed.key);
      clock.advance(5000);
      expect(await taken).toMatch(/have changed/);
      expect(await shown()).toBe(renewed.cert);
      await kept.send(get("/")).until("hello", 2);
    });
  });

  describe("handshakes", () => {
    const started = async (options: SocketServeOptions = {}) => {
      const clock = new ManualClock();
      const server = await listen(hello, { logger, tls: pair, ...options }, clock);
      servers.push(server);
      return { clock, server };
    };
    /** A client that starts a handshake, when the server has accepted it: a later client has been served. */
    const stuck = async (server: Server) => {
      const client = plain(server).send("\u0016\u0003\u0001");
      await once(client.socket, "connect");
      await secure(server).send(get("/")).until("hello");
      return client;
    };

    test("that do not end are closed after handshakeTimeoutMs", async () => {
      const { clock, server } = await started({ handshakeTimeoutMs: 3000 });
      const client = await stuck(server);
      clock.advance(3000);
      expect(logger.warn).not.toHaveBeenCalled();
      clock.advance(1000);
      expect(await client.end()).toBe("");
      expect(logger.warn.mock.calls).toEqual([
        ["Refused a TLS connection from 127.0.0.1: the handshake did not end in time"],
      ]);
    });

    test("count toward maxConnections", async () => {
      const { clock, server } = await started({ maxConnections: 2 });
      const client = await stuck(server);
      expect(await handshake(secure(server))).toMatch(/ECONNRESET|closed/);
      clock.advance(11_000);
      await client.end();
      const next = secure(server);
      await next.send(get("/")).until("hello");
    });

    test("that the client ends do not count any more, and are not logged", async () => {
      const { clock, server } = await started({ maxConnections: 2 });
      const client = await stuck(server);
      client.socket.end();
      await client.end();
      await secure(server).send(get("/")).until("hello");
      clock.advance(11_000);
      expect(logger.warn).not.toHaveBeenCalled();
    });

    test("count toward maxConnectionsPerClient", async () => {
      const { server } = await started({ maxConnectionsPerClient: 2 });
      await stuck(server);
      expect(await handshake(secure(server))).toMatch(/ECONNRESET|closed/);
    });

    test("are closed after drainIdleMs at shutdown", async () => {
      const { clock, server } = await started();
      const client = await stuck(server);
      const closed = server.close();
      clock.advance(2000);
      expect(await client.end()).toBe("");
      clock.advance(20_000);
      await closed;
    });
  });
});

describe("socket", () => {
  test("a client that offers only HTTP/1.0 by ALPN is served", async () => {
    const server = await serveSocket(hello, { logger, tls: pair });
    servers.push(server);
    const client = secure(server, { ALPNProtocols: ["http/1.0"] });
    expect(lastContent(await client.send("GET / HTTP/1.0\r\n\r\n").end())).toBe("hello");
  });

  test("a client that offers only HTTP/2 by ALPN is refused", async () => {
    const server = await serveSocket(hello, { logger, tls: pair });
    servers.push(server);
    expect(await handshake(secure(server, { ALPNProtocols: ["h2"] }))).toMatch(/NO_APPLICATION_PROTOCOL/);
    const socket = await handshake(secure(server, { ALPNProtocols: ["h2", "http/1.1"] }));
    expect(socket).toMatchObject({ alpnProtocol: "http/1.1" });
  });

  test("TLS on the plain port is logged and closed, and the next client is served", async () => {
    const server = await serveSocket(hello, { logger });
    servers.push(server);
    expect(await handshake(secure(server))).not.toHaveProperty("alpnProtocol");
    expect(logger.warn.mock.calls).toEqual([
      ["Closed a connection from 127.0.0.1: it speaks TLS, and this port does not"],
    ]);
    expect(lastContent(await plain(server).send(get("/", "Connection: close")).end())).toBe("hello");
  });
});

test('`tls: "self-signed"` serves with a certificate of its own', async () => {
  const server = await serveSocket(hello, { logger, tls: "self-signed" });
  servers.push(server);
  const client = secure(server, { rejectUnauthorized: false });
  expect(lastContent(await client.send(get("/", "Connection: close")).end())).toBe("hello");
});

test("certificates that cannot be used are logged once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tsgi-tls-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  await writeFile(cert, pair.cert);
  await writeFile(key, pair.key);
  onTestFinished(() => rm(folder, { recursive: true }));
  const certificates = await Certificates.load({ cert, key }, {}, logger);
  const listener = { setSecureContext: vi.fn() };
  await writeFile(cert, "not a certificate");
  await certificates.check(listener);
  await certificates.check(listener);
  expect(logger.error).toHaveBeenCalledTimes(1);
  await rm(cert);
  await certificates.check(listener);
  await certificates.check(listener);
  expect(logger.error).toHaveBeenCalledTimes(2);
  expect(listener.setSecureContext).not.toHaveBeenCalled();
});

test("a handshake that node times out is closed too", async () => {
  const certificates = await Certificates.load(pair, {}, logger);
  const listener = createTlsServer({ ...certificates.listenerOptions, handshakeTimeout: 1 });
  const context = { limits: DEFAULT_LIMITS, logger, drainIdleMs: 0 };
  const handshakes = new TlsHandshakes(
    listener,
    certificates,
    context,
    () => true,
    () => undefined,
  );
  await once(listener.listen(0, "127.0.0.1"), "listening");
  expect(handshakes.size).toBe(0);
  const { port } = listener.address() as { readonly port: number };
  const client = follow(new WireClient({ transport: "tcp", hostname: "127.0.0.1", port }));
  await client.end();
  expect(logger.warn.mock.calls).toEqual([["Refused a TLS connection from 127.0.0.1: ERR_TLS_HANDSHAKE_TIMEOUT"]]);
  listener.close();
});
