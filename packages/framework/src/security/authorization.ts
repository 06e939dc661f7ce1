/** The `Authorization` field: Bearer tokens (RFC 6750) and Basic credentials (RFC 7617), as needs of a route. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Awaitable, Exchange, IncomingRequest } from "@tsgi/gateway-spec";
import { HttpError, type HttpErrorOptions } from "../errors.ts";
import { loginLimit, type LoginLimit } from "./limits.ts";

/** What the needs of this file read of their context. */
interface Asking {
  readonly request: Pick<IncomingRequest, "headers">;
  readonly exchange: Pick<Exchange, "remoteAddress">;
}

/** Name and password of Basic authentication (RFC 7617), decoded as UTF-8. */
export interface BasicCredentials {
  readonly name: string;
  readonly password: string;
}

/** RFC 6750 §2.1: "b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="". Schemes are case-insensitive. */
const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;
const BASIC = /^basic +([A-Za-z0-9+/]+=*)$/i;

/** The token of `Authorization: Bearer …`, or `null`. */
export function bearerToken(request: Asking["request"]): string | null {
  return BEARER.exec(request.headers.get("authorization") ?? "")?.[1] ?? null;
}

/** Name and password of `Authorization: Basic …`, or `null`. */
export function basicCredentials(request: Asking["request"]): BasicCredentials | null {
  const encoded = BASIC.exec(request.headers.get("authorization") ?? "")?.[1];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1 ? null : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

/**
 * A need that gives the owner of the Bearer token, as `verify` finds it. It throws 401 `TOKEN_REQUIRED` without a token, and
 * `TOKEN_INVALID` where `verify` returns `null`.
 * @param options `realm` is what the token is for, in the challenge. Default `api`.
 */
export function bearer<User>(
  verify: (token: string) => Awaitable<User | null>,
  { realm = "api" }: { readonly realm?: string } = {},
): (context: Pick<Asking, "request">) => Promise<User> {
  return async ({ request }) => {
    const token = bearerToken(request);
    const challenge = `Bearer realm="${realm}"`;
    if (token === null) throw new HttpError(401, "TOKEN_REQUIRED", "Send a Bearer token", asking(challenge));
    const user = await verify(token);
    if (user !== null) return user;
    const rejected = asking(`${challenge}, error="invalid_token"`);
    throw new HttpError(401, "TOKEN_INVALID", "The Bearer token is not valid", rejected);
  };
}

/** How {@link basic} asks for credentials. */
export interface BasicOptions {
  /** What the credentials are for; browsers show it. Default `site`. */
  readonly realm?: string;
  /** Limits the wrong passwords. Default `loginLimit()`, of this need alone; name one where several needs check the same accounts. */
  readonly limit?: LoginLimit;
}

/**
 * A need that gives the owner of the Basic credentials, as `verify` finds it. It throws 401 `LOGIN_REQUIRED` without credentials and
 * where `verify` returns `null`, and 429 `RATE_LIMITED` with `Retry-After` after too many wrong passwords.
 */
export function basic<User>(
  verify: (credentials: BasicCredentials) => Awaitable<User | null>,
  { realm = "site", limit = loginLimit() }: BasicOptions = {},
): (context: Asking) => Promise<User> {
  return async (context) => {
    const credentials = basicCredentials(context.request);
    const user = credentials === null ? null : await limit(context, credentials.name, () => verify(credentials));
    if (user !== null) return user;
    const challenge = asking(`Basic realm="${realm}", charset="UTF-8"`);
    throw new HttpError(401, "LOGIN_REQUIRED", "Name and password are needed", challenge);
  };
}

/** Compares two secrets in a time that does not depend on where they differ. */
export function equalSecrets(given: string, expected: string): boolean {
  return timingSafeEqual(sha256(given), sha256(expected));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** RFC 9110 §11.6.1: a 401 response has a WWW-Authenticate field. */
function asking(challenge: string): HttpErrorOptions {
  return { headers: { "www-authenticate": challenge } };
}
