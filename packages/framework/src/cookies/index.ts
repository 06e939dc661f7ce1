/**
 * Reads and writes cookies, and seals or signs values so that a client cannot change them.
 *
 * @module @tsgi/framework/cookies
 */
export { expireCookie, readCookies, writeCookie, type CookieOptions } from "./cookies.ts";
export { createSealer, createSigner, type Keys, type Sealer, type Signer } from "./signing.ts";
