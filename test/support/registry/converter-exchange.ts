import { DataError, type Converter, type ConnectValue, type RawConfig, type Schema } from 'penstock/api'
import { expect } from 'vitest'

import { whenReady } from './avro-converters.ts'
import type { TestRegistry } from './test-registry.ts'

/** What a suite has only while its tests run. */
export interface ExchangeParts {
  readonly registry: () => TestRegistry
  readonly topic: () => string
  readonly converter: (config: RawConfig, isKey?: boolean) => Converter
}

/** Writes and reads messages of a topic, by a new converter each time, and shows what the registry has of it. */
export function converterExchange({ registry, topic, converter }: ExchangeParts) {
  return {
    written: async (schema: Schema | null, value: ConnectValue, config: RawConfig = {}, isKey = false) => {
      const writer = converter(config, isKey)
      const bytes = await whenReady(() => writer.fromConnect(topic(), schema, value))
      return bytes === null ? null : Buffer.from(bytes)
    },
    read: async (bytes: Uint8Array | null, config: RawConfig = {}) => {
      const reader = converter(config)
      return await whenReady(() => reader.toConnect(topic(), bytes))
    },
    failure: async (call: () => Promise<unknown>): Promise<string> => {
      const error = await call().then(String, (error: unknown) => error)
      expect(error).toBeInstanceOf(DataError)
      return (error as Error).message
    },
    latest: async (subject: string): Promise<Record<string, unknown>> =>
      (await registry().get(`/subjects/${subject}/versions/latest`)).body as Record<string, unknown>,
  }
}
