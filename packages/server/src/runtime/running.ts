/** What a shutdown waits for. */

export interface Running {
  readonly requests: number;
  readonly webSockets: number;
}

/** `2 requests and 1 WebSocket`, or an empty text. */
export function runningText({ requests, webSockets }: Running): string {
  return [
    ...(requests === 0 ? [] : [`${requests} ${requests === 1 ? "request" : "requests"}`]),
    ...(webSockets === 0 ? [] : [`${webSockets} ${webSockets === 1 ? "WebSocket" : "WebSockets"}`]),
  ].join(" and ");
}
