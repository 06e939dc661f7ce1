/**
 * 46 Everything that a plain HTTP client does.
 *
 * The server repeats what it received. The client sends query, header fields, JSON, a form, a file and cookies, gives up after a
 * timeout, and meets a certificate that it does not trust. 46-requests.py does the same in Python.
 *
 *     $ tsgi 7788 ./46-http-client.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ tsgi 7789 ./46-http-client.ts --tls-self-signed &
 *     tsgi: https://127.0.0.1:7789/ (socket server, pid …)
 *     $ node 46-http-client.ts http://127.0.0.1:7788 https://127.0.0.1:7789
 *     query, header, cookie: GET q=TSGI my-client a=1
 *     json: POST {"key":"value"}
 *     form: POST key=v+%E4%B8%AD
 *     file: POST file: a.txt, 5 bytes
 *     timeout: TimeoutError
 *     certificate: DEPTH_ZERO_SELF_SIGNED_CERT
 *     $ python3 46-requests.py http://127.0.0.1:7788 https://127.0.0.1:7789
 *     query, header, cookie: GET q=TSGI my-client a=1
 *     json: POST {"key": "value"}
 *     form: POST key=v+%E4%B8%AD
 *     file: POST file: a.txt, 5 bytes
 *     timeout: ReadTimeout
 *     certificate: SSLError
 */
import { once } from "node:events";
import { App } from "@tsgi/framework";
import { uploads } from "@tsgi/framework/uploads";

const app = new App();
app.get(
  "/",
  ({ query, headers, cookies }) => `GET ${query.toString()} ${headers.get("user-agent")} a=${cookies.get("a")}`,
);
app.post("/", async ({ text }) => `POST ${await text()}`);
app.post("/file", { needs: { sent: uploads() } }, ({ sent }) => {
  const [file] = sent.files.get("file") ?? [];
  return `POST file: ${file?.filename}, ${file?.size} bytes`;
});
app.get("/slow", async ({ request }) => {
  await once(request.signal, "abort");
  return null;
});
export default app;

async function read(name: string, url: string, init: RequestInit = {}): Promise<void> {
  const text = await fetch(url, init).then(
    (response) => response.text(),
    ({ name, cause }: Error) => (cause as { readonly code?: string } | undefined)?.code ?? name,
  );
  console.log(`${name}: ${text}`);
}
const post = (body: string | URLSearchParams | FormData): RequestInit => ({ method: "POST", body });

const [base, secure] = process.argv.slice(2);
if (base?.startsWith("http") === true && secure !== undefined) {
  await read("query, header, cookie", `${base}/?q=TSGI`, { headers: { "user-agent": "my-client", cookie: "a=1" } });
  await read("json", base, post(JSON.stringify({ key: "value" })));
  await read("form", base, post(new URLSearchParams({ key: "v 中" })));
  const form = new FormData();
  form.append("file", new Blob(["hello"]), "a.txt");
  await read("file", `${base}/file`, post(form));
  await read("timeout", `${base}/slow`, { signal: AbortSignal.timeout(300) });
  await read("certificate", secure);
}

/**
 * Exercise: trust the certificate of the second server by NODE_EXTRA_CA_CERTS, without turning verification off.
 * Question: a POST ends with a timeout; may the client send it again?
 */
