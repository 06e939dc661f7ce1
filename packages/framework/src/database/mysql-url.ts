/** Reads a database URL of MySQL. No message repeats a part of the URL: any part may be a piece of a password. */
import { readFileSync } from "node:fs";
import { DatabaseError } from "./errors.ts";

/** Where a pool connects to, for messages. */
export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  /** The path of a Unix socket, which replaces host and port. */
  readonly socketPath: string | null;
  readonly user: string;
  readonly database: string;
}

/** Certificates for a TLS connection to the server. */
export interface MysqlTls {
  /** Certificates of the authorities to trust, in PEM. Default: those of Node. */
  readonly ca?: string | Buffer;
  /** The client's certificate and key, in PEM. */
  readonly cert?: string | Buffer;
  /** The key of the client's certificate, in PEM. */
  readonly key?: string | Buffer;
}

export interface MysqlTarget {
  readonly address: MysqlAddress;
  readonly password: string;
  /** `null` without TLS. */
  readonly tls: MysqlTls | null;
}

const SHAPE = "A MySQL URL must look like mysql://user:password@host:3306/name";
const OPTIONS = "the options of a MySQL URL are ?socket=/path/of/a.sock, ?tls=true and ?tls-ca=/path/of/ca.pem";
const ESCAPES = "in user, password and name write % as %25, # as %23, / as %2F, ? as %3F and @ as %40";

/** @throws DatabaseError `DATABASE_URL_INVALID` */
export function parseMysqlUrl(url: string): MysqlTarget {
  // The error of URL itself would repeat the whole URL, with the password.
  const parsed = URL.parse(url);
  if (parsed === null || !/^(?:mysql|mariadb):$/.test(parsed.protocol) || parsed.hostname === "") {
    throw invalid(`${SHAPE}; ${ESCAPES}`);
  }
  // An unescaped # or / in a password ends the authority, and the rest of the password is taken for a fragment or a path.
  if (parsed.hash !== "" || /[/@]/.test(parsed.pathname.slice(1))) throw invalid(`${SHAPE}; ${ESCAPES}`);
  const options = readOptions(parsed.searchParams);
  return {
    address: {
      host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: parsed.port === "" ? 3306 : Number(parsed.port),
      socketPath: options.socket,
      user: decode(parsed.username),
      database: decode(parsed.pathname.slice(1)),
    },
    password: decode(parsed.password),
    tls: options.tls,
  };
}

function readOptions(query: URLSearchParams): { socket: string | null; tls: MysqlTls | null } {
  for (const name of query.keys()) {
    if (!["socket", "tls", "tls-ca"].includes(name) || query.getAll(name).length > 1) {
      throw invalid(`${SHAPE}; ${OPTIONS}; ${ESCAPES}`);
    }
  }
  const tls = query.get("tls");
  const caFile = query.get("tls-ca");
  if (tls !== null && tls !== "true" && (tls !== "false" || caFile !== null)) throw invalid(OPTIONS);
  if (query.get("socket") === "") throw invalid(OPTIONS);
  return {
    socket: query.get("socket"),
    tls: caFile === null ? (tls === "true" ? {} : null) : { ca: readCertificates(caFile) },
  };
}

function readCertificates(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new DatabaseError("DATABASE_URL_INVALID", "The file that ?tls-ca= names cannot be read", { cause });
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`${SHAPE}; ${ESCAPES}`);
  }
}

function invalid(message: string): DatabaseError {
  return new DatabaseError("DATABASE_URL_INVALID", message);
}
