export default {
  schema: 'schema.prisma',
  migrations: { path: process.env.ECS_MIGRATE_MIGRATIONS },
  datasource: { url: process.env.DATABASE_URL },
}
