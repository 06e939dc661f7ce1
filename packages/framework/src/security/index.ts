/** `@tsgi/framework/security`: what a site does about other sites, passwords and tokens. */
export { basic, basicCredentials, bearer, bearerToken, equalSecrets, type BasicCredentials } from "./authorization.ts";
export { cors, type CorsOptions } from "./cors.ts";
export { csrfProtection, type CsrfOptions } from "./csrf.ts";
export { cspNonce, securityHeaders, type SecurityHeaderOptions } from "./headers.ts";
export { hashPassword, verifyPassword } from "./passwords.ts";
