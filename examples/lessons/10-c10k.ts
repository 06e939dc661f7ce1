/**
 * 10 Ten thousand connections at the same time, and their client.
 *
 * A process for each of 10,000 clients needs gigabytes; one loop needs some kilobytes for a connection. The client opens all
 * connections first, and then sends a request on each.
 *
 *     $ node 10-c10k.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ node 10-c10k.ts 7788 200
 *     200 connections are open
 *     200 responses
 *
 * For 10,000 raise the limit of open files first, in both terminals: `ulimit -n 20000`.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { serve } from "@tsgi/server/socket";

const [port = "7788", count] = process.argv.slice(2);

if (count === undefined) {
  const server = await serve(() => ({ status: 200, body: "hello\n" }), { port: Number(port) });
  console.log(server.url);
} else {
  const sockets = Array.from({ length: Number(count) }, () => connect(Number(port), "127.0.0.1"));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  console.log(`${sockets.length} connections are open`);
  const responses = await Promise.all(
    sockets.map((socket) => {
      socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      return once(socket, "data");
    }),
  );
  console.log(`${responses.length} responses`);
  for (const socket of sockets) socket.destroy();
}

/**
 * Exercise: print the memory of the server (`process.memoryUsage.rss()`) before and after, and divide.
 * Question: a client address has at most 65,535 ports; how can one machine open more connections to a server?
 */
