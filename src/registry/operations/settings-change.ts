import { registryErrors } from '../registry-error.ts'
import { isWithin, parseSubject } from '../state/qualified-subject.ts'
import {
  clearSubjectRecord,
  configRecord,
  modeRecord,
  tombstone,
  versionTombstone,
  type RegistryRecord,
} from '../state/registry-record.ts'
import type { RegistryState } from '../state/registry-state.ts'
import type { CompatibilityLevel, RegistryConfig, RegistryMode } from '../state/settings.ts'
import { checkWritable } from './deletion.ts'

/** The settings of a config that a request names; null removes one, undefined leaves it. */
export interface ConfigChange {
  readonly level?: CompatibilityLevel | null
  readonly normalize?: boolean | null
}

/** The config after a change. @param scope a subject, a context, or everything (null) @throws RegistryError 42205 */
export function planConfigChange(
  state: RegistryState,
  scope: string | null,
  change: ConfigChange,
): { readonly config: RegistryConfig; readonly records: readonly RegistryRecord[] } {
  if (scope !== null) checkWritable(state, scope)
  const present = state.config(scope) ?? { level: null, normalize: null, others: {} }
  const level = change.level === undefined ? present.level : change.level
  const normalize = change.normalize === undefined ? present.normalize : change.normalize
  const config = { ...present, level, normalize }
  return { config, records: [configRecord(scope, config)] }
}

/** @throws RegistryError 40401, 42205 */
export function planConfigRemoval(state: RegistryState, scope: string | null): readonly RegistryRecord[] {
  if (scope !== null && state.config(scope) === null) throw registryErrors.subjectNotFound(scope)
  if (scope !== null) checkWritable(state, scope)
  return [tombstone({ keytype: 'CONFIG', subject: scope })]
}

/**
 * Plans a change of mode. Ids and versions can only be imported where there are none, unless the change is forced: what is
 * soft-deleted is removed.
 * @throws RegistryError 42205, 42206
 */
export function planModeChange(
  state: RegistryState,
  { scope, mode, force }: { readonly scope: string | null; readonly mode: RegistryMode; readonly force: boolean },
): readonly RegistryRecord[] {
  if (mode !== 'IMPORT' || state.modeInScope(scope) === 'IMPORT' || force) return [modeRecord(scope, mode)]
  if (state.hasVersions(scope, { deleted: false }))
    throw registryErrors.notPermitted('Cannot import since found existing subjects')
  const left = state.subjects
    .filter((subject) => isWithin(subject, scope))
    .flatMap((subject) => state.versions(subject))
  for (const version of left)
    if (state.referrersOf(version).length > 0) throw registryErrors.referenceExists(version.subject, version.version)
  return [...left.map(versionTombstone), clearSubjectRecord(scope), modeRecord(scope, mode)]
}

/** @param recursive whether the modes of the subjects of a context are removed, too @throws RegistryError 40401 */
export function planModeRemoval(
  state: RegistryState,
  scope: string | null,
  recursive: boolean,
): readonly RegistryRecord[] {
  if (scope !== null && state.mode(scope) === null && !recursive) throw registryErrors.subjectNotFound(scope)
  const isContext = scope === null || parseSubject(scope).subject === ''
  const below =
    recursive && isContext ? state.scopesWithMode.filter((other) => other !== null && isBelow(other, scope)) : []
  return [...new Set([scope, ...below])].map((subject) => tombstone({ keytype: 'MODE', subject }))
}

/** Everything (null) is the default context here. */
function isBelow(subject: string, scope: string | null): boolean {
  return scope === null ? !subject.startsWith(':') : isWithin(subject, scope)
}
