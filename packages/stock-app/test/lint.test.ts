/** The stock app under the lint, on both servers: neither side violates a rule. */
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { openDatabase } from "@tsgi/framework/database";
import { type Violation, lint } from "@tsgi/gateway-spec/lint";
import { serve as serveNode } from "@tsgi/server/node";
import { serve as serveSocket } from "@tsgi/server/socket";
import { staticFiles } from "@tsgi/server/static-files";
import { expect, test } from "vitest";
import { createTestApplication } from "./application.ts";
import { createSqliteFile } from "./databases.ts";

const FORM = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\n\r\nnote=%";
const REQUESTS = [
  "GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n",
  "HEAD /center.html HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n",
  "OPTIONS /index.html HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET /static/style.css HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nRange: bytes=0-9\r\n\r\n",
  "GET /static/style.css HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n\r\n",
  "GET /static/%2e%2e%2fpackage.json HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET /index.html?q=0000&sort=-chg&show=up HTTP/1.1\r\nHost: a\r\nAccept-Language: en\r\n\r\n",
  "GET /api/stocks?sort=x HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST /api/followed HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{",
  "GET /docs HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST /add/000036.html HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
  `POST /update/000036.html HTTP/1.1\r\nHost: a\r\n${FORM}`,
  "POST /update/000036.html HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnote\r\n0\r\nx-a: b\r\n\r\n",
  "POST /nowhere HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
  "GET /a%2Fb%zz HTTP/1.1\r\nHost: a\r\n\r\n",
  "PROPFIND http://a/?x=1 HTTP/1.1\r\nHost: a\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET / HTTP/1.0\r\n\r\n",
];

test.each([
  ["socket", serveSocket],
  ["node", serveNode],
])("on the %s server", async (_name, serve) => {
  const place = await createSqliteFile();
  const database = await openDatabase(place.url);
  const assets = staticFiles(new URL("../static/", import.meta.url));
  const violations: Violation[] = [];
  const application = lint(createTestApplication(database, { assets }), {
    report: (violation) => violations.push(violation),
  });
  const server = await serve(application);
  const { hostname, port } = new URL(server.url);
  for (const request of REQUESTS) {
    const client = connect(Number(port), hostname);
    client.write(request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    expect(await text(client)).toMatch(/^HTTP\/1\.1 [2-4]\d\d /);
  }
  await server.close();
  await place.drop();
  expect(violations).toEqual([]);
});
