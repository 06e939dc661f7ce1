/** `@tsgi/framework/cookies`: reading and writing cookies, and values that a client cannot change. */
export { expireCookie, readCookies, writeCookie, type CookieOptions } from "./cookies.ts";
export { createSealer, createSigner, type Keys, type Sealer, type Signer } from "./signing.ts";
