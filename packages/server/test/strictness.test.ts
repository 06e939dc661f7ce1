import { serve as serveNode } from "../src/node/index.ts";
import { serve as serveSocket } from "../src/socket/index.ts";
import { describeStrictness } from "./strictness.ts";

describeStrictness("socket", serveSocket);
describeStrictness("node", serveNode);
