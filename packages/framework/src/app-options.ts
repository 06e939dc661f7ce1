/** The options of an application. */
import type { Awaitable, Logger, ServerInfo } from "@tsgi/gateway-spec";
import type { HandlerResult } from "./results.ts";
import type { CsrfOptions } from "./security/csrf.ts";
import type { SecurityHeaderOptions } from "./security/headers.ts";
import type { Context } from "./types.ts";

/** The options of an {@link App}: views, lifespan, errors, protection. */
export interface AppOptions<State = unknown> {
  /** The folder of the views: a path from the working directory, or `new URL("./views/", import.meta.url)`. */
  readonly views?: string | URL;
  /** The view that `render` puts pages into. Default: none. */
  readonly layout?: string;
  /** Whether a view is read once only. Default: whether `NODE_ENV` is `production`. */
  readonly cacheViews?: boolean;
  /** Opens what the handlers need, before the first request; they find what it returns in `exchange.state`. */
  readonly startup?: (server: ServerInfo) => Awaitable<State>;
  /** Closes what `startup` opened, after the last response. */
  readonly shutdown?: (state: State) => Awaitable<void>;
  /**
   * Sees each error first, also those of unknown paths and methods. It returns a result, whose status is the error's unless it
   * names one; throws another error, such as an `HttpError`; or returns `undefined` for the default response.
   */
  readonly onError?: (error: unknown, context: Context<string, State>) => Awaitable<HandlerResult | undefined>;
  /** Gets the errors that became a status of 500 and up. Default: the console. */
  readonly logger?: Pick<Logger, "error">;
  /**
   * Whether a browser on this machine gets a page with the error, its source and the request for a status of 500 and up.
   * Default: whether `NODE_ENV` is `development`.
   */
  readonly development?: boolean;
  /**
   * Protection that is on by default: unsafe requests from pages of other sites are rejected (CSRF), and responses have the
   * header fields of `securityHeaders`. `false` turns off all of it, `{ csrf: false }` or `{ headers: false }` a part.
   */
  readonly security?: false | { readonly csrf?: false | CsrfOptions; readonly headers?: false | SecurityHeaderOptions };
  /**
   * A path that has no route, but would have one with or without a slash at its end: `strict` responds 404, `redirect` sends
   * the client there (308). Default `strict`.
   */
  readonly trailingSlash?: "strict" | "redirect";
  /**
   * The prefix in front of every URL that the application builds. Needed only where a host removes the prefix from the request
   * without a trace, as Hono's `mount` does. Default: the difference between `exchange.target` and `request.url`.
   */
  readonly base?: string;
}
