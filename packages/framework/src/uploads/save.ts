/** Needs that read a whole form with files before the handler runs. The files are temporary: what is not saved is gone. */
import type { Exchange, IncomingRequest } from "@tsgi/gateway-spec";
import { HttpError, InputError } from "../errors.ts";
import { readsMultipart } from "../need-content.ts";
import { compileCheck } from "../validation/compile.ts";
import type { Fields, FieldsOutput } from "../validation/schema.ts";
import { readEntries, textRules } from "../validation/text.ts";
import { readMultipart, type FilePart, type MultipartLimits } from "./multipart.ts";
import { TemporaryFile } from "./temporary-file.ts";

/** What a need of this file reads of its context. */
interface Receiving {
  readonly request: IncomingRequest;
  readonly exchange: Exchange;
}

/** Limits, permitted types, and where files wait for the handler. */
export interface UploadOptions extends MultipartLimits {
  /** The media types that a file may have, such as `image/png` or `image/*`. Default: every one. What the client says counts. */
  readonly types?: readonly string[];
  /** Folder for temporary files. Default: the system's. */
  readonly folder?: string;
}

/** A file of a form. It is gone when the exchange is over: save it or read it before. */
export interface Upload {
  /** The name that the client gave, without folders. It is input: never use it as a path. */
  readonly filename: string;
  /** The media type that the client gave. It is input: look at the content before you trust it. */
  readonly type: string;
  /** Length in bytes. */
  readonly size: number;
  /** The content from its beginning. Each call reads it again. */
  stream(): AsyncIterable<Uint8Array>;
  /** The content as a whole. */
  bytes(): Promise<Uint8Array>;
  /** Saves the content at a path of yours that is not taken yet. @throws the system's error, such as `EEXIST`. */
  saveAs(path: string): Promise<void>;
}

/** A form whose files have been saved in temporary files. */
export interface UploadedForm<FieldValues = ReadonlyMap<string, readonly string[]>> {
  /** The checked fields; without a schema every field by its name, in their order. */
  readonly fields: FieldValues;
  /** The files by the name of their field, in their order. Fields whose file was not chosen are not among them. */
  readonly files: ReadonlyMap<string, readonly Upload[]>;
}

/**
 * A need that reads the form: `needs: { sent: uploads({ types: ["image/*"], fields: { title: z.string().min(1) } }) }`.
 * @param options `fields` are schemas as in the `form` of a route.
 * @throws HttpError what {@link readMultipart} throws; 415 `FILE_TYPE_NOT_ALLOWED`; 422 `INPUT_INVALID` for wrong fields.
 */
export function uploads<const Form extends Fields>(
  options: UploadOptions & { readonly fields: Form },
): (context: Receiving) => Promise<UploadedForm<FieldsOutput<Form>>>;
export function uploads(options?: UploadOptions): (context: Receiving) => Promise<UploadedForm>;
export function uploads(
  options: UploadOptions & { readonly fields?: Fields } = {},
): (context: Receiving) => Promise<UploadedForm<unknown>> {
  const { fields, ...others } = options;
  const { types } = others;
  const content = { ...(fields !== undefined && { fields }), ...(types !== undefined && { types }) };
  if (fields === undefined) {
    return readsMultipart(({ request, exchange }: Receiving) => receive(request, exchange, others), content);
  }
  const rules = textRules(fields);
  const check = compileCheck(fields);
  return readsMultipart(async ({ request, exchange }: Receiving) => {
    const form = await receive(request, exchange, others);
    const entries = [...form.fields].flatMap(([name, values]) => values.map((value) => [name, value] as const));
    const checked = await check(readEntries(entries, rules));
    if ("value" in checked) return { ...form, fields: checked.value };
    throw new InputError(checked.mistakes.map(({ field, message }) => ({ in: "form", field, message })));
  }, content);
}

/**
 * A need for the one file of a field: `needs: { picture: upload("picture", { maxFileBytes: 2_000_000 }) }`.
 * @throws HttpError 422 `FILE_REQUIRED` where the form has no such file; and what {@link uploads} throws.
 */
export function upload(field: string, options: UploadOptions = {}): (context: Receiving) => Promise<Upload> {
  const { types } = options;
  const need = async ({ request, exchange }: Receiving): Promise<Upload> => {
    const { files } = await receive(request, exchange, { maxFiles: 1, ...options });
    const file = files.get(field)?.[0];
    if (file === undefined) throw new HttpError(422, "FILE_REQUIRED", `Choose a file for "${field}"`);
    return file;
  };
  return readsMultipart(need, { file: field, ...(types !== undefined && { types }) });
}

async function receive(request: IncomingRequest, exchange: Exchange, options: UploadOptions): Promise<UploadedForm> {
  const fields = new Map<string, string[]>();
  const files = new Map<string, Upload[]>();
  const temporary: TemporaryFile[] = [];
  const release = async () => {
    await Promise.all(temporary.map((file) => file[Symbol.asyncDispose]()));
  };
  try {
    for await (const part of readMultipart(request, options)) {
      if (part.kind === "field") append(fields, part.name, part.value);
      else if (part.filename !== "") {
        checkType(part, options.types);
        const file = await TemporaryFile.create(options.folder);
        temporary.push(file);
        for await (const bytes of part.content) await file.append(bytes);
        append(files, part.name, toUpload(part, file));
      }
    }
  } catch (error) {
    await release();
    throw error;
  }
  exchange.waitUntil(exchange.completed.then(release, release));
  return { fields, files };
}

function toUpload({ filename, type }: FilePart, file: TemporaryFile): Upload {
  return {
    filename,
    type,
    size: file.size,
    stream: () => file.read(),
    bytes: async () => {
      const pieces: Uint8Array[] = [];
      for await (const piece of file.read()) pieces.push(piece);
      return Buffer.concat(pieces);
    },
    saveAs: (path) => file.copyTo(path),
  };
}

function checkType({ name, type }: FilePart, types: readonly string[] | undefined): void {
  const given = type.toLowerCase();
  const allowed =
    types?.some((one) => (one.endsWith("/*") ? given.startsWith(one.slice(0, -1)) : given === one)) ?? true;
  if (allowed) return;
  const expected = types?.join(", ") ?? "";
  throw new HttpError(415, "FILE_TYPE_NOT_ALLOWED", `The file of this form must be of the type ${expected}`, {
    cause: new Error(`The file of the field "${name}" says that it is ${type}`),
  });
}

function append<T>(lists: Map<string, T[]>, name: string, value: T): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [value]);
  else list.push(value);
}
