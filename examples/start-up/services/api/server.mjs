// A tiny API: /healthz answers from the database, so that a container on a schema it does not know is seen at once.
import { createServer } from "node:http";
import pg from "pg";

// Written by ecs-migrate-runner, percent-encoded (ECS_MIGRATE_CHILD_URL=prisma): whatever characters the password has.
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 2 });
pool.on("error", (error) => console.error("database:", error.message));
const version = process.env.VERSION ?? "dev";

const server = createServer(async (request, response) => {
  if (request.url !== "/healthz") return response.writeHead(404).end();
  try {
    const { rows } = await pool.query('SELECT count(*)::int AS accounts, min(slug) AS first FROM "accounts" WHERE plan = $1', ["free"]);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ version, ...rows[0] }));
  } catch (error) {
    response.writeHead(503, { "content-type": "application/json" }).end(JSON.stringify({ version, error: error.message }));
  }
});
server.listen(Number(process.env.PORT ?? 8080), () => console.log(`api ${version} listens on ${server.address().port}`));

process.on("SIGTERM", () => server.close(() => pool.end()));
