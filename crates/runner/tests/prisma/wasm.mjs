// Prisma's real schema engine, in WebAssembly: one connection, each script as one simple query (the
// native engine up to 7.3).
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import * as engine from '@prisma/schema-engine-wasm/schema_engine_bg'
import pg from 'pg'

const wasm = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm').replace('schema_engine.js', 'schema_engine_bg.wasm')
const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasm)), { './schema_engine_bg.js': engine })
engine.__wbg_set_wasm(instance.exports)
instance.exports.__wbindgen_start()

// The adapter does not know some types of the catalog; they read as text.
const asText = new Map([[18, 25], [19, 25], [194, 25], [2205, 25], [2206, 25], [24, 25], [1002, 1009], [1003, 1009]])

/** The engine for a database. */
export function open(connectionString, datamodels) {
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
  return engine.SchemaEngine.new({ datamodels }, () => {}, bindMigrationAwareSqlAdapterFactory(factory))
}
