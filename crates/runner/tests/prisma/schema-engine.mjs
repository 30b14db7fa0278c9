#!/usr/bin/env node
// Stands in for Prisma's native schema engine, which npm packages do not carry, so that the real
// Prisma CLI can be wrapped: its protocol (JSON-RPC in lines on the standard streams, a few
// sub-commands of `cli`) in front of the same engine in WebAssembly.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { open } from './wasm.mjs'

const options = process.argv.slice(2)
const all = (name) => options.filter((_, at) => options[at - 1] === name)
const [source = '{}'] = all('--datasource')
const url = source.startsWith('{') ? JSON.parse(source).url : Buffer.from(source, 'base64').toString()

if (options.includes('can-connect-to-database')) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.end()
  process.exit(0)
}

const datamodels = all('--datamodels').map((path) => [path, readFileSync(path, 'utf8')])
let engine
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line)
  const answer = (rest) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...rest }) + '\n')
  try {
    engine ??= await open(url, datamodels)
    answer({ result: (await engine[method](params)) ?? null })
  } catch (error) {
    answer({ error: { code: 4466, message: '', data: { is_panic: false, message: error.message, error_code: error.code } } })
  }
}
process.exit(0)
