import { connect as connectPlain, type Socket } from "node:net";
import { connect } from "node:tls";
import type { Address, Serve } from "@tsgi/gateway-spec";
import { serve as serveNode } from "../src/node-http/index.ts";
import { serve as serveSocket } from "../src/socket/index.ts";
import { selfSigned } from "../src/tls/self-signed.ts";
import { describeServer } from "./server-behaviour.ts";

const tls = selfSigned();

/** Over a TCP socket that the test creates and can reset. */
function secureConnect(address: Address): Socket {
  if (address.transport !== "tcp") return connectPlain(address.path);
  const tcp = connectPlain({ port: address.port, host: address.hostname, allowHalfOpen: true });
  const socket = connect({ socket: tcp, host: address.hostname, ca: tls.cert });
  socket.resetAndDestroy = () => {
    tcp.resetAndDestroy();
    return socket;
  };
  return socket;
}

const secureSocket: Serve = (application, options) =>
  serveSocket(application, options?.path === undefined ? { ...options, tls } : options);
const secureNode: Serve = (application, options) =>
  serveNode(application, options?.path === undefined ? { ...options, tls } : options);

describeServer("socket", serveSocket);
describeServer("node", serveNode, { halfCloseIsGone: true });
describeServer("socket over TLS", secureSocket, { connect: secureConnect });
describeServer("node over TLS", secureNode, { halfCloseIsGone: true, connect: secureConnect });
