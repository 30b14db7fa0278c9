// Takes waiting jobs, one at a time. Its health check looks at the age of the file that every round touches.
import { writeFileSync } from "node:fs";
import pg from "pg";

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
const name = process.env.NAME ?? `worker-${process.pid}`;
const alive = process.env.ALIVE_FILE ?? "/tmp/alive";
const take = `UPDATE "jobs" SET state = 'DONE', worker = $1
  WHERE id = (SELECT id FROM "jobs" WHERE state = 'WAITING' ORDER BY created_at FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING id`;

let running = true;
process.on("SIGTERM", () => (running = false));
await client.connect();
console.log(`${name} takes jobs`);
while (running) {
  const { rows } = await client.query(take, [name]);
  writeFileSync(alive, "");
  if (rows.length === 0) await new Promise((resume) => setTimeout(resume, 200));
}
await client.end();
