import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IncomingRequest } from "@tsgi/gateway-spec";
import { toHeaderView } from "@tsgi/gateway-spec/server-kit";
import { createTestClient } from "@tsgi/gateway-spec/testing";
import { array, assert, asyncProperty, nat } from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { App } from "../app.ts";
import { readMultipart, upload, uploads, type MultipartLimits } from "./index.ts";

type Request = Pick<IncomingRequest, "headers" | "body">;

const FILE = "涨跌\r\n--x not the boundary\r\n".repeat(20);
const FORM = content(
  field("note", "自选 🙂"),
  file("picture", "自选.txt", "text/plain", FILE),
  field("__proto__", "x"),
  field("note", "second"),
);

function field(name: string, value: string): string {
  return `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`;
}

function file(name: string, filename: string, type: string, text: string): string {
  return `Content-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${type}\r\n\r\n${text}`;
}

function content(...parts: readonly string[]): string {
  return `${parts.map((part) => `--b0undary\r\n${part}\r\n`).join("")}--b0undary--\r\n`;
}

function request(pieces: Iterable<Uint8Array | string>, type = "multipart/form-data; boundary=b0undary"): Request {
  return { headers: toHeaderView([["content-type", type]]), body: generate(pieces) };
}

async function* generate(pieces: Iterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield await Promise.resolve(typeof piece === "string" ? Buffer.from(piece) : piece);
}

/** The parts as a list, files with their text. */
async function parse(given: Request, limits?: MultipartLimits): Promise<readonly (readonly string[])[]> {
  const parts: string[][] = [];
  for await (const part of readMultipart(given, limits)) {
    if (part.kind === "field") parts.push([part.name, part.value]);
    else parts.push([part.name, part.filename, part.type, (await readBytes(part.content)).toString()]);
  }
  return parts;
}

async function readBytes(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

const PARTS = [
  ["note", "自选 🙂"],
  ["picture", "自选.txt", "text/plain", FILE],
  ["__proto__", "x"],
  ["note", "second"],
];

describe("readMultipart", () => {
  test("gives fields and files in their order, wherever the content is cut", async () => {
    const bytes = Buffer.from(FORM);
    await assert(
      asyncProperty(array(nat(bytes.length), { maxLength: 12 }), async (cuts) => {
        const ends = [...new Set([...cuts, bytes.length])].toSorted((a, b) => a - b);
        const pieces = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
        expect(await parse(request(pieces))).toEqual(PARTS);
      }),
      { numRuns: 100 },
    );
    expect(await parse(request([...bytes].map((byte) => Uint8Array.of(byte))))).toEqual(PARTS);
  });

  test("gives each of several files its own content, whichever the loop reads and wherever the content is cut", async () => {
    const texts = ["first", FILE, "", "last"];
    const form = content(...texts.map((text, i) => file(`f${i}`, `${i}.txt`, "text/plain", text)), field("note", "x"));
    const bytes = Buffer.from(form);
    await assert(
      asyncProperty(array(nat(bytes.length), { maxLength: 6 }), nat(15), async (cuts, chosen) => {
        const isRead = (index: number) => (chosen & (1 << index)) !== 0;
        const ends = [...new Set([...cuts, bytes.length])].toSorted((a, b) => a - b);
        const pieces = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
        const read: string[] = [];
        for await (const part of readMultipart(request(pieces))) {
          if (part.kind === "field") read.push(part.value);
          else if (isRead(Number(part.name.slice(1)))) read.push((await readBytes(part.content)).toString());
        }
        expect(read).toEqual([...texts.filter((_text, index) => isRead(index)), "x"]);
      }),
      { numRuns: 100 },
    );
  });

  test("reads what a browser's FormData sends", async () => {
    const form = new FormData();
    form.set("note", "自选");
    form.set("picture", new File([FILE], "自选.txt", { type: "text/plain" }));
    const sent = new globalThis.Request("http://test.localhost/", { method: "POST", body: form });
    expect(await parse({ headers: sent.headers, body: sent.body })).toEqual([
      ["note", "自选"],
      ["picture", "自选.txt", "text/plain", FILE],
    ]);
  });

  test("drops the folders of a file's name", async () => {
    const [part] = await parse(request([content(file("f", "../../etc/passwd", "text/plain", "x"))]));
    expect(part?.[1]).toBe("passwd");
  });

  test.each([
    ["content of another type", "application/json", FORM, 415, "MULTIPART_EXPECTED"],
    ["a Content-Type without a boundary", "multipart/form-data; charset=utf-8", FORM, 400, "MULTIPART_MALFORMED"],
    ["content that ends in a field", undefined, FORM.slice(0, 80), 400, "MULTIPART_MALFORMED"],
    ["content that ends in a file", undefined, FORM.slice(0, 400), 400, "MULTIPART_MALFORMED"],
    ["content without a part", undefined, "nonsense", 400, "MULTIPART_MALFORMED"],
    ["content without a byte", undefined, "", 400, "MULTIPART_MALFORMED"],
  ])("rejects %s", async (_title, type, text, status, code) => {
    await expect(parse(request([text], type))).rejects.toMatchObject({ status, code });
  });

  test.each([
    [{ maxFileBytes: Buffer.byteLength(FILE) - 1 }, "FILE_TOO_LARGE"],
    [{ maxFieldBytes: 5 }, "FIELD_TOO_LARGE"],
    [{ maxFields: 2 }, "TOO_MANY_PARTS"],
    [{ maxFiles: 0 }, "TOO_MANY_PARTS"],
    [{ maxTotalBytes: 500 }, "MULTIPART_TOO_LARGE"],
  ])("rejects a form beyond the limits %o with 413", async (limits, code) => {
    await expect(parse(request([FORM]), limits)).rejects.toMatchObject({ status: 413, code });
  });

  test("accepts a form that is exactly at its limits", async () => {
    const limits = { maxFileBytes: Buffer.byteLength(FILE), maxFieldBytes: 11, maxFields: 3, maxFiles: 1 };
    expect(await parse(request([FORM]), { ...limits, maxTotalBytes: Buffer.byteLength(FORM) })).toEqual(PARTS);
  });

  test.each([
    ["ends in it", FORM.slice(0, 400), {}, "MULTIPART_MALFORMED"],
    ["has too large a file", FORM, { maxFileBytes: 100 }, "FILE_TOO_LARGE"],
    ["is too long", FORM, { maxTotalBytes: 400 }, "MULTIPART_TOO_LARGE"],
  ])("fails in a file that the loop does not read, where the form %s", async (_title, form, limits, code) => {
    const pieces = form.match(/[^]{1,100}/gu) ?? [];
    const skip = async () => {
      for await (const _ of readMultipart(request(pieces), limits));
    };
    await expect(skip()).rejects.toMatchObject({ name: "HttpError", code });
  });

  test("does not count a file that was not chosen as a file, but as a field", async () => {
    const unchosen = file("banner", "", "application/octet-stream", "");
    const form = content(unchosen, file("avatar", "a.png", "image/png", "x"), unchosen);
    const parts = await parse(request([form]), { maxFiles: 1 });
    expect(parts.map(([name, filename]) => [name, filename])).toEqual([
      ["banner", ""],
      ["avatar", "a.png"],
      ["banner", ""],
    ]);
    const many = content(...Array.from({ length: 4 }, () => unchosen));
    await expect(parse(request([many]), { maxFiles: 1, maxFields: 2 })).rejects.toMatchObject({
      code: "TOO_MANY_PARTS",
    });
  });

  test("discards a file that the loop does not read", async () => {
    const names: string[] = [];
    for await (const { name } of readMultipart(request([FORM.slice(0, 200), FORM.slice(200)]))) names.push(name);
    expect(names).toEqual(["note", "picture", "__proto__", "note"]);
  });

  test("reads the request no faster than the file is read", async () => {
    let pulled = 0;
    const head = `--b0undary\r\n${file("f", "f.bin", "application/octet-stream", "")}`;
    const endless = (function* () {
      yield head;
      for (; pulled < 1000; pulled++) yield Buffer.alloc(64 * 1024, "x");
    })();
    const limits = { maxFileBytes: 1e9, maxTotalBytes: 1e9 };
    for await (const part of readMultipart(request(endless), limits)) {
      if (part.kind !== "file") continue;
      for await (const bytes of part.content) {
        expect(bytes.byteLength).toBeGreaterThan(0);
        break;
      }
      await new Promise((resolve) => setImmediate(resolve));
      expect(pulled).toBeLessThan(20);
      break;
    }
  });

  test("ends the request's content where the loop is left", async () => {
    let ended = false;
    const body = (async function* () {
      try {
        for (;;) yield await Promise.resolve(Buffer.from(FORM.slice(0, 300)));
      } finally {
        ended = true;
      }
    })();
    for await (const part of readMultipart({ ...request([]), body })) if (part.name === "picture") break;
    expect(ended).toBe(true);
  });

  test.each([80, 300])("fails with the client's disconnect in byte %i, in a field or a file", async (length) => {
    const gone = Object.assign(new Error("The client closed the connection"), { code: "CLIENT_DISCONNECTED" });
    const body = (async function* () {
      yield await Promise.resolve(Buffer.from(FORM.slice(0, length)));
      throw gone;
    })();
    await expect(parse({ ...request([]), body })).rejects.toBe(gone);
  });
});

describe("uploads", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tsgi-uploads-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  async function post(app: App, body: string = FORM) {
    await using client = await createTestClient(app);
    const headers = { "content-type": "multipart/form-data; boundary=b0undary" };
    return client.request("/", { method: "POST", headers, body });
  }

  test("gives fields and files, which can be read and saved, and leaves no temporary file", async () => {
    const app = new App();
    const read = uploads({ folder });
    app.post("/", async (context) => {
      const { fields, files } = await read(context);
      const [picture] = files.get("picture") ?? [];
      await picture?.saveAs(join(folder, "saved.txt"));
      const text = Buffer.from((await picture?.bytes()) ?? []).toString();
      return { notes: fields.get("note"), name: picture?.filename, size: picture?.size, same: text === FILE };
    });
    const response = await post(app);
    expect(response.json()).toEqual({
      notes: ["自选 🙂", "second"],
      name: "自选.txt",
      size: Buffer.byteLength(FILE),
      same: true,
    });
    expect(readdirSync(folder)).toEqual(["saved.txt"]);
    expect(readFileSync(join(folder, "saved.txt"), "utf8")).toBe(FILE);
  });

  test("checks and converts the fields by schemas, and responds with every mistake", async () => {
    const app = new App();
    const fields = { note: z.array(z.string().max(10)), count: z.coerce.number().optional() };
    app.post("/", { needs: { sent: uploads({ folder, fields }) } }, ({ sent }) => ({
      notes: sent.fields.note,
      count: sent.fields.count?.toFixed(1) ?? null,
      files: [...sent.files.keys()],
    }));
    const count = (value: string) =>
      FORM.replace("__proto__", "count").replace("\r\n\r\nx\r\n", `\r\n\r\n${value}\r\n`);
    expect((await post(app)).json()).toEqual({ notes: ["自选 🙂", "second"], count: null, files: ["picture"] });
    expect((await post(app, count("7"))).json()).toMatchObject({ count: "7.0" });
    const refused = await post(app, count("many").replace("second", "longer than ten"));
    expect([refused.status, refused.json()]).toEqual([
      422,
      expect.objectContaining({
        code: "INPUT_INVALID",
        errors: [
          expect.objectContaining({ in: "form", field: "note.1" }),
          expect.objectContaining({ in: "form", field: "count" }),
        ],
      }),
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("saveAs does not replace a file", async () => {
    const app = new App();
    app.post("/", async (context) => {
      const picture = await upload("picture", { folder })(context);
      await picture.saveAs(join(folder, "saved.txt"));
      return picture.saveAs(join(folder, "saved.txt")).then(
        () => ({ code: "replaced" }),
        (error: NodeJS.ErrnoException) => ({ code: error.code }),
      );
    });
    expect((await post(app)).json()).toEqual({ code: "EEXIST" });
  });

  test.each([
    ["a form without the file", upload("other"), FORM, 422, "FILE_REQUIRED"],
    [
      "a form whose file was not chosen",
      upload("picture"),
      content(file("picture", "", "application/octet-stream", "")),
      422,
      "FILE_REQUIRED",
    ],
    [
      "a file of another type",
      upload("picture", { types: ["image/*", "application/pdf"] }),
      FORM,
      415,
      "FILE_TYPE_NOT_ALLOWED",
    ],
    ["content that is not whole", upload("picture"), FORM.slice(0, 400), 400, "MULTIPART_MALFORMED"],
  ])("rejects %s", async (_title, need, body, status, code) => {
    const app = new App();
    app.post("/", async (context) => ({ size: (await need(context)).size }));
    const response = await post(app, body);
    expect([response.status, response.json()]).toEqual([status, expect.objectContaining({ code })]);
  });

  test.each([[["text/plain"]], [["text/*"]], [["TEXT/PLAIN".toLowerCase()]]])(
    "accepts a file of the types %o",
    async (types) => {
      const app = new App();
      app.post("/", async (context) => ({ size: (await upload("picture", { types })(context)).size }));
      expect((await post(app)).status).toBe(200);
    },
  );

  test("no temporary file is left where the handler fails", async () => {
    const app = new App({ logger: { error: () => undefined } });
    app.post("/", async (context) => {
      await uploads({ folder })(context);
      throw new Error("no");
    });
    expect((await post(app)).status).toBe(500);
    expect(readdirSync(folder)).toEqual([]);
    expect(existsSync(folder)).toBe(true);
  });
});
