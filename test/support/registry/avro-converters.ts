import { NotReadyError, type Converter, type RawConfig } from 'penstock/api'

import { avroOptions, type AvroOptions } from '../../../src/avro/avro-options.ts'
import { plugin } from '../../../plugins/converters/avro-converter.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'

/** An Avro converter that uses the registry with this URL. */
export function avroConverter(url: string, config: RawConfig = {}, isKey = false): Converter {
  const raw = { 'schema.registry.url': url, ...config }
  return plugin.create(parseConfig(plugin.configDef, raw), raw, isKey)
}

/** The options of a converter with these settings. */
export function avroOptionsOf(config: RawConfig = {}): AvroOptions {
  return avroOptions(parseConfig(plugin.configDef, { 'schema.registry.url': 'http://localhost', ...config }))
}

/** Makes a call, and again whenever what it waits for is there, as the runtime does. */
export async function whenReady<T>(call: () => T): Promise<T> {
  for (;;) {
    try {
      return call()
    } catch (error) {
      if (!(error instanceof NotReadyError)) throw error
      await error.ready(new AbortController().signal)
    }
  }
}
