/** Chooses the source of the tests' database and browser. The choice is a function without effects, so that tests cover each case. */

/** The inputs of the choice. */
export interface Means {
  readonly env: Readonly<Record<string, string | undefined>>;
  findProgram(names: readonly string[]): string | null;
  /** The command line of an apt-get that may install, or null. */
  installPrefix(): Promise<readonly string[] | null>;
}

/** A program that the tests need. */
export interface Need {
  /** Such as "a MySQL or MariaDB server". */
  readonly title: string;
  /** The environment variable that names it, here and in the tests. */
  readonly variable: string;
  /** An example value of the variable, for the message. */
  readonly example: string;
  readonly programs: readonly string[];
  /** Debian packages that contain one of the programs and what it needs. */
  readonly debianPackages: readonly string[];
  /** The packages start a service, on a machine that has services: they are installed with CI=true only. */
  readonly startsService?: true;
}

export type Source =
  | { readonly kind: "given"; readonly value: string }
  | { readonly kind: "program"; readonly path: string }
  | { readonly kind: "install"; readonly prefix: readonly string[] }
  | { readonly kind: "missing"; readonly reason: string };

/** These packages have the programs without the service that Debian's mariadb-server starts. */
export const MYSQL: Need = {
  title: "a MySQL or MariaDB server",
  variable: "TSGI_TEST_MYSQL_URL",
  example: "mysql://root:password@127.0.0.1:3306/",
  programs: ["mariadbd", "mysqld"],
  debianPackages: ["mariadb-server-core", "mariadb-client-core"],
};

export const CHROMIUM: Need = {
  title: "Chromium",
  variable: "TSGI_TEST_CHROMIUM",
  example: "/usr/bin/chromium",
  programs: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
  debianPackages: ["chromium"],
};

/** The commands of the lessons call it. */
export const CURL: Need = {
  title: "curl",
  variable: "TSGI_TEST_CURL",
  example: "/usr/bin/curl",
  programs: ["curl"],
  debianPackages: ["curl"],
};

/** Lesson 42 makes a certificate for a client with it. */
export const OPENSSL: Need = {
  title: "openssl",
  variable: "TSGI_TEST_OPENSSL",
  example: "/usr/bin/openssl",
  programs: ["openssl"],
  debianPackages: ["openssl"],
};

/** For messages across machines. The package has the server without the service that Debian's redis-server starts. */
export const REDIS: Need = {
  title: "a Redis server",
  variable: "TSGI_TEST_REDIS",
  example: "/usr/bin/redis-server",
  programs: ["redis-server", "redis-check-rdb"],
  debianPackages: ["redis-tools"],
};

/** The library by which MariaDB servers are a cluster, and the programs by which a server gets the data of another one. */
export const GALERA: Need = {
  title: "MariaDB with Galera",
  variable: "TSGI_TEST_GALERA",
  example: "/usr/bin/galera_recovery",
  programs: ["galera_recovery"],
  debianPackages: ["mariadb-server"],
  startsService: true,
};

export const NGINX: Need = {
  title: "nginx",
  variable: "TSGI_TEST_NGINX",
  example: "/usr/sbin/nginx",
  programs: ["nginx"],
  debianPackages: ["nginx", "libnginx-mod-stream"],
  startsService: true,
};

export const HAPROXY: Need = {
  title: "HAProxy",
  variable: "TSGI_TEST_HAPROXY",
  example: "/usr/sbin/haproxy",
  programs: ["haproxy"],
  debianPackages: ["haproxy"],
  startsService: true,
};

/** In this order: the environment, a program of the machine, a Debian package, a message. */
export async function chooseSource(need: Need, means: Means): Promise<Source> {
  const value = means.env[need.variable];
  if (value !== undefined && value !== "") return { kind: "given", value };
  const path = means.findProgram(need.programs);
  if (path !== null) return { kind: "program", path };
  const mayInstall = need.startsService !== true || means.env["CI"] === "true";
  const prefix = mayInstall ? await means.installPrefix() : null;
  if (prefix !== null) return { kind: "install", prefix };
  return { kind: "missing", reason: missing(need) };
}

/** The message for a missing program, with what to do. */
export function missing(need: Need): string {
  return `no ${need.title.replace(/^an? /, "")}: install Debian's ${need.debianPackages.join(" and ")}, or set ${need.variable}, such as ${need.example}`;
}
