/**
 * Whether a client of this Node sees that a server has reset the connection. Before libuv 1.52 (Node 22), a read that takes the
 * last bytes before the reset is followed by an orderly end (libuv pull request 4997).
 */
export const CLIENTS_SEE_RESETS: boolean = !/^1\.[0-4]\d\.|^1\.5[01]\./.test(process.versions["uv"] ?? "");
