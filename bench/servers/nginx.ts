/** nginx for the files, configured for speed: one process, no log, sendfile, files kept open. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Writes a configuration next to the files. @returns the arguments with which nginx uses it. */
export async function configureNginx(root: string, port: number): Promise<readonly string[]> {
  const prefix = join(root, "nginx");
  await mkdir(prefix, { recursive: true });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${prefix};`);
  const file = join(prefix, "nginx.conf");
  await writeFile(
    file,
    `daemon off;
master_process off;
worker_processes 1;
pid ${prefix}/nginx.pid;
error_log stderr crit;
events { worker_connections 8192; }
http {
  ${temporary.join(" ")}
  access_log off;
  types { text/plain txt; text/css css; }
  gzip_static on;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  open_file_cache max=100;
  open_file_cache_valid 1s;
  server {
    listen 127.0.0.1:${port};
    location /files/ { root ${root}; }
  }
}
`,
  );
  return ["-p", prefix, "-c", file, "-e", "stderr"];
}
