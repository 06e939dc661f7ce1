/** The limit: node:net or node:tls without parsing. It counts bytes, and sends the responses to all requests of one read in one write. */
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { WORKLOADS } from "../workloads.ts";
import { portOf, ready, tls } from "./control.ts";

const workload = WORKLOADS.find(({ name }) => name === process.argv[2]);
if (workload === undefined) throw new Error("The limit must know the workload: its name is the first argument");
const { writes, pipelined, contentType } = workload;
const content = workload.content ?? "";
const requestBytes = (writes[0] ?? "").length / pipelined;
const response = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\nDate: ${new Date().toUTCString()}\r\n` +
    `Content-Length: ${content.length}\r\n\r\n${content}`,
  "latin1",
);
const responses: Buffer[] = [];

const respond = (socket: Socket) => {
  let received = 0;
  socket.on("data", (bytes) => {
    received += bytes.length;
    const count = Math.floor(received / requestBytes);
    received -= count * requestBytes;
    if (count > 0) socket.write((responses[count] ??= Buffer.concat(Array.from({ length: count }, () => response))));
  });
  socket.on("error", () => socket.destroy());
};
const options = { noDelay: true };
const server = tls === null ? createServer(options, respond) : createTlsServer({ ...options, ...tls }, respond);
server.listen(0, "127.0.0.1", () => ready(portOf(server.address())));
