/** An Express app on a TSGI server. */
import { fromNode } from "@tsgi/gateway-spec/node";
import express from "express";

const app = express().get("/", (req, res) => void res.send(`Hello ${req.ip}\n`));
export const application = fromNode(app);
