/**
 * 37 Read and write streams.
 *
 * Content need not be in memory as a whole. The handler reads the request piece by piece and returns pieces: a gigabyte goes
 * through with some kilobytes of memory, and a slow client slows the other side down.
 *
 *     $ tsgi 7788 ./37-streams.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ printf 'one\ntwo\n' | curl -T - http://127.0.0.1:7788/
 *     1: one
 *     2: two
 */
import type { Handler } from "@tsgi/gateway-spec";

async function* numbered(content: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  let number = 0;
  for await (const bytes of content) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    // The last line may go on in the next piece.
    rest = lines.pop() ?? "";
    for (const line of lines) yield `${++number}: ${line}\n`;
  }
  if (rest !== "") yield `${++number}: ${rest}\n`;
}

export const application: Handler = (request) => ({
  status: 200,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: request.body === null ? "Send some lines.\n" : numbered(request.body),
});

/**
 * Exercise: type lines into `curl -N -T . http://127.0.0.1:7788/`, and watch each of them come back.
 * Question: why does the decoder need `stream: true`?
 */
