/** The module of a worker process. */
import { serveAsWorker } from "./serve-as-worker.ts";

serveAsWorker();
