import { registryErrors } from '../registry-error.ts'
import { contextOf, contextPrefix } from '../state/qualified-subject.ts'
import {
  deleteSubjectRecord,
  schemaRecord,
  tombstone,
  versionTombstone,
  type RegistryRecord,
} from '../state/registry-record.ts'
import type { SchemaVersion } from '../state/registry-schema.ts'
import type { RegistryState } from '../state/registry-state.ts'

/** Records, and the versions that they delete. */
export interface PlannedDeletion {
  readonly versions: readonly number[]
  readonly records: readonly RegistryRecord[]
}

/**
 * Plans the deletion of all versions of a subject. A permanent one removes versions that were deleted before.
 * @throws RegistryError 40401, 40404, 40405, 42205, 42206
 */
export function planSubjectDeletion(state: RegistryState, subject: string, permanent: boolean): PlannedDeletion {
  const all = state.versions(subject)
  if (all.length === 0) throw registryErrors.subjectNotFound(subject)
  const live = all.filter(({ deleted }) => !deleted)
  if (!permanent && live.length === 0) throw registryErrors.subjectSoftDeleted(subject)
  checkWritable(state, subject)
  const versions = permanent ? all : live
  for (const version of versions) checkUnreferenced(state, version, { except: subject, permanent })
  if (permanent && live.length > 0) throw registryErrors.subjectNotSoftDeleted(subject)
  const numbers = versions.map(({ version }) => version)
  if (!permanent) return { versions: numbers, records: [deleteSubjectRecord(subject, numbers.at(-1) ?? 0)] }
  // The last version first: it may refer to an earlier one.
  const records = versions.toReversed().map(versionTombstone)
  return { versions: numbers, records: [...records, ...settingsOf(state, subject)] }
}

/**
 * Plans the deletion of one version.
 * @param number null: the last one
 * @throws RegistryError 40401, 40402, 40406, 40407, 42205, 42206
 */
export function planVersionDeletion(
  state: RegistryState,
  {
    subject,
    number,
    permanent,
  }: { readonly subject: string; readonly number: number | null; readonly permanent: boolean },
): PlannedDeletion {
  const version = number === null ? state.latest(subject) : state.version(subject, number)
  if (version === null) {
    const isKnown = state.versions(subject).length > 0
    throw isKnown ? registryErrors.versionNotFound(number ?? -1) : registryErrors.subjectNotFound(subject)
  }
  if (!permanent && version.deleted) throw registryErrors.versionSoftDeleted(subject, version.version)
  checkWritable(state, subject)
  checkUnreferenced(state, version, { except: null, permanent })
  if (permanent && !version.deleted) throw registryErrors.versionNotSoftDeleted(subject, version.version)
  const versions = [version.version]
  if (!permanent) return { versions, records: [schemaRecord({ ...version, deleted: true })] }
  const isLast = state.versions(subject).length === 1
  return { versions, records: [versionTombstone(version), ...(isLast ? settingsOf(state, subject) : [])] }
}

/** @throws RegistryError 42205 */
export function checkWritable(state: RegistryState, subject: string): void {
  const mode = state.modeInScope(subject)
  if (mode !== 'READONLY' && mode !== 'READONLY_OVERRIDE') return
  const context = contextPrefix(contextOf(subject))
  throw registryErrors.notPermitted(`Subject ${subject} in context ${context} is in read-only mode`)
}

/** A schema that is deleted only for now may still refer to one that is removed permanently. */
function checkUnreferenced(
  state: RegistryState,
  version: SchemaVersion,
  { except, permanent }: { readonly except: string | null; readonly permanent: boolean },
): void {
  const referrers = state.referrersOf(version).filter((other) => permanent || !other.deleted)
  if (referrers.some(({ subject }) => subject !== except))
    throw registryErrors.referenceExists(version.subject, version.version)
}

/** The settings of a subject that is gone go with it. */
function settingsOf(state: RegistryState, subject: string): readonly RegistryRecord[] {
  const mode = state.mode(subject) === null ? [] : [tombstone({ keytype: 'MODE', subject })]
  const config = state.config(subject) === null ? [] : [tombstone({ keytype: 'CONFIG', subject })]
  return [...mode, ...config]
}
