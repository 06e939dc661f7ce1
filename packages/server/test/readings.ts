/** Describes how two parsers interpret the bytes of one connection, in one format: the codec, and the parser of node:http. */
import { createServer, type IncomingMessage, ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import { RequestError, RequestParser } from "../src/http1/index.ts";

/** A message whose head was accepted. Text is Latin-1, one character for each byte. */
export interface Message {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  /** "name: value" for each field line, the name in lower case. */
  readonly fields: readonly string[];
  /** Whether the connection would continue after it. */
  readonly keepAlive: boolean;
  content: string;
  trailers: readonly string[];
  complete: boolean;
}

export interface Reading {
  readonly messages: readonly Message[];
  /** Why the bytes after the messages, or the content of the last one, were rejected; `null` if they were not. */
  readonly refused: string | null;
}

/** The reading of the codec, fed piece by piece. */
export function ourReading(pieces: readonly Buffer[], parser: RequestParser = new RequestParser()): Reading {
  const messages: Message[] = [];
  try {
    for (const piece of pieces) {
      parser.push(piece);
      for (let event = parser.next(); event !== null; event = parser.next()) {
        const last = messages.at(-1);
        if (event.kind === "request") {
          const { method, target, minorVersion, keepAlive, contentLength } = event;
          const fields = lines(event.fields);
          const complete = contentLength === 0;
          messages.push({
            method,
            target,
            version: `1.${minorVersion}`,
            fields,
            keepAlive,
            content: "",
            trailers: [],
            complete,
          });
        } else if (event.kind === "data") {
          if (last !== undefined) last.content += event.bytes.toString("latin1");
        } else if (last !== undefined) {
          last.trailers = lines(event.trailers);
          last.complete = true;
        }
      }
    }
    return { messages, refused: null };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { messages, refused: error.code };
  }
}

interface NodeMessage {
  readonly request: IncomingMessage;
  /** Whether the listener received it. */
  handled: boolean;
  keepAlive: boolean;
  content: string;
  complete: boolean;
}

/** Collects how node's server interprets a connection. */
class NodeConnection extends Duplex {
  readonly seen: NodeMessage[] = [];
  error: string | null = null;

  override _read(): void {
    // The bytes are pushed.
  }

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

/** Every head that node's parser accepts gets one of these, also if node itself responds: no Host (400), unknown Expect (417). */
class RecordingResponse extends ServerResponse {
  readonly message: NodeMessage;

  constructor(request: IncomingMessage) {
    super(request);
    this.message = { request, handled: false, keepAlive: false, content: "", complete: false };
    (request.socket as Duplex as NodeConnection).seen.push(this.message);
  }
}

// Node's declaration requires a generic class, which createServer() does not use.
const AnyResponse = RecordingResponse as unknown as typeof ServerResponse;

const nodeServer = createServer({ ServerResponse: AnyResponse, insecureHTTPParser: false }, (request, response) => {
  const { message } = response as RecordingResponse;
  message.handled = true;
  message.keepAlive = response.shouldKeepAlive;
  request.on("data", (bytes: Buffer) => {
    message.content += bytes.toString("latin1");
  });
  request.on("end", () => {
    message.complete = request.complete;
    response.end();
  });
  request.on("error", () => undefined);
});
// Without this, node silently drops fields beyond a number.
nodeServer.maxHeadersCount = 0;
nodeServer.on("clientError", (error: NodeJS.ErrnoException, socket) => {
  (socket as NodeConnection).error ??= error.code ?? error.message;
});

/** The readings of node:http, each on a separate connection in memory. */
export async function nodeReadings(cases: readonly Buffer[]): Promise<Reading[]> {
  const connections = cases.map((bytes) => {
    const connection = new NodeConnection();
    connection.on("error", () => undefined);
    nodeServer.emit("connection", connection);
    connection.push(bytes);
    return connection;
  });
  // Content is delivered in turns of the event loop. Nothing else is awaited, so a few turns are enough for all.
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
  return connections.map((connection) => {
    const reading = nodeReading(connection);
    connection.destroy();
    return reading;
  });
}

function nodeReading({ seen, error }: NodeConnection): Reading {
  const firstRefused = seen.findIndex((message) => !message.handled);
  const accepted = firstRefused === -1 ? seen : seen.slice(0, firstRefused);
  const messages = accepted.map(({ request, keepAlive, content, complete }) => ({
    method: request.method ?? "",
    target: request.url ?? "",
    version: request.httpVersion,
    fields: lines(request.rawHeaders),
    keepAlive,
    content,
    trailers: lines(request.rawTrailers),
    complete,
  }));
  return { messages, refused: firstRefused === -1 ? error : "rejected by node itself" };
}

function lines(fields: readonly string[]): string[] {
  const result: string[] = [];
  for (let i = 0; i < fields.length; i += 2) result.push(`${(fields[i] ?? "").toLowerCase()}: ${fields[i + 1]}`);
  return result;
}
