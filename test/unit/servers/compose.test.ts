import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

import { composeImage } from '../../../src/servers/docker.ts'

interface Service {
  readonly image?: string
  readonly build?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly [key: string]: unknown
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly [key: string]: unknown
}

const root = join(import.meta.dirname, '../../..')
const compose: Compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'))
const services = Object.entries(compose.services)

// The parts of the Compose specification that this file uses.
const topKeys = new Set(['name', 'services', 'volumes'])
const serviceKeys = new Set(
  'build command depends_on entrypoint environment healthcheck image ports profiles restart stop_grace_period volumes'.split(
    ' ',
  ),
)
const conditions = new Set(['service_started', 'service_healthy', 'service_completed_successfully'])

describe('docker-compose.yml', () => {
  it('uses keys of the Compose specification only', () => {
    expect(Object.keys(compose).filter((key) => !topKeys.has(key))).toEqual([])
    for (const [, service] of services) expect(Object.keys(service).filter((key) => !serviceKeys.has(key))).toEqual([])
  })

  it('gives each service an image with a version, or a build', () => {
    for (const [, { image, build }] of services) {
      if (build === undefined) expect(image).toMatch(/^[a-z0-9./-]+:[\w.-]*\d[\w.-]*$/)
      else expect(image).toBeUndefined()
    }
  })

  it('opens ports on loopback only', () => {
    for (const port of services.flatMap(([, { ports }]) => ports ?? [])) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
  })

  it('quotes values that YAML would not read as text', () => {
    for (const [, { environment, command }] of services) {
      for (const value of [...Object.values(environment ?? {}), ...(command ?? [])]) expect(typeof value).toBe('string')
    }
  })

  it('declares each volume, and waits only for services that can say when they are ready', () => {
    const mounted = services.flatMap(([, { volumes }]) => volumes ?? []).map((volume) => volume.split(':')[0])
    expect(new Set(mounted)).toEqual(new Set(Object.keys(compose.volumes)))
    for (const [name, { condition }] of services.flatMap(([, each]) => Object.entries(each.depends_on ?? {}))) {
      expect(conditions).toContain(condition)
      if (condition === 'service_healthy') expect(compose.services[name]?.healthcheck).toBeDefined()
    }
  })

  it('names the images that servers are started from', () => {
    for (const kind of ['elasticsearch', 'minio', 'versitygw', 'kafka']) expect(composeImage(kind)).toContain(kind)
    expect(() => composeImage('nothing')).toThrow('docker-compose.yml has no image for nothing')
  })
})
