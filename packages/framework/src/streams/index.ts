/** `@tsgi/framework/streams`: event streams, WebSocket routes, and messages from one request to the others. */
export { events, type EventsOptions, type StreamEvent } from "./events.ts";
export { follow, localTopics, type FollowOptions, type Topics } from "./topics.ts";
export { webSocket, type TypedSocket, type WebSocketRouteOptions } from "./web-socket.ts";
