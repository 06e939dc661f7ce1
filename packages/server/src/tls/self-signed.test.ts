import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import { expect, test } from "vitest";
import { selfSigned } from "./self-signed.ts";

test("a certificate is signed by its own key, and is no authority", () => {
  const { cert, key } = selfSigned();
  const certificate = new X509Certificate(cert);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(certificate.issuer).toBe(certificate.subject);
  expect(certificate.ca).toBe(false);
  expect(certificate.subject).toBe("CN=TSGI development");
});

test("a certificate is valid from yesterday on for a year", () => {
  const { validFromDate, validToDate } = new X509Certificate(selfSigned().cert);
  const days = (validToDate.getTime() - validFromDate.getTime()) / 86_400_000;
  expect(days).toBe(366);
  expect(validFromDate.getTime()).toBeLessThan(Date.now());
});

test.each([
  ["127.0.0.1", "IP Address:127.0.0.1"],
  ["::1", "IP Address:0:0:0:0:0:0:0:1"],
  ["192.0.2.7", "IP Address:192.0.2.7"],
  ["2001:db8::ff:0:1", "IP Address:2001:DB8:0:0:0:FF:0:1"],
  ["::ffff:192.0.2.7", "IP Address:0:0:0:0:0:FFFF:C000:207"],
  ["localhost", "DNS:localhost"],
  ["example.test", "DNS:example.test"],
])("a certificate is valid for %s", (name, text) => {
  const certificate = new X509Certificate(selfSigned([name]).cert);
  expect(certificate.subjectAltName?.split(", ")).toContain(text);
  expect(/[g-z]/.test(name) ? certificate.checkHost(name) : certificate.checkIP(name)).toBe(name);
});

test("two certificates have different keys and serial numbers", () => {
  const [one, two] = [selfSigned(), selfSigned()];
  expect(one.key).not.toBe(two.key);
  expect(new X509Certificate(one.cert).serialNumber).not.toBe(new X509Certificate(two.cert).serialNumber);
});

test("a TLS client that has the certificate trusts it", async () => {
  const pair = selfSigned(["a-name-as-long-as-they-come.".repeat(6) + "example.test"]);
  const server = createServer(pair, (socket) => socket.end("hello"));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", servername: "localhost", ca: pair.cert });
  const [bytes] = (await once(client, "data")) as [Buffer];
  expect(client.authorized).toBe(true);
  expect(bytes.toString()).toBe("hello");
  client.destroy();
  server.close();
});
