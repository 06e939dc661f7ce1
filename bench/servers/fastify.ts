/** Fastify with its file plugin. */
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import { fastify } from "fastify";
import { KEEP_ALIVE_MS, portOf, ready, root } from "./control.ts";
import { SLOW } from "./slow.ts";

const app = fastify({ keepAliveTimeout: KEEP_ALIVE_MS });
await app.register(fastifyStatic, { root: join(root, "files"), prefix: "/files/", preCompressed: true });
app.get("/", (_request, reply) => reply.type("text/plain").send("Hello, world!"));
app.get("/json", () => ({ message: "Hello, world!" }));
app.post("/echo", (request) => request.body);
for (const [path, slow] of Object.entries(SLOW))
  app.get(path, async (_request, reply) => reply.type("text/plain").send(await slow()));
await app.listen({ port: 0, host: "127.0.0.1" });
ready(portOf(app.server.address()));
