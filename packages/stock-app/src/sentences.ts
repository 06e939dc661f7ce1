/** The sentences that the pages show. */
import { STATUS_CODES } from "node:http";
import type { Refusal } from "./stock-store.ts";

/** The action that a redirect reports in the query of the next page. */
export type Done = "followed" | "noted" | "unfollowed";

const DONE: Readonly<Record<Done, (code: string) => string>> = {
  followed: (code) => `股票 ${code} 关注成功。`,
  noted: (code) => `股票 ${code} 的备注已保存。`,
  unfollowed: (code) => `股票 ${code} 已取消关注。`,
};

/** The sentence for the query of a redirect; `null` for any other query. */
export function sentenceAfter(query: URLSearchParams): string | null {
  const done = query.get("done") ?? "";
  const code = query.get("code") ?? "";
  return isDone(done) && /^\d{6}$/.test(code) ? DONE[done](code) : null;
}

function isDone(text: string): text is Done {
  return Object.hasOwn(DONE, text);
}

const REFUSED: Readonly<Record<Refusal, (code: string) => string>> = {
  "no such stock": (code) => `没有代码为 ${code} 的股票，请检查代码是否正确。`,
  "already followed": (code) => `股票 ${code} 已经关注过，不用重复添加。`,
  "not followed": (code) => `股票 ${code} 还没有关注，请先在股票列表中添加。`,
  "note not storable": () => "备注里有数据库不能保存的字符（例如表情符号），请删掉后再保存。",
};

export function sentenceOfRefusal(refusal: Refusal, code: string): string {
  return REFUSED[refusal](code);
}

/** For errors whose message is not a sentence for readers. */
const ERRORS: Readonly<Record<number, string>> = {
  404: "没有这个页面，请检查网址是否正确。",
  405: "这个地址不能直接打开，请使用页面上的按钮。",
  413: "提交的内容太长。",
  415: "提交的内容不是表单。",
  500: "服务器出错了，我们会尽快处理。",
  503: "数据库暂时连接不上，请稍后再试。",
};

export function sentenceOfStatus(status: number): string {
  return ERRORS[status] ?? `请求没有成功（${status} ${STATUS_CODES[status] ?? ""}）。`;
}
