import { serve as serveNode } from "../src/node/index.ts";
import { serve as serveSocket } from "../src/socket/index.ts";
import { describeServer } from "./server-behaviour.ts";

describeServer("socket", serveSocket);
describeServer("node", serveNode, { halfCloseIsGone: true });
