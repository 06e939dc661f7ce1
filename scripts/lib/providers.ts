/** Decides where the tests' database and browser come from. Deciding is apart from doing, so that each way can be tested. */

/** What the decision rests on. */
export interface Means {
  readonly env: Readonly<Record<string, string | undefined>>;
  findProgram(names: readonly string[]): string | null;
  /** The words of an apt-get that may install, or null. */
  installPrefix(): Promise<readonly string[] | null>;
}

/** A thing that the tests need. */
export interface Need {
  /** Such as "a MySQL or MariaDB server". */
  readonly title: string;
  /** The variable that names it, for the tests too. */
  readonly variable: string;
  /** What the variable must look like, for the message. */
  readonly example: string;
  readonly programs: readonly string[];
  /** Debian's packages that bring one of the programs and what it needs. */
  readonly debianPackages: readonly string[];
}

export type Source =
  | { readonly kind: "given"; readonly value: string }
  | { readonly kind: "program"; readonly path: string }
  | { readonly kind: "install"; readonly prefix: readonly string[] }
  | { readonly kind: "missing"; readonly reason: string };

/** The server's programs alone, without the service that Debian's mariadb-server would start and leave running. */
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

/** In order: the environment, a program on the machine, Debian's package, a message. */
export async function chooseSource(need: Need, means: Means): Promise<Source> {
  const value = means.env[need.variable];
  if (value !== undefined && value !== "") return { kind: "given", value };
  const path = means.findProgram(need.programs);
  if (path !== null) return { kind: "program", path };
  const prefix = await means.installPrefix();
  if (prefix !== null) return { kind: "install", prefix };
  return { kind: "missing", reason: missing(need) };
}

/** What to do about it. */
export function missing(need: Need): string {
  return `no ${need.title.replace(/^an? /, "")}: install Debian's ${need.debianPackages.join(" and ")}, or set ${need.variable}, such as ${need.example}`;
}
