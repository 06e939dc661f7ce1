/** What the heads of one connection begin with: a client sends most of its fields with every request, in the same order. */
import { copied } from "./text.ts";
import { CONNECTION, type FieldLine, HOST, PLAIN } from "./vocabulary.ts";

/** Fewer are as fast one by one. */
const MIN_LINES = 3;

/** Field lines that were read before, in their order, and what came of them. */
export interface Run {
  /** The lines with their CRLFs. */
  readonly text: string;
  readonly fields: readonly string[];
  readonly host: string | null;
  readonly connection: string;
}

/**
 * Learns from each head that does not begin with the run: then the run is what it shares with the last head that did not either.
 * So it stays where a client sends heads of several kinds, and is as long as what they have in common.
 */
export class RecurringLines {
  #run: Run | null = null;
  readonly #lines: (FieldLine | null)[] = [];
  #count = 0;
  #shared = 0;

  /** The run, where it stands at a place of a text. Fast path: one comparison takes the place of reading its lines. */
  at(text: string, from: number): Run | null {
    const run = this.#run;
    return run !== null && text.slice(from, from + run.text.length) === run.text ? run : null;
  }

  /** The next line of a head that does not begin with the run. */
  add(line: FieldLine): void {
    const at = this.#count++;
    if (!mayRecur(line)) this.#lines[at] = null;
    else if (this.#lines[at] !== line) this.#lines[at] = line;
    else if (this.#shared === at) this.#shared++;
  }

  /** The head is complete. */
  learn(): void {
    const shared = this.#shared;
    this.#run = shared < MIN_LINES ? null : runOf(this.#lines.slice(0, shared).filter((line) => line !== null));
    this.#count = 0;
    this.#shared = 0;
  }
}

/** What frames a message is read anew each time; and of what the vocabulary does not remember, nothing is kept here. */
function mayRecur({ text, role }: FieldLine): boolean {
  return text !== "" && (role === PLAIN || role === HOST || role === CONNECTION);
}

function runOf(lines: readonly FieldLine[]): Run {
  return {
    text: copied(lines.map(({ text }) => text).join("")),
    fields: lines.flatMap(({ name, value }) => [name, value]),
    host: lines.find(({ role }) => role === HOST)?.word ?? null,
    connection: lines
      .filter(({ role }) => role === CONNECTION)
      .map(({ word }) => word)
      .join(", "),
  };
}
