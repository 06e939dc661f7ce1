/**
 * 45 Upload and streamed download.
 *
 * A form with a file is a `multipart/form-data` message: parts with header fields of their own. The file is read as a stream and
 * counted, a download is written as a stream: neither is in memory as a whole. The client's file name is input and no path.
 *
 *     $ tsgi 7788 ./45-upload-and-download.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl -F note=mine -F file=@html/news.html http://127.0.0.1:7788/upload
 *     ["note: mine","file: news.html, text/html, 52 bytes"]
 *     $ curl -o /dev/null -w '%{size_download} %header{content-disposition}\n' http://127.0.0.1:7788/numbers.txt
 *     6888890 attachment; filename="numbers.txt"
 */
import { App, respond } from "@tsgi/framework";
import { readMultipart } from "@tsgi/framework/uploads";

const app = new App();

app.post("/upload", async ({ request }) => {
  const lines: string[] = [];
  for await (const part of readMultipart(request, { maxFileBytes: 1_000_000 })) {
    if (part.kind === "field") lines.push(`${part.name}: ${part.value}`);
    else {
      let bytes = 0;
      for await (const piece of part.content) bytes += piece.length;
      lines.push(`${part.name}: ${part.filename}, ${part.type}, ${bytes} bytes`);
    }
  }
  return lines;
});

async function* numbers(): AsyncGenerator<string> {
  for (let from = 0; from < 1_000_000; from += 1000) {
    yield `${Array.from({ length: 1000 }, (_, index) => from + index).join("\n")}\n`;
  }
}
const headers = { "content-type": "text/plain", "content-disposition": 'attachment; filename="numbers.txt"' };
app.get("/numbers.txt", () => respond({ status: 200, headers, body: numbers() }));

export default app;

/**
 * Exercise: save the file under a name of your own choice (`upload` of `@tsgi/framework/uploads`).
 * Question: the download has no Content-Length; how does the client know that it is complete, and what does it not know?
 */
