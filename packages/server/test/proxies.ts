/** The proxies of deploy/, made to run in a test: as this user, in a folder of the test. */
import { delimiter } from "node:path";

/** Debian installs servers where the PATH of a user does not lead. */
export const ENV: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: [process.env["PATH"], "/usr/sbin", "/sbin"].join(delimiter),
};

export interface Proxy {
  readonly program: string;
  readonly file: string;
  /** Makes the file run as this user, in this folder. */
  readonly adapt: (text: string, folder: string) => string;
  readonly args: (path: string, folder: string) => readonly string[];
}

export const NGINX: Proxy = {
  program: "nginx",
  file: "nginx.conf",
  adapt: (text, folder) => {
    const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    const paths = folders.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ");
    return text.replace(/^http \{$/m, `http { access_log off; ${paths}`).replace("processes auto", "processes 1");
  },
  args: (path, folder) => ["-e", "stderr", "-p", folder, "-c", path, "-g", `daemon off; pid ${folder}/pid;`],
};

export const HAPROXY: Proxy = {
  program: "haproxy",
  file: "haproxy.cfg",
  // The test has no operations port: a copy that is down is found by its refused connections.
  adapt: (text) => text.replace("default-server check port 9090 inter 500ms fall 1 rise 1", "default-server"),
  args: (path) => ["-f", path],
};
