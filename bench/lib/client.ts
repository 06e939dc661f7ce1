/** Checks the responses of a server before a measurement, and holds idle connections. */
import { once } from "node:events";
import { connect, type ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { Workload } from "../workloads.ts";
import { HttpConnection } from "./http-connection.ts";

/**
 * Sends each write of the workload once, and compares the responses with the expected ones.
 * @throws Error with what arrived instead.
 */
export async function checkResponses(port: number, workload: Workload): Promise<void> {
  if (workload.transport === "h2") return checkHttp2(port, workload);
  const connection = await HttpConnection.open(port, workload.transport === "tls");
  try {
    for (const bytes of workload.writes) {
      connection.socket.write(bytes, "latin1");
      for (let index = 0; index < workload.pipelined; index++) {
        const { status, head, body } = await connection.next();
        checkResponse(workload, status, /^content-type: *(.*)$/im.exec(head)?.[1], body);
      }
    }
  } finally {
    connection.socket.destroy();
  }
}

async function checkHttp2(port: number, workload: Workload): Promise<void> {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  try {
    await once(session, "connect");
    for (const bytes of workload.writes) await checkStream(session, bytes.split(" ")[1] ?? "/", workload);
  } finally {
    session.destroy();
  }
}

async function checkStream(session: ClientHttp2Session, path: string, workload: Workload): Promise<void> {
  const stream = session.request({ ":path": path });
  const [headers] = (await once(stream, "response")) as [Readonly<Record<string, unknown>>];
  const body = await text(stream.setEncoding("latin1"));
  checkResponse(workload, Number(headers[":status"]), String(headers["content-type"]), body);
}

function checkResponse(workload: Workload, status: number, type: string | undefined, body: string): void {
  const { content, contentType } = workload;
  if (status !== workload.status) throw new Error(`the status was ${status}, not ${workload.status}`);
  if (content !== null && body !== content) throw new Error(`the content was ${JSON.stringify(body.slice(0, 200))}`);
  if (type?.startsWith(contentType) !== true && contentType !== "")
    throw new Error(`the Content-Type was ${String(type)}`);
}

/** Opens idle connections that have received one response each. */
export async function openIdle(
  port: number,
  { writes, transport }: Workload,
  count: number,
): Promise<readonly Socket[]> {
  const connections = await HttpConnection.openMany(count, port, { tls: transport === "tls", first: writes[0] ?? "" });
  return connections.map(({ socket }) => socket);
}
