import { connect as connectPlain } from "node:net";
import { connect } from "node:tls";
import type { Serve } from "@tsgi/gateway-spec";
import { serve as serveNode } from "../src/node-http/index.ts";
import { serve as serveSocket } from "../src/socket/index.ts";
import { selfSigned } from "../src/tls/self-signed.ts";
import { describeStrictness, type Secured } from "./strictness.ts";

const tls = selfSigned();
const secureSocket: Serve = (application, options) => serveSocket(application, { ...options, tls });
const secureNode: Serve = (application, options) => serveNode(application, { ...options, tls });

const SECURED: Secured = {
  connect: (address) => {
    if (address.transport !== "tcp") throw new Error("TLS is served on TCP");
    const { port, hostname: host } = address;
    return connect({ socket: connectPlain({ port, host, allowHalfOpen: true }), host, ca: tls.cert });
  },
};

describeStrictness("socket", serveSocket);
describeStrictness("node", serveNode);
describeStrictness("socket over TLS", secureSocket, SECURED);
describeStrictness("node over TLS", secureNode, SECURED);
