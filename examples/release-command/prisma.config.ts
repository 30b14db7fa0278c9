import { spawnSync } from "node:child_process";

// The Prisma CLI reads this file before every command, however it was started: `bunx prisma db push` comes by here too.
const words = process.argv.slice(2).filter((word) => !word.startsWith("-")).join(" ");
const [command] = words.match(/\b(db (push|execute|seed)|migrate (dev|reset))\b/) ?? [];
if (command) {
  const asked = spawnSync("bun", ["scripts/development-only.ts", command], { cwd: import.meta.dirname, stdio: "inherit" });
  if (asked.error) console.error(`refused: bun cannot be started (${asked.error.message})`);
  if (asked.status !== 0) process.exit(1);
}

export default {
  schema: "shared/prisma/schema.prisma",
  migrations: { path: "shared/prisma/migrations" },
  datasource: { url: process.env.DATABASE_URL ?? "" },
};
