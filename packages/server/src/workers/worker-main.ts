/** The module of a worker process, and of a thread of one. */
import { serveAsWorker } from "./serve-as-worker.ts";

serveAsWorker();
