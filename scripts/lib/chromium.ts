/** The browser that `pnpm test` found. It opens pages over HTTP, as a user's does, and records errors of console and network. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, test } from "vitest";

const PROGRAM = process.env["TSGI_TEST_CHROMIUM"];
const REASON = "needs Chromium: set TSGI_TEST_CHROMIUM, or run `pnpm test`, which finds or installs one";

/** The browser connects to the application only. Root cannot use the sandbox. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** For each wait of Playwright, whose message names what it waited for: less than the timeout of a test in vitest.config.ts. */
const TIMEOUT_MS = 80_000;

/** Opens a page in a new context of the browser. */
export type OpenPage = (url: string, options?: BrowserContextOptions) => Promise<Visit>;

/**
 * Describes a suite that needs the browser, which starts before its first test and ends after its last one. Without a browser the suite
 * is skipped with the reason; with CI=true that is a failure.
 */
export function describeWithChromium(name: string, suite: (visit: OpenPage) => void): void {
  describe(name, () => {
    if (PROGRAM !== undefined) {
      let browser: Browser;
      beforeAll(async () => {
        browser = await chromium.launch({ executablePath: PROGRAM, args: ARGUMENTS, chromiumSandbox: false });
      });
      afterAll(() => browser.close());
      return suite((url, options) => visit(browser, url, options));
    }
    test(REASON, ({ skip }) => {
      if (process.env["CI"] === "true") throw new Error(REASON);
      skip(REASON);
    });
  });
}

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** Errors and warnings of the console, uncaught exceptions, failed requests and statuses from 400. */
  readonly complaints: readonly string[];
}

async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ baseURL: url, locale: "zh-CN", ...options });
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText ?? "";
    // A navigation aborts the requests of the previous page.
    if (reason !== "net::ERR_ABORTED") complaints.push(`${request.url()} ${reason}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.url()} ${response.status()}`);
  });
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}
