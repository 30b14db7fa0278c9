// A tiny API on Bun; /healthz answers from the database. The platform's secret DATABASE_URL is all it needs.
const database = new Bun.SQL(process.env.DATABASE_URL ?? "", { max: 2 });
const version = process.env.VERSION ?? "dev";

const server = Bun.serve({
  port: Number(process.env.PORT ?? 8080),
  async fetch(request) {
    if (new URL(request.url).pathname !== "/healthz") return new Response("not found\n", { status: 404 });
    try {
      const [row] = await database`SELECT count(*)::int AS accounts, coalesce(sum(balance_cents), 0)::int AS cents FROM balances`;
      return Response.json({ version, ...row });
    } catch (error) {
      return Response.json({ version, error: (error as Error).message }, { status: 503 });
    }
  },
});
console.log(`api ${version} listens on ${server.port}`);
process.on("SIGTERM", async () => {
  await server.stop();
  process.exit(0);
});
