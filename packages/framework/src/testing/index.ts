/**
 * A client for an application's tests, without a server and without a socket. It keeps cookies, follows redirects where it is asked
 * to, and sends forms, JSON, files and WebSocket messages.
 *
 * @module @tsgi/framework/testing
 */
import type { Application, Exchange, Handler, HeaderFields, WebSocketOptions } from "@tsgi/gateway-spec";
import { createTestClient, type TestResponse } from "@tsgi/gateway-spec/testing";
import { fieldLines, type FieldLine } from "../response-fields.ts";
import { CookieJar } from "./cookie-jar.ts";
import { ApplicationSocket, type TestSocket } from "./socket-pair.ts";

export type { TestResponse } from "@tsgi/gateway-spec/testing";
export { CookieJar } from "./cookie-jar.ts";
export type { CloseReason, TestSocket } from "./socket-pair.ts";

/** What any request may have. */
export interface ClientOptions {
  /** Header fields beside the cookies and the content type. */
  readonly headers?: HeaderFields;
  /** Put behind the target as a query. An array gives one pair an item. */
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** How many redirects are followed at most; 303 and, for POST, 301 and 302 turn into GET (Fetch Standard §4.4). Default 0. */
  readonly maxRedirects?: number;
  /** Members of the exchange to replace, such as `{ encrypted: true }`. */
  readonly exchange?: Partial<Exchange>;
}

/** A request with content, of one kind at most. */
export interface ClientRequest extends ClientOptions {
  /** Sent as `application/json`. */
  readonly json?: unknown;
  /** Sent as `application/x-www-form-urlencoded`. An array gives one field an item. */
  readonly form?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as `multipart/form-data`, files included. */
  readonly multipart?: FormData;
  /** Sent as it is: a string as UTF-8, an iterable piece by piece. Set `content-type` in `headers`. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
}

/** What the handshake of a WebSocket has. */
export interface WebSocketRequest {
  /** Header fields of the handshake. */
  readonly headers?: HeaderFields;
  /** The subprotocols that the client offers. */
  readonly protocols?: readonly string[];
}

/** A client of one application, in its process. It keeps cookies between requests. */
export interface Client extends AsyncDisposable {
  /** The cookies that the application has set. */
  readonly cookies: CookieJar;
  /** @param target path and query, or an absolute URL. Default authority `http://test.localhost`. */
  request(method: string, target: string, request?: ClientRequest): Promise<TestResponse>;
  get(target: string, options?: ClientOptions): Promise<TestResponse>;
  post(target: string, request?: ClientRequest): Promise<TestResponse>;
  put(target: string, request?: ClientRequest): Promise<TestResponse>;
  patch(target: string, request?: ClientRequest): Promise<TestResponse>;
  delete(target: string, request?: ClientRequest): Promise<TestResponse>;
  /** Opens a WebSocket. Rejects where the application does not accept it. */
  webSocket(target: string, request?: WebSocketRequest): Promise<TestSocket>;
  /** Shuts the application down. */
  close(): Promise<void>;
}

/** Starts an application in this process. Rejects with what its `startup` threw. */
export async function testClient<State>(application: Application<State> | Handler): Promise<Client> {
  const inner = await createTestClient(application);
  const cookies = new CookieJar();
  const sockets = new Set<ApplicationSocket>();
  // As a server that shuts down: an application that waits for a message would else keep it from closing.
  const close = () => {
    for (const socket of sockets) socket.terminate(GOING_AWAY, "");
    return inner.close();
  };

  const request = async (method: string, target: string, options: ClientRequest = {}): Promise<TestResponse> => {
    let url = withQuery(withoutFragment(new URL(target, "http://test.localhost")), options.query);
    let content = await contentOf(options);
    let currentMethod = method;
    for (let redirects = 0; ; redirects++) {
      const given = fieldLines(options.headers);
      const names = new Set(given.map(([name]) => name.toLowerCase()));
      const cookie = cookies.fieldFor(url.pathname);
      const headers: readonly FieldLine[] = [
        ...(content.type === null || names.has("content-type") ? [] : [["content-type", content.type] as const]),
        ...(cookie === null || names.has("cookie") ? [] : [["cookie", cookie] as const]),
        ...given,
      ];
      const response = await inner.request(url.href, {
        method: currentMethod,
        headers,
        ...(content.body === null ? {} : { body: content.body }),
        ...(options.exchange === undefined ? {} : { exchange: options.exchange }),
      });
      cookies.receive(setCookieLines(response), url.pathname);
      const location = response.headers.get("location");
      if (location === null || response.status < 300 || redirects >= (options.maxRedirects ?? 0)) return response;
      url = withoutFragment(new URL(location, url));
      const becomesGet = response.status === 303 || (response.status < 303 && currentMethod === "POST");
      if (becomesGet && currentMethod !== "HEAD") {
        currentMethod = "GET";
        content = { type: null, body: null };
      }
    }
  };

  const webSocket = async (target: string, { headers, protocols = [] }: WebSocketRequest = {}): Promise<TestSocket> => {
    let accepted: ApplicationSocket | null = null;
    const url = new URL(target, "http://test.localhost");
    const upgradeWebSocket = (options: WebSocketOptions = {}) => {
      if (options.protocol !== undefined && !protocols.includes(options.protocol)) {
        throw new TypeError(`The client did not offer the protocol "${options.protocol}"`);
      }
      accepted = new ApplicationSocket(url.href.replace(/^http/, "ws"), options);
      // It has the members that an application uses; the type has those of an end with a network too.
      return { socket: accepted as unknown as WebSocket, response: { status: 101, headers: options.headers ?? {} } };
    };
    const response = await request("GET", target, {
      headers: [
        ["connection", "upgrade"],
        ["upgrade", "websocket"],
        ["sec-websocket-version", "13"],
        ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
        ...(protocols.length === 0 ? [] : [["sec-websocket-protocol", protocols.join(", ")] as const]),
        ...fieldLines(headers),
      ],
      exchange: { upgradeWebSocket },
    });
    const socket = accepted as ApplicationSocket | null;
    if (response.status !== 101 || socket === null) {
      throw new Error(`The application did not accept the WebSocket: it sent ${response.status} ${response.text()}`);
    }
    sockets.add(socket);
    socket.open();
    return socket.peer;
  };

  return {
    cookies,
    request,
    get: (target, options) => request("GET", target, options),
    post: (target, options) => request("POST", target, options),
    put: (target, options) => request("PUT", target, options),
    patch: (target, options) => request("PATCH", target, options),
    delete: (target, options) => request("DELETE", target, options),
    webSocket,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** RFC 6455 §7.4.1: "a server going down". */
const GOING_AWAY = 1001;

interface Content {
  readonly type: string | null;
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array> | null;
}

async function contentOf({ json, form, multipart, body }: ClientRequest): Promise<Content> {
  const kinds = [json, form, multipart, body].filter((kind) => kind !== undefined);
  if (kinds.length > 1) throw new TypeError("Give one of json, form, multipart and body, not several");
  if (json !== undefined) return { type: "application/json", body: JSON.stringify(json) };
  if (form !== undefined) {
    return { type: "application/x-www-form-urlencoded", body: new URLSearchParams(pairsOf(form)).toString() };
  }
  if (multipart !== undefined) {
    const encoded = new Response(multipart);
    return { type: encoded.headers.get("content-type"), body: await encoded.bytes() };
  }
  return { type: null, body: body ?? null };
}

/** A client does not send the fragment (RFC 9110 §7.1). */
function withoutFragment(url: URL): URL {
  url.hash = "";
  return url;
}

function withQuery(url: URL, query: ClientOptions["query"] = {}): URL {
  for (const [name, value] of pairsOf(query)) url.searchParams.append(name, value);
  return url;
}

function pairsOf(record: Readonly<Record<string, string | number | boolean | readonly string[]>>): [string, string][] {
  return Object.entries(record).flatMap(([name, value]) =>
    (typeof value === "object" ? value : [value]).map((item): [string, string] => [name, String(item)]),
  );
}

function setCookieLines({ headers }: TestResponse): readonly string[] {
  return [...headers].filter(([name]) => name === "set-cookie").map(([, value]) => value);
}
