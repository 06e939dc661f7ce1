/**
 * 34 A chat over WebSocket.
 *
 * HTTP responds to requests only. A WebSocket stays open, and both sides send when they want. Each message of a client goes to
 * a topic, and each connection sends the messages of the topic to its client.
 *
 *     $ node 34-websocket-chat.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ node 34-websocket-chat.ts 7788 'hello, all'
 *     {"text":"hello, all"}
 *     $ curl -o /dev/null -w '%{http_code} %header{upgrade}\n' http://127.0.0.1:7788/chat
 *     426 websocket
 *
 * Connect two browsers from their consoles, and each of them receives the lines of the other one.
 */
import { App } from "@tsgi/framework";
import { localTopics, webSocket } from "@tsgi/framework/streams";
import { serve } from "@tsgi/server/socket";
import { z } from "zod";

const [port = "7788", text] = process.argv.slice(2);

if (text === undefined) {
  const Line = z.object({ text: z.string().max(500) });
  const topics = localTopics();
  const app = new App();
  webSocket(app, "/chat", { receive: Line, send: Line }, async ({ socket }) => {
    const unsubscribe = topics.subscribe("chat", (text) => void socket.send({ text }).catch(() => unsubscribe()));
    for await (const line of socket.messages) await topics.publish("chat", line.text);
    unsubscribe();
  });
  const server = await serve(app, { port: Number(port) });
  console.log(server.url);
} else {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`);
  socket.addEventListener("open", () => socket.send(JSON.stringify({ text })));
  socket.addEventListener("message", ({ data }) => {
    console.log(data);
    socket.close();
  });
}

/**
 * Exercise: give each client a name by `?name=`, and put it in front of its lines.
 * Question: two worker processes serve the chat; which clients see a line, and what has to replace `localTopics`?
 */
