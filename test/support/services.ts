import { describe, inject, it } from 'vitest'

import type { Service, ServiceName } from './service-names.ts'

export type { ServiceName } from './service-names.ts'

let collectingSkipped = false

function lookUp(name: ServiceName): Service {
  return inject('services')[name] ?? { missing: `no running suite asks for it: describeWith(['${name}'], …)` }
}

/**
 * The address of a real server: a URL for postgres, elasticsearch, apicurio, minio and versitygw (the S3 stores carry their keys
 * as user and password), `host:port` for kafka, the path of the program for a tool (kcat, psql, promtool, bao, fastavro, moto_server, chromium),
 * of the directory of modules (parquet_readers, confluent_kafka). Call it inside {@link describeWith}.
 * @throws Error when the run has no such server.
 */
export function service(name: ServiceName): string {
  const found = lookUp(name)
  if ('address' in found) return found.address
  if (collectingSkipped) return `missing://${name}`
  throw new Error(`service ${name} is missing: ${found.missing}`)
}

/**
 * A suite that needs real servers. The names are read from the source of the selected test files before the run, so
 * `needs` has to be a literal list. Where one is missing the suite is skipped by name; with REQUIRE_SERVICES=1 it fails.
 */
export function describeWith(needs: readonly ServiceName[], title: string, body: () => void): void {
  const missing = needs.flatMap((name) => {
    const found = lookUp(name)
    return 'missing' in found ? [`${name}: ${found.missing}`] : []
  })
  if (missing.length === 0) {
    describe(title, body)
    return
  }
  if (process.env['REQUIRE_SERVICES'] === '1') {
    describe(title, () => {
      it('has the servers that it needs', () => {
        throw new Error(`missing — ${missing.join('; ')}`)
      })
    })
    return
  }
  describe.skip(`${title} (skipped, missing — ${missing.join('; ')})`, () => {
    collectingSkipped = true
    try {
      body()
    } finally {
      collectingSkipped = false
    }
  })
}
