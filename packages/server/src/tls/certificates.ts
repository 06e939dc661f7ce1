/** The certificates of a listener: read, chosen by server name, and read again when their files have changed. */
import { constants } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TlsOptions as NodeOptions,
} from "node:tls";
import type { Logger, ServeOptions } from "@tsgi/gateway-spec";
import type { TlsCertificate, TlsChoice, TlsOptions } from "./options.ts";

/** A certificate, a key or an authority cannot be used. The message names the option, `cause` says what is wrong. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
  readonly code = "BAD_CERTIFICATE";
}

/** The part of a TLS listener of node that takes new certificates. */
interface SecureListener {
  setSecureContext(options: SecureContextOptions): void;
}

interface Loaded {
  /** For clients that send no server name, or an unknown one. */
  readonly main: SecureContextOptions;
  readonly names: ReadonlyMap<string, SecureContext>;
}

export class Certificates {
  readonly #options: TlsOptions;
  readonly #logger: Logger;
  #loaded: Loaded;
  /** The state of the files when they were last read, whether they could be used or not. */
  #stamp: string;
  #checking = false;

  private constructor(options: TlsOptions, logger: Logger, loaded: Loaded, stamp: string) {
    this.#options = options;
    this.#logger = logger;
    this.#loaded = loaded;
    this.#stamp = stamp;
  }

  /** @throws CertificateError; node's error for a file that cannot be read; TypeError if the options have a `path` to listen on. */
  static async load(choice: TlsChoice, { hostname, path }: ServeOptions, logger: Logger): Promise<Certificates> {
    // TlsHandshakes identifies clients by their addresses. Bytes of a Unix domain socket do not leave the machine.
    if (path !== undefined) throw new TypeError("tls is for TCP: it cannot be used together with path");
    const options = await withCertificate(choice, hostname);
    // Taken first, so that a change while the files are read is noticed.
    const stamp = await stampOf(options);
    return new Certificates(options, logger, await read(options), stamp);
  }

  /** The options for a listener of node:tls, node:https or node:http2. */
  get listenerOptions(): NodeOptions {
    const { clientCertificates = "none" } = this.#options;
    return {
      ...this.#loaded.main,
      requestCert: clientCertificates !== "none",
      rejectUnauthorized: clientCertificates === "require",
      SNICallback: (name, done) => {
        done(null, this.#named(name));
      },
    };
  }

  /** Checks the files, and gives the listener new certificates. It never rejects. */
  async check(listener: SecureListener): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    try {
      const stamp = await stampOf(this.#options);
      if (stamp === this.#stamp) return;
      this.#stamp = stamp;
      this.#loaded = await read(this.#options);
      listener.setSecureContext(this.#loaded.main);
      this.#logger.info("The certificates have changed: new connections get the new ones");
    } catch (error) {
      this.#logger.error("The certificates have changed and cannot be used; the old ones stay", error);
    } finally {
      this.#checking = false;
    }
  }

  #named(serverName: string): SecureContext | undefined {
    const { names } = this.#loaded;
    const name = serverName.toLowerCase();
    // RFC 9525 §6.3: a wildcard is the whole left-most label.
    return names.get(name) ?? names.get(`*${name.slice(Math.max(0, name.indexOf(".")))}`);
  }
}

async function withCertificate(choice: TlsChoice, hostname: string | undefined): Promise<TlsOptions> {
  if (choice === "self-signed") return makeSelfSigned(hostname);
  return "key" in choice ? choice : { ...choice, ...(await makeSelfSigned(hostname)) };
}

async function makeSelfSigned(hostname: string | undefined): Promise<TlsCertificate> {
  // Loaded only when it is used.
  const { selfSigned } = await import("./self-signed.ts");
  return selfSigned(hostname === undefined ? [] : [hostname]);
}

async function read(options: TlsOptions): Promise<Loaded> {
  const { clientCertificates = "none", clientAuthorities, minVersion = "TLSv1.2", serverNames = {} } = options;
  if (clientCertificates !== "none" && clientAuthorities === undefined) {
    // Without any, node would trust the public authorities, and accept the certificate of any web site.
    throw new CertificateError("tls: clientCertificates needs clientAuthorities, the authorities to trust");
  }
  const shared = {
    minVersion,
    ...(clientAuthorities === undefined ? {} : { ca: await pem(clientAuthorities) }),
    // RFC 9113 §9.2.1 forbids renegotiation for HTTP/2, and HTTP/1.1 does not need it.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    honorCipherOrder: true,
  };
  const load = async ({ cert, key }: TlsCertificate) => ({ ...shared, cert: await pem(cert), key: await pem(key) });
  const main = await load(options);
  toContext(main, "tls");
  const names = new Map<string, SecureContext>();
  for (const [name, certificate] of Object.entries(serverNames)) {
    names.set(name.toLowerCase(), toContext(await load(certificate), `tls.serverNames of ${name}`));
  }
  return { main, names };
}

function toContext(options: SecureContextOptions, place: string): SecureContext {
  try {
    return createSecureContext(options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CertificateError(`${place}: the certificate and its key cannot be used: ${reason}`, { cause: error });
  }
}

/** RFC 7468 §2: PEM text has this line; a path has not. */
function isText(source: string): boolean {
  return source.includes("-----BEGIN ");
}

function pem(source: string): Promise<string> | string {
  return isText(source) ? source : readFile(source, "utf8");
}

/** Changes when any file has changed. A symbolic link is followed: new certificates are often put in place by one. */
async function stampOf(options: TlsOptions): Promise<string> {
  const { cert, key, clientAuthorities, serverNames = {} } = options;
  const sources = [cert, key, clientAuthorities, ...Object.values(serverNames).flatMap((one) => [one.cert, one.key])];
  const stamps = sources.map(async (source) => {
    if (source === undefined || isText(source)) return "";
    try {
      const { ino, size, mtimeMs } = await stat(source);
      return `${ino} ${size} ${mtimeMs}`;
    } catch {
      return "unreadable"; // The error of readFile() says why.
    }
  });
  return (await Promise.all(stamps)).join();
}
