import type { FindingStage } from '../../api/diagnosis/finding.ts'
import type { TraceEntry } from '../trace-entries.ts'
import { postgresTroubles } from './postgres-troubles.ts'
import { runtimeTroubles } from './runtime-troubles.ts'
import { schemaTroubles } from './schema-troubles.ts'
import { sinkTroubles } from './sink-troubles.ts'
import type { Trouble } from './trouble.ts'

/** Every trouble that has a name. */
export const catalogue: readonly Trouble[] = [
  ...postgresTroubles,
  ...sinkTroubles,
  ...runtimeTroubles,
  ...schemaTroubles,
]

const byCode = new Map(catalogue.map((trouble) => [trouble.code, trouble]))

/** Errors that have no code, by what their messages say. The first that matches counts. */
const byMessage: readonly (readonly [RegExp, string])[] = [
  [
    /schema registry at \S+ (?:cannot be reached|does not respond|responded with status 5|is not available)/,
    'REGISTRY_UNAVAILABLE',
  ],
  [
    /does not decode: .*(?:JsonConverter with schemas\.enable requires|bytes are not UTF-8|Failed to deserialize)/s,
    'CONVERTER_MISMATCH',
  ],
  [/ does not decode: /, 'RECORD_UNREADABLE'],
  [/ of a record for topic .* does not convert: /, 'RECORD_UNWRITABLE'],
  [/^transform ".*" failed on /, 'TRANSFORM_FAILED'],
]

/** Returns what is known of an entry of a trace: by its code, its causes', or its message; null when that is nothing. */
export function troubleOf({ code, text, causes }: TraceEntry): Trouble | null {
  const named = code === null ? undefined : byCode.get(code)
  if (named !== undefined) return named
  const whole = [text, ...causes].join('\n')
  const found = byMessage.find(([pattern]) => pattern.test(whole))
  return found === undefined ? null : (byCode.get(found[1]) ?? null)
}

/** What is known of a code; for one that is not known, what can be said of any. */
export function troubleNamed(code: string, otherwise: FindingStage | null = null): Trouble {
  return (
    byCode.get(code) ?? {
      code,
      severity: 'warning',
      stage: otherwise,
      means: 'A condition of a plugin that the catalogue does not have.',
      fix: 'Do what the cause says',
    }
  )
}
