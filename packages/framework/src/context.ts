/** What a handler is given: the request, the parameters of its path, and the usual ways to answer. Nothing is made before it is asked for. */
import type { Exchange, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { readForm, readJson, readText, type ReadOptions } from "@tsgi/gateway-spec/body";
import { reply, type ReplyOptions } from "./results.ts";
import type { ParamValue } from "./router/path.ts";

export interface RenderOptions extends ReplyOptions {
  /** The layout to put the page into; `null` for none. Default: the application's. */
  readonly layout?: string | null;
}

/** What the application lends to its contexts. */
export interface Services {
  urlFor(name: string, params?: Readonly<Record<string, ParamValue>>): string;
  /** A view with its data as text. */
  renderView(view: string, data: object, layout?: string | null): string;
  /** Of an answer that does not name its status. Default 200. */
  readonly status?: number;
}

export class Context<Params extends object = object, State = unknown> {
  readonly request: IncomingRequest;
  readonly exchange: Exchange<State>;
  /** Decoded. */
  readonly params: Params;
  readonly #services: Services;
  #url: URL | undefined;
  #query: URLSearchParams | undefined;

  constructor(services: Services, request: IncomingRequest, exchange: Exchange<State>, params: Params) {
    this.request = request;
    this.exchange = exchange;
    this.params = params;
    this.#services = services;
  }

  get url(): URL {
    return (this.#url ??= new URL(this.request.url));
  }

  get query(): URLSearchParams {
    if (this.#query !== undefined) return this.#query;
    const { target } = this.exchange;
    const mark = target.indexOf("?");
    return (this.#query = new URLSearchParams(mark === -1 ? "" : target.slice(mark + 1)));
  }

  /** The request's content as text. One of `text`, `json` and `form`, and only once. @throws BodyError */
  text(options?: ReadOptions): Promise<string> {
    return readText(this.request, options);
  }

  /** The request's content, sent as JSON. @throws BodyError */
  json(options?: ReadOptions): Promise<unknown> {
    return readJson(this.request, options);
  }

  /** The request's content, sent by a form. @throws BodyError */
  form(options?: ReadOptions): Promise<URLSearchParams> {
    return readForm(this.request, options);
  }

  /**
   * A page.
   * @param view a file of the views folder, `.html` where it has no extension.
   * @param data what the view finds under `it`.
   * @throws TemplateError
   */
  render(view: string, data: object = {}, { layout, ...options }: RenderOptions = {}): OutgoingResponse {
    return this.reply(this.#services.renderView(view, data, layout), options);
  }

  /**
   * Data with a status and header fields of your choice: a string is HTML, an object JSON, `null` no content. Unlike a returned
   * object, one given here is never taken for a response.
   */
  reply(data: string | object | null, options?: ReplyOptions): OutgoingResponse {
    const { status } = this.#services;
    return reply(data, status === undefined ? options : { status, ...options });
  }

  /**
   * @param location of a page of this site; where it comes from the client, check it first. What no URL may hold is encoded.
   * @param status default 303 See Other: get the page there, whatever the method was (RFC 9110 §15.4.4).
   */
  redirect(location: string, status: 301 | 302 | 303 | 307 | 308 = 303): OutgoingResponse {
    return { status, headers: { location: location.replaceAll(NOT_IN_URLS, encodeURIComponent) }, body: null };
  }

  /** The path of a named route. @throws RouteError */
  urlFor(name: string, params?: Readonly<Record<string, ParamValue>>): string {
    return this.#services.urlFor(name, params);
  }
}

/** Controls, spaces, and all that is not ASCII. */
const NOT_IN_URLS = /[^\x21-\x7e]+/g;
