/**
 * The script of the list and the centre. The pages work without it. With it, an action calls the REST interface and replaces the
 * table by that of a new copy of the page, so all HTML comes from the views; other tabs do the same when the event stream says so.
 */
import { client, ClientError } from "@tsgi/framework/client";
import type { api } from "../src/contract.ts";
import { isNoteTooLong } from "../src/note.ts";
import { fill, type Sentence, type Sentences } from "../src/sentences.ts";

const call = client<typeof api>();

const { version, t } = JSON.parse(element("page").textContent ?? "") as {
  readonly version: number;
  readonly t: Sentences;
};

/** The sentence for the code of a problem document. */
const PROBLEMS: Readonly<Record<string, Sentence>> = {
  STOCK_UNKNOWN: "noSuchStock",
  STOCK_ALREADY_FOLLOWED: "alreadyFollowed",
  STOCK_NOT_FOLLOWED: "notFollowed",
  NOTE_NOT_STORABLE: "noteNotStorable",
  DATABASE_UNREACHABLE: "status503",
};

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no element "${id}"`);
  return found;
}

// The report of the last action

/** Shows a sentence, with a button where the action can be undone. */
function report(sentence: string, undo: (() => Promise<void>) | null = null): void {
  const toast = element("toast");
  toast.querySelectorAll("button, form, a").forEach((old) => {
    old.remove();
  });
  const status = toast.querySelector("[role=status]");
  if (status !== null) status.textContent = sentence;
  if (undo !== null) toast.append(button(t.undo, () => void undo()));
  if (sentence === "") return;
  const close = button("×", () => {
    report("");
    element("content").focus();
  });
  close.className = "close";
  close.ariaLabel = t.close;
  toast.append(close);
}

function button(label: string, onClick: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", onClick);
  return made;
}

function sentenceOf(error: unknown, code: string): string {
  if (!(error instanceof ClientError)) return t.offline;
  const name = PROBLEMS[error.code ?? ""];
  return name === undefined ? fill(t.statusOther, { status: error.status }) : fill(t[name], { code });
}

// The table

let latest = 0;

/** Replaces the table by that of a page. Of several calls the last one counts. */
async function refresh(url: string = location.href): Promise<void> {
  const turn = ++latest;
  let html: string;
  try {
    const response = await fetch(url, { headers: { accept: "text/html" } });
    if (!response.ok) throw new Error(`The page responded ${response.status}`);
    html = await response.text();
  } catch {
    report(t.offline);
    return;
  }
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("live");
  if (turn !== latest || fresh === null) return;
  const table = element("live");
  // A change of this page causes two calls, one of them by its event. A button that is replaced between the press and the release of
  // the pointer gets no click, so a table that is the same stays.
  if (fresh.isEqualNode(table)) return;
  const focusable = Array.from(table.querySelectorAll<HTMLElement>("a[id], button[id]"), ({ id }) => id);
  const focused = focusable.indexOf(document.activeElement?.id ?? "");
  table.replaceWith(fresh);
  if (focused === -1) return;
  // The same button, or the nearest one where its row has gone.
  const ids = [...focusable.slice(focused), ...focusable.slice(0, focused).toReversed()];
  const next = ids.map((id) => document.getElementById(id)).find((candidate) => candidate !== null);
  (next ?? element("content")).focus();
}

async function act(code: string, action: () => Promise<readonly [string, (() => Promise<void>)?]>): Promise<void> {
  try {
    report(...(await action()));
  } catch (error) {
    report(sentenceOf(error, code));
  }
  await refresh();
}

function follow(code: string, note: string = ""): Promise<void> {
  return act(code, async () => {
    await call("POST /api/followed", { json: { code, note } });
    return [fill(t.doneFollowed, { code })];
  });
}

function unfollow(code: string): Promise<void> {
  return act(code, async () => {
    const { note } = await call("DELETE /api/followed/:code(\\d{6})", { params: { code } });
    return [fill(t.doneUnfollowed, { code }), () => follow(code, note)];
  });
}

// The note

/** What was typed and not saved yet, also after a reload or a way back. */
const drafts = {
  read: (code: string) => sessionStorage.getItem(`note-${code}`),
  keep: (code: string, note: string) => {
    sessionStorage.setItem(`note-${code}`, note);
  },
  drop: (code: string) => {
    sessionStorage.removeItem(`note-${code}`);
  },
};

/** Opens the form of the note's page in a dialog. */
async function edit(code: string, url: string): Promise<void> {
  const response = await fetch(url, { headers: { accept: "text/html" } }).catch(() => null);
  if (response?.status === 404) {
    report(fill(t.notFollowed, { code }));
    return refresh();
  }
  const html = (await response?.text()) ?? "";
  const form = new DOMParser().parseFromString(html, "text/html").querySelector<HTMLFormElement>("#note-form");
  // The page itself shows what is wrong.
  if (form === null) {
    location.assign(url);
    return;
  }
  const dialog = document.createElement("dialog");
  const title = document.createElement("h2");
  title.id = "dialog-title";
  title.textContent = t.editNote;
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.append(title, form);
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    document.getElementById(`edit-${code}`)?.focus();
  });
  form.querySelector("#cancel")?.addEventListener("click", (event) => {
    event.preventDefault();
    dialog.close();
  });
  const input = restoreDraft(form, code);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void save(code, input, form, dialog);
  });
  dialog.showModal();
  input.focus();
}

/** Fills in what was typed before, and remembers what is typed from now on. */
function restoreDraft(form: HTMLFormElement, code: string): HTMLInputElement {
  const input = form.querySelector<HTMLInputElement>("input[name=note]");
  if (input === null) throw new Error("The form has no note");
  const stored = input.value;
  const draft = drafts.read(code) ?? stored;
  input.addEventListener("input", () => {
    drafts.keep(code, input.value);
  });
  if (draft === stored) return input;
  input.value = draft;
  const hint = document.createElement("p");
  hint.className = "hint";
  const discard = button(t.discardDraft, () => {
    drafts.drop(code);
    input.value = stored;
    hint.remove();
    input.focus();
  });
  hint.append(t.draft, " ", discard);
  input.after(hint);
  return input;
}

async function save(
  code: string,
  input: HTMLInputElement,
  form: HTMLFormElement,
  dialog: HTMLDialogElement,
): Promise<void> {
  const note = input.value;
  const submit = form.querySelector<HTMLButtonElement>("button.primary");
  try {
    if (isNoteTooLong(note.trim())) return showMistake(form, input, t.noteTooLong);
    await (submit?.name === "follow"
      ? call("POST /api/followed", { json: { code, note } })
      : call("PATCH /api/followed/:code(\\d{6})", { params: { code }, json: { note } }));
    drafts.drop(code);
    dialog.close();
    report(fill(t.doneNoted, { code }));
    await refresh();
  } catch (error) {
    const isUnfollowed = error instanceof ClientError && error.code === "STOCK_NOT_FOLLOWED";
    showMistake(form, input, isUnfollowed ? t.notFollowedAnyMore : sentenceOf(error, code));
    if (!isUnfollowed || submit === null) return;
    submit.name = "follow";
    submit.textContent = t.followAndSave;
  }
}

function showMistake(form: HTMLFormElement, input: HTMLInputElement, sentence: string): void {
  const error = form.querySelector("#note-error");
  if (error !== null) error.textContent = sentence;
  input.setAttribute("aria-invalid", "true");
  input.focus();
}

// The events of the page

document.addEventListener("submit", (event) => {
  const { action, code } = (event.target as HTMLElement).dataset;
  if (code === undefined || (action !== "follow" && action !== "unfollow")) return;
  event.preventDefault();
  const submit = (event.target as HTMLElement).querySelector("button");
  // A second click while the first one is under way does nothing.
  if (submit?.ariaBusy === "true") return;
  if (submit !== null) submit.ariaBusy = "true";
  void (action === "follow" ? follow(code) : unfollow(code));
});

document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLAnchorElement>("a.live, a[data-action=edit]");
  if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.dataset["action"] === "edit") {
    void edit(link.dataset["code"] ?? "", link.href);
    return;
  }
  history.pushState(null, "", link.href);
  void showPlace();
});

addEventListener("popstate", () => void showPlace());

/** Shows what the address says: the table, and the fields of the search. */
function showPlace(): Promise<void> {
  const query = new URLSearchParams(location.search);
  for (const name of ["q", "show", "sort"]) {
    const field = document.querySelector<HTMLInputElement | HTMLSelectElement>(`#search [name=${name}]`);
    if (field !== null) field.value = query.get(name) ?? "";
  }
  return refresh();
}

const TYPING_PAUSE_MS = 150;
let typing: ReturnType<typeof setTimeout> | undefined;

function search(form: HTMLFormElement): void {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string" && value !== "") query.set(name, value);
  const url = query.size === 0 ? location.pathname : `${location.pathname}?${query.toString()}`;
  history.replaceState(null, "", url);
  void refresh().then(() => {
    // Screen readers announce how many stocks were found.
    const count = document.querySelector("#live caption, #live p");
    element("found").textContent = count?.firstChild?.textContent ?? "";
    return undefined;
  });
}

const form = document.querySelector<HTMLFormElement>("#search");
/** An input method composes Chinese text from letters, which are not what is searched for. */
function searchSoon(event: Event): void {
  if (form === null || (event as InputEvent).isComposing) return;
  clearTimeout(typing);
  typing = setTimeout(search, TYPING_PAUSE_MS, form);
}

form?.addEventListener("input", searchSoon);
form?.addEventListener("compositionend", searchSoon);
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  search(form);
});

// The page of a note
const noteForm = document.querySelector<HTMLFormElement>("#note-form");
if (noteForm !== null) {
  const code = noteForm.dataset["code"] ?? "";
  const input = noteForm.querySelector<HTMLInputElement>("input[name=note]");
  // After a mistake the page has what was typed.
  if (input?.getAttribute("aria-invalid") === null) restoreDraft(noteForm, code);
}
const saved = new URLSearchParams(location.search);
if (saved.get("done") === "noted") drafts.drop(saved.get("code") ?? "");

// Other tabs

let shown = String(version);
let events: EventSource | null = null;

/**
 * A browser opens six connections to a site over HTTP/1.1, for all its tabs. So only a tab that is visible listens; one that
 * becomes visible asks for what has changed since.
 */
function listen(): void {
  events?.close();
  events = null;
  if (document.hidden) return;
  events = new EventSource(`/events?since=${shown}`);
  events.addEventListener("changed", (event) => {
    shown = String((event as MessageEvent<unknown>).data);
    void refresh();
  });
}

if (document.getElementById("live") !== null) {
  listen();
  document.addEventListener("visibilitychange", listen);
}
