/** A TSGI application inside an Express app, on node:http. */
import { toNode } from "@tsgi/gateway-spec/node";
import express from "express";

const ours = toNode((request) => ({ status: 200, body: `You asked for ${request.url}\n` }));
const app = express().use("/ours", ours); // or alone: `createServer(ours)` of node:http
export const server = app.listen(Number(process.env["PORT"] ?? 7788), "127.0.0.1");
