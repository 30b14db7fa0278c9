// Ends with 0 only where DATABASE_URL is a developer's own database. `prisma db push` changes a schema without a migration: the
// history would say nothing of it, and the next deployment would find a database that it does not know.
const command = process.argv.slice(2).join(" ") || "this";
const refuse = (why: string): never => {
  console.error(`refused: ${why}; \`${command}\` is for a database of your own. To change another one: write a migration, and deploy it`);
  process.exit(1);
};

const local = ["localhost", "127.0.0.1", "[::1]"];
if (process.env.FLY_APP_NAME || process.env.NODE_ENV === "production") refuse("this is production");
const text = process.env.DATABASE_URL ?? refuse("DATABASE_URL is not set");
const url = URL.canParse(text) ? new URL(text) : refuse("DATABASE_URL is not a URL");
if (!local.includes(url.hostname)) refuse(`the database is at ${url.hostname}`);

// A port forward makes every database look local: what ecs-migrate wrote into it says whose it is.
const database = new Bun.SQL(`${url.origin === "null" ? `${url.protocol}//${url.host}` : url.origin}${url.pathname}`, {
  username: decodeURIComponent(url.username),
  password: decodeURIComponent(url.password),
  max: 1,
});
try {
  const [{ known }] = await database`SELECT to_regclass('ecs_migrate.environment') IS NOT NULL AS known`;
  const names = known ? await database`SELECT name FROM ecs_migrate.environment` : [];
  if (names.length > 0 && names[0].name !== "development") refuse(`the database belongs to ${names[0].name}`);
} catch (error) {
  refuse(`the database cannot be asked whose it is (${(error as Error).message})`);
}
await database.end();
export {};
