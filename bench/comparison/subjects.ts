/** The applications that are compared, and the command that starts each. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../peers.ts";

export interface Subject {
  readonly name: string;
  /** The file of the application, in this folder; it prints its port. */
  readonly file: string;
  /** The folder of its views, in this folder. */
  readonly views: string | null;
  readonly command: Command;
}

const python = findPython();

/** FastAPI is among them where Python has it. */
export const SUBJECTS: readonly Subject[] = [
  nodeSubject("tsgi", "tsgi.ts", null),
  nodeSubject("fastify", "fastify.ts", "views/fastify"),
  nodeSubject("hono", "hono.ts", null),
  ...(python === null
    ? []
    : [
        {
          name: "FastAPI",
          file: "fastapi.py",
          views: "views/fastapi",
          command: { program: python, args: ["-P", pathOf("fastapi.py")] },
        },
      ]),
];

export function pathOf(file: string): string {
  return join(import.meta.dirname, file);
}

export function sourceOf({ file }: Subject): string {
  return readFileSync(pathOf(file), "utf8");
}

function nodeSubject(name: string, file: string, views: string | null): Subject {
  return { name, file, views, command: { program: process.execPath, args: [pathOf(file)] } };
}

/** The Python that has the packages of fastapi.py, or null. */
function findPython(): string | null {
  const program = "/usr/bin/python3";
  // -P: without it Python finds this folder's fastapi.py in place of the package.
  const { status } = spawnSync(program, ["-P", "-c", "import fastapi, uvicorn, jinja2, multipart, itsdangerous"]);
  return status === 0 ? program : null;
}
