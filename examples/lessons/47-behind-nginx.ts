/**
 * 47 Behind nginx.
 *
 * A reverse proxy takes the clients' connections, serves files and passes on the rest. The application sees the proxy as its
 * client, unless it trusts the fields that the proxy writes. It trusts them from this proxy only: any client can write them.
 *
 *     $ tsgi 7789 ./47-behind-nginx.ts --trusted-proxies 127.0.0.1 &
 *     tsgi: http://127.0.0.1:7789/ (socket server, pid …)
 *     $ nginx -c "$PWD/47-nginx.conf"
 *     $ curl --interface 127.0.0.2 http://127.0.0.1:7788/hello
 *     http://127.0.0.1:7788/hello for 127.0.0.2, from 127.0.0.1
 *     $ curl --interface 127.0.0.2 -H 'X-Forwarded-For: 6.6.6.6' http://127.0.0.1:7789/hello
 *     http://127.0.0.1:7789/hello for 127.0.0.2, from 127.0.0.2
 *     $ nginx -c "$PWD/47-nginx.conf" -s quit
 *     …signal process started
 */
import type { Address, Handler } from "@tsgi/gateway-spec";

const nameOf = (address: Address | null) => (address?.transport === "tcp" ? address.hostname : "a Unix socket");

export const application: Handler = (request, { remoteAddress, peerAddress }) => ({
  status: 200,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: `${request.url} for ${nameOf(remoteAddress)}, from ${nameOf(peerAddress)}\n`,
});

/**
 * Exercise: start the application without `--trusted-proxies`; what is the address of the client then?
 * Question: which of the two must have the shorter idle timeout for the connections between them, and why?
 */
