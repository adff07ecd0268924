import { jsonFormat } from './json-format.ts'
import type { ObjectFormat } from './object-format.ts'

/** Which format objects have, and how it is written. */
export interface FormatSettings {
  readonly kind: 'json'
  readonly decimalFormat: 'BASE64' | 'NUMERIC'
}

/** Returns the format, and loads what it needs. */
export async function openFormat(settings: FormatSettings): Promise<ObjectFormat> {
  return jsonFormat(settings.decimalFormat)
}
