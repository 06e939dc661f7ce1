/** What tests read of a page under `--watch` that has a paragraph, a style sheet and a title. */
import type { Page } from "playwright-core";
import { expect } from "vitest";

/** Opens a page, and waits until it listens to changes: one that connects after a change reloads. */
export async function openListening(page: Page, path: string): Promise<void> {
  const listens = page.waitForResponse((response) => response.url().includes("/.tsgi/reload?"));
  await page.goto(path);
  await listens;
}

const COLOR = "getComputedStyle(document.querySelector('p')).color";

/** A page reloads, and so what is read may fail meanwhile. */
export async function colorBecomes(page: Page, color: string): Promise<void> {
  await expect.poll(() => page.evaluate(COLOR)).toBe(color);
}

export async function titleBecomes(page: Page, title: string): Promise<void> {
  await expect.poll(() => page.title()).toBe(title);
}

/** How many style sheets the page links to: while one is exchanged, the old one and the new one. */
export async function styleSheetsBecome(page: Page, count: number): Promise<void> {
  await expect.poll(() => page.locator("link[rel=stylesheet]").count()).toBe(count);
}
