/**
 * Layers and functions for login and for browsers of other sites: Basic and Bearer credentials, passwords, limits of attempts,
 * CORS, CSRF, security fields.
 *
 * @module @tsgi/framework/security
 */
export {
  basic,
  basicCredentials,
  bearer,
  bearerToken,
  equalSecrets,
  type BasicCredentials,
  type BasicOptions,
} from "./authorization.ts";
export { cors, type CorsOptions } from "./cors.ts";
export { csrfProtection, type CsrfOptions } from "./csrf.ts";
export { cspNonce, securityHeaders, type SecurityHeaderOptions } from "./headers.ts";
export { loginLimit, rateLimit, type LoginLimit, type LoginLimitOptions, type RateLimitOptions } from "./limits.ts";
export { hashPassword, verifyPassword } from "./passwords.ts";
