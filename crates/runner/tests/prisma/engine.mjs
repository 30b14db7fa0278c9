// Runs Prisma's real schema engine, in WebAssembly, as `prisma migrate` does: one connection, each
// script as one simple query (the native engine up to 7.3).
//
//   node engine.mjs deploy|applied|rolled-back DIR [NAME]     DATABASE_URL in the environment
//
// Exit code 0 or 1; the error's code and message on stderr.
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import * as engine from '@prisma/schema-engine-wasm/schema_engine_bg'
import pg from 'pg'

const [command, directory, name] = process.argv.slice(2)
const connectionString = process.env.DATABASE_URL

const wasm = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm').replace('schema_engine.js', 'schema_engine_bg.wasm')
const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasm)), { './schema_engine_bg.js': engine })
engine.__wbg_set_wasm(instance.exports)
instance.exports.__wbindgen_start()

// The adapter does not know some types of the catalog; they read as text.
const asText = new Map([[18, 25], [19, 25], [194, 25], [2205, 25], [2206, 25], [24, 25], [1002, 1009], [1003, 1009]])

const factory = new PrismaPg({ connectionString, max: 1 })
const connect = factory.connect.bind(factory)
factory.connect = async () => {
  const adapter = await connect()
  const client = new pg.Client({ connectionString })
  await client.connect()
  client.on('error', () => {})
  adapter.client = client
  adapter.release = () => client.end()
  const perform = adapter.performIO.bind(adapter)
  adapter.performIO = async (query) => {
    const result = await perform(query)
    result.fields = result.fields.map((field) =>
      asText.has(field.dataTypeID) ? { ...field, name: field.name, dataTypeID: asText.get(field.dataTypeID) } : field)
    return result
  }
  adapter.executeScript = async (script) => {
    try {
      await client.query(script)
    } catch (error) {
      adapter.onError(error)
    }
  }
  return adapter
}

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
  const schema = await engine.SchemaEngine.new({ datamodels }, () => {}, bindMigrationAwareSqlAdapterFactory(factory))
  if (command === 'deploy') await schema.applyMigrations({ migrationsList, filters })
  else if (command === 'applied') await schema.markMigrationApplied({ migrationName: name, migrationsList })
  else if (command === 'rolled-back') await schema.markMigrationRolledBack({ migrationName: name })
  else throw new Error(`unknown command ${command}`)
  process.exit(0)
} catch (error) {
  process.stderr.write(`${error.code ?? ''} ${error.message}\n`)
  process.exit(1)
}
