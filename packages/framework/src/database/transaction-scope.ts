/** Tells, across awaits, whether the caller is inside a transaction of this database. */
import { AsyncLocalStorage } from "node:async_hooks";

import type { Queryable } from "./database.ts";
import { DatabaseError } from "./errors.ts";

export class TransactionScope {
  readonly #storage = new AsyncLocalStorage<{ open: boolean }>();

  /** @throws DatabaseError `DATABASE_TRANSACTION` where the caller is inside a transaction. */
  assertOutside(): void {
    if (this.#storage.getStore()?.open !== true) return;
    throw new DatabaseError(
      "DATABASE_TRANSACTION",
      "Inside a transaction, use its argument: the database itself would wait for the transaction or run outside it",
    );
  }

  /** Runs `work` inside. What it is given stops working when `work` has settled. */
  async run<T>(queryable: Queryable, work: (transaction: Queryable) => Promise<T>): Promise<T> {
    const state = { open: true };
    const assertOpen = () => {
      if (!state.open)
        throw new DatabaseError("DATABASE_TRANSACTION", "The transaction has ended: await all of its work");
    };
    try {
      return await this.#storage.run(state, () =>
        work({
          async query(sql, parameters) {
            assertOpen();
            return queryable.query(sql, parameters);
          },
          async execute(sql, parameters) {
            assertOpen();
            return queryable.execute(sql, parameters);
          },
        }),
      );
    } finally {
      state.open = false;
    }
  }
}
