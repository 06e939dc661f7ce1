/**
 * 42 HTTPS and client certificates.
 *
 * TLS encrypts the connection and proves with a certificate which server it is. For development the server signs its own
 * certificate, which no client trusts (`curl -k` ignores that). A client can have a certificate as well, in place of a password.
 *
 *     $ node 42-https.ts 7788 &
 *     https://127.0.0.1:7788/
 *     $ curl -k https://127.0.0.1:7788/
 *     TLSv1.3, no client certificate
 *     $ curl -o /dev/null https://127.0.0.1:7788/ || echo 'curl does not trust it'
 *     curl does not trust it
 *     $ openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ann -addext subjectAltName=IP:127.0.0.1 \
 *       -keyout /tmp/key.pem -out /tmp/ann.pem 2> /tmp/log
 *     $ node 42-https.ts 7789 /tmp/ann.pem /tmp/key.pem &
 *     https://127.0.0.1:7789/
 *     $ curl --cacert /tmp/ann.pem --cert /tmp/ann.pem --key /tmp/key.pem https://127.0.0.1:7789/
 *     TLSv1.3, client ann
 *     $ curl -o /dev/null --cacert /tmp/ann.pem https://127.0.0.1:7789/ || echo 'refused without a certificate'
 *     refused without a certificate
 */
import type { Handler } from "@tsgi/gateway-spec";
import { serve } from "@tsgi/server/socket";

const handler: Handler = (_request, { tls }) => {
  const client = tls?.clientCertificate?.subject;
  return {
    status: 200,
    body: `${tls?.version}, ${client === undefined ? "no client certificate" : `client ${client}`}\n`,
  };
};

const [port = "7788", cert, key] = process.argv.slice(2);
const tls =
  cert === undefined || key === undefined
    ? "self-signed"
    : ({ cert, key, clientCertificates: "require", clientAuthorities: cert } as const);

const server = await serve(handler, { port: Number(port), tls });
console.log(server.url);

/**
 * Exercise: request certificates in place of requiring them, and let only clients that have one read `/secret`.
 * Question: the certificate of ann was stolen; what can the server do before it expires?
 */
