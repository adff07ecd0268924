import { Client } from 'pg'
import { expect } from 'vitest'

import { service } from '../services.ts'
import { untilPasses } from '../until.ts'

/** The URL of a database on the Postgres of the tests. */
export function databaseNamed(name: string): URL {
  const database = new URL(service('postgres'))
  database.pathname = `/${name}`
  return database
}

/** What a guide writes of its database, and what a test run has in its place. */
export function databaseAddresses(database: URL): Record<string, string> {
  const password = decodeURIComponent(database.password) || 'postgres'
  return {
    '"database.hostname": "127.0.0.1"': `"database.hostname": "${database.hostname}"`,
    '"database.port": "5432"': `"database.port": "${database.port}"`,
    '"database.password": "postgres"': `"database.password": "${password}"`,
  }
}

/** Runs one statement. */
export async function administer(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

/** Drops a database: one whose slot is in use cannot be dropped, and its server lets go of it a moment after the worker. */
export async function dropDatabase(name: string): Promise<void> {
  await untilPasses(() => administer(service('postgres'), `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
}

/** Expects the task of a connector to run. */
export async function expectRunning(rest: string, connector: string): Promise<void> {
  const status = (await (await fetch(`${rest}/connectors/${connector}/status`)).json()) as {
    tasks: { state: string }[]
  }
  expect(status.tasks).toMatchObject([{ state: 'RUNNING' }])
}
