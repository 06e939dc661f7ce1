/** The settings of this installation: environment variables, or lines of the file `.env`. */
import { existsSync } from "node:fs";
import { env, loadEnvFile } from "node:process";

// A variable that is set takes precedence over its line in the file.
if (existsSync(".env")) loadEnvFile();

export function setting(name: "DATABASE_URL" | "TEST_DATABASE_URL"): string {
  const value = env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set: copy .env.example to .env`);
  return value;
}
