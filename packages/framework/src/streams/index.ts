/**
 * Event streams, WebSocket routes, and messages from one request to the others.
 *
 * @module @tsgi/framework/streams
 */
export { events, type EventsOptions, type StreamEvent } from "./events.ts";
export { changes, follow, type ChangesOptions, type FollowOptions } from "./follow.ts";
export { localTopics, workerTopics, type Topics } from "./topics.ts";
export { webSocket, type TypedSocket, type WebSocketRouteOptions } from "./web-socket.ts";
