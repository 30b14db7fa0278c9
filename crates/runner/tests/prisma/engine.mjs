// Runs Prisma's real schema engine as `prisma migrate` does.
//
//   node engine.mjs deploy|applied|rolled-back DIR [NAME]     DATABASE_URL in the environment
//
// Exit code 0 or 1; the error's code and message on stderr.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { open } from './wasm.mjs'

const [command, directory, name] = process.argv.slice(2)

const read = (path) => {
  try {
    return { tag: 'ok', value: readFileSync(path, 'utf8') }
  } catch (error) {
    return { tag: 'err', value: String(error) }
  }
}
const migrationDirectories = readdirSync(directory, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .sort((a, b) => a.name.localeCompare(b.name))
  .map((entry) => ({
    path: entry.name,
    migrationFile: { path: 'migration.sql', content: read(join(directory, entry.name, 'migration.sql')) },
  }))
const lock = read(join(directory, 'migration_lock.toml'))
const migrationsList = {
  baseDir: directory,
  lockfile: { path: 'migration_lock.toml', content: lock.tag === 'ok' ? lock.value : null },
  shadowDbInitScript: '',
  migrationDirectories,
}
const filters = { externalTables: [], externalEnums: [] }
const datamodels = [['schema.prisma', 'datasource db {\n  provider = "postgresql"\n}\n']]

try {
  const schema = await open(process.env.DATABASE_URL, datamodels)
  if (command === 'deploy') await schema.applyMigrations({ migrationsList, filters })
  else if (command === 'applied') await schema.markMigrationApplied({ migrationName: name, migrationsList })
  else if (command === 'rolled-back') await schema.markMigrationRolledBack({ migrationName: name })
  else throw new Error(`unknown command ${command}`)
  process.exit(0)
} catch (error) {
  process.stderr.write(`${error.code ?? ''} ${error.message}\n`)
  process.exit(1)
}
