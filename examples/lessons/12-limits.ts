/**
 * 12 Limits; short and long connections.
 *
 * A client may send without end, or nothing at all. A server needs a limit for each thing that a client can make it hold: bytes,
 * connections, time. A long connection saves a handshake for each request, and holds a place while it is idle.
 *
 *     $ node 12-limits.ts 7788 &
 *     http://127.0.0.1:7788/
 *     Refused a request from 127.0.0.1 with 413 REQUEST_BODY_TOO_LARGE: The request content is longer than 10 bytes
 *     $ curl -d 'ten bytes.' http://127.0.0.1:7788/
 *     10 bytes
 *     $ curl -d 'eleven byte' -w '%{http_code}\n' -o /dev/null http://127.0.0.1:7788/
 *     413
 *     $ curl -w 'new connections: %{num_connects}\n' 'http://127.0.0.1:7788/?[1-3]'
 *     0 bytes
 *     new connections: 1
 *     0 bytes
 *     new connections: 0
 *     0 bytes
 *     new connections: 1
 */
import { readBytes } from "@tsgi/gateway-spec/body";
import { serve } from "@tsgi/server/socket";

const server = await serve(
  async (request) => {
    const content = await readBytes(request);
    return { status: 200, body: `${content.length} bytes\n` };
  },
  {
    port: Number(process.argv[2] ?? 7788),
    maxBodyBytes: 10,
    maxRequestsPerConnection: 2,
    maxConnectionsPerClient: 100,
    headTimeoutMs: 5000,
    keepAliveTimeoutMs: 2000,
  },
);
console.log(server.url);

/**
 * Exercise: connect with `nc 127.0.0.1 7788`, send nothing, and wait for what the server does.
 * Question: which of the limits protects against a client that sends one byte of its head in each second?
 */
