/** A connection for migrations: it runs whole files, and only one process has it at a time. */
import mysql from "mysql2";
import type { Connection, ConnectionOptions, RowDataPacket } from "mysql2";
import { DatabaseError } from "./errors.ts";
import { checkedValues, closeAtOnce, toResult, toRows } from "./mysql-connection.ts";
import type { MysqlContext, Response, Settle } from "./mysql-connection.ts";
import { toDatabaseError } from "./mysql-errors.ts";
import type { Script } from "./script.ts";
import type { DatabaseParameter } from "./types.ts";

/** How long a process waits for another one that migrates the same database, in seconds. */
const LOCK_TIMEOUT_S = 60;

/** A name of at most 64 characters, for a lock that is known to the whole server. */
const LOCK_NAME = "CONCAT('tsgi:', LEFT(SHA2(DATABASE(), 256), 40))";

export async function runScript<T>(
  context: MysqlContext,
  settings: ConnectionOptions,
  work: (script: Script) => Promise<T>,
): Promise<T> {
  // The server itself finds the ends of the statements, those of procedures and triggers included.
  const connection = mysql.createConnection({ ...settings, multipleStatements: true });
  connection.on("error", () => {});
  const call = (
    start: (settle: (error: Error | null, response: Response, fields: Parameters<Settle>[2]) => void) => void,
  ) =>
    new Promise<[Response, Parameters<Settle>[2]]>((resolve, reject) => {
      start((error, response, fields) => {
        if (error) reject(toDatabaseError(error, context.address));
        else resolve([response, fields]);
      });
    });
  const execute = (sql: string, parameters: readonly DatabaseParameter[]) =>
    call((settle) => connection.execute<RowDataPacket[]>(sql, checkedValues(sql, parameters), settle as never));
  try {
    const [lock] = toRows(...(await execute(`SELECT GET_LOCK(${LOCK_NAME}, ?) AS taken`, [LOCK_TIMEOUT_S])));
    if (lock?.["taken"] !== 1) {
      throw new DatabaseError("DATABASE_BUSY", `Another process has migrated this database for ${LOCK_TIMEOUT_S} s`);
    }
    return await work({
      query: async (sql, parameters = []) => toRows(...(await execute(sql, parameters))),
      execute: async (sql, parameters = []) => toResult((await execute(sql, parameters))[0]),
      run: async (text) => {
        await call((settle) => connection.query<RowDataPacket[]>(text, settle as never));
      },
    });
  } finally {
    await endConnection(connection);
  }
}

/** The server releases the lock with the connection. */
function endConnection(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    connection.end(() => {
      closeAtOnce(connection);
      resolve();
    });
  });
}
