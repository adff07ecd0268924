import { ContextIndex } from './context-index.ts'
import {
  contextOf,
  contextPrefix,
  defaultContext,
  formatSubject,
  globalContext,
  isWithin,
  parseSubject,
  referredSubject,
} from './qualified-subject.ts'
import {
  identityOf,
  noVersion,
  parseConfigValue,
  parseDeleteSubject,
  parseKey,
  parseModeValue,
  parseSchemaValue,
  schemaRecord,
  type RegistryRecord,
} from './registry-record.ts'
import type { SchemaVersion } from './registry-schema.ts'
import { defaultLevel, defaultMode, type RegistryConfig, type RegistryMode } from './settings.ts'

type Place = Pick<SchemaVersion, 'subject' | 'version'>

/** The config that applies to a subject. */
export interface ConfigInScope {
  readonly level: NonNullable<RegistryConfig['level']>
  readonly normalize: boolean
}

/**
 * The state of the registry: a fold of the records of `_schemas`, in their order.
 *
 * Several registries may write to the topic, each from what it has read. So a record may come too late: its version belongs to
 * another schema already, or its id does. It does not count, and every registry that reads the topic sees it so. But it is the
 * last record of its key, and compaction would keep it alone. {@link repairs} are the records that make the topic say again
 * what counts; a registry writes them before anything else.
 */
export class RegistryState {
  readonly #subjects = new Map<string, Map<number, SchemaVersion>>()
  readonly #contexts = new Map<string, ContextIndex>()
  readonly #namedContexts = new Set<string>()
  readonly #configs = new Map<string | null, RegistryConfig>()
  readonly #modes = new Map<string | null, RegistryMode>()
  /** The keys whose last record does not count, by their text. */
  readonly #refused = new Map<string, Place>()

  /**
   * Applies the next record.
   * @param removes as {@link RegistryRecord.removes}; null: the record removes whatever is there
   * @returns why it does not count; null when it does
   * @throws RecordError when it is damaged
   */
  apply(key: string, value: string | null, timestamp: number, removes: string | null = null): string | null {
    const parsed = parseKey(key)
    if (parsed === null) return 'its type is not known to this registry'
    switch (parsed.keytype) {
      case 'SCHEMA':
        return value === null
          ? this.#removeVersion(key, parsed, removes)
          : this.#addVersion(key, parsed, parseSchemaValue(value, timestamp))
      case 'CONFIG':
        if (value === null) this.#configs.delete(parsed.subject)
        else this.#configs.set(parsed.subject, parseConfigValue(value))
        return null
      case 'MODE':
        if (value === null) this.#modes.delete(parsed.subject)
        else this.#modes.set(parsed.subject, parseModeValue(value))
        return null
      case 'DELETE_SUBJECT':
        if (value !== null) this.#deleteSubject(parsed.subject, parseDeleteSubject(value))
        return null
      case 'CLEAR_SUBJECT':
        if (value !== null) this.#clearSubjects(parsed.subject)
        return null
      case 'CONTEXT':
        if (value === null) this.#namedContexts.delete(parsed.context)
        else this.#namedContexts.add(parsed.context)
        return null
      case 'NOOP':
        return null
    }
  }

  /** What has to be written so that the last record of each key counts. */
  repairs(): readonly RegistryRecord[] {
    return [...this.#refused.values()].map((place) => {
      const counting = this.version(place.subject, place.version)
      return counting === null ? noVersion(place) : schemaRecord(counting)
    })
  }

  /** All subjects, by name; also those of which all versions are deleted. */
  get subjects(): readonly string[] {
    return [...this.#subjects.keys()].toSorted()
  }

  /** The contexts: the default one, then the others. */
  get contexts(): readonly string[] {
    return [defaultContext, ...[...this.#namedContexts].filter((context) => context !== defaultContext).toSorted()]
  }

  /** The versions of a subject, deleted ones too, in ascending order. */
  versions(subject: string): readonly SchemaVersion[] {
    const versions = this.#subjects.get(subject)
    return versions === undefined ? [] : [...versions.values()].toSorted((a, b) => a.version - b.version)
  }

  version(subject: string, version: number): SchemaVersion | null {
    return this.#subjects.get(subject)?.get(version) ?? null
  }

  /** The last version that is not deleted. */
  latest(subject: string): SchemaVersion | null {
    return this.versions(subject).findLast(({ deleted }) => !deleted) ?? null
  }

  /** Whether there are versions in the scope: a subject, a context, or everything (null). */
  hasVersions(scope: string | null, { deleted }: { readonly deleted: boolean }): boolean {
    const isOne = scope !== null && parseSubject(scope).subject !== ''
    return (isOne ? [scope] : this.subjects).some(
      (subject) => isWithin(subject, scope) && this.versions(subject).some((version) => deleted || !version.deleted),
    )
  }

  /** The ids of a context. */
  context(name: string): ContextIndex {
    const known = this.#contexts.get(name)
    if (known !== undefined) return known
    const index = new ContextIndex()
    this.#contexts.set(name, index)
    return index
  }

  hasContext(name: string): boolean {
    return name === defaultContext || this.#namedContexts.has(name)
  }

  /** The subject of that name in the default context, then in each other one; a name with a context stands for itself. */
  inContexts(subject: string): readonly string[] {
    const parsed = parseSubject(subject)
    if (parsed.context !== defaultContext) return [subject]
    return this.contexts.map((context) => formatSubject({ context, subject: parsed.subject }))
  }

  /** The versions whose schemas refer to this one. */
  referrersOf({ subject, version }: Pick<SchemaVersion, 'subject' | 'version'>): readonly SchemaVersion[] {
    return this.subjects
      .flatMap((name) => this.versions(name))
      .filter((other) =>
        other.references.some(
          (reference) => reference.version === version && referredSubject(other.subject, reference.subject) === subject,
        ),
      )
  }

  /** The config that is set for exactly this scope. */
  config(scope: string | null): RegistryConfig | null {
    return this.#configs.get(scope) ?? null
  }

  /** The mode that is set for exactly this scope. */
  mode(scope: string | null): RegistryMode | null {
    return this.#modes.get(scope) ?? null
  }

  /** The subjects, contexts or everything (null) for which a mode is set. */
  get scopesWithMode(): readonly (string | null)[] {
    return [...this.#modes.keys()]
  }

  configInScope(subject: string | null): ConfigInScope {
    const configs = scopesOf(subject).map((scope) => this.config(scope))
    const level = configs.find((config) => (config?.level ?? null) !== null)?.level ?? defaultLevel
    const normalize = configs.find((config) => (config?.normalize ?? null) !== null)?.normalize ?? false
    return { level, normalize }
  }

  modeInScope(subject: string | null): RegistryMode {
    for (const scope of scopesOf(subject)) {
      const mode = this.mode(scope)
      if (mode !== null) return mode
    }
    return defaultMode
  }

  #addVersion(key: string, place: Place, version: SchemaVersion): string | null {
    const isElsewhere = version.subject !== place.subject || version.version !== place.version
    const reason = isElsewhere
      ? `its value is of subject ${version.subject}, version ${version.version}`
      : this.#conflictOf(version)
    if (reason !== null) return this.#refuse(key, place, reason)
    this.#refused.delete(key)
    this.#replace(place, version)
    return null
  }

  #removeVersion(key: string, place: Place, removes: string | null): string | null {
    const present = this.version(place.subject, place.version)
    const isExpected = present === null || removes === null || (present.deleted && identityOf(present) === removes)
    if (!isExpected) return this.#refuse(key, place, 'it removes a version that its writer did not know')
    this.#refused.delete(key)
    this.#replace(place, null)
    return null
  }

  #refuse(key: string, place: Place, reason: string): string {
    this.#refused.set(key, place)
    return reason
  }

  #conflictOf(version: SchemaVersion): string | null {
    const { subject, id, guid } = version
    // An import may replace versions.
    if (this.modeInScope(subject) === 'IMPORT') return null
    const present = this.version(subject, version.version)
    if (present !== null && (present.id !== id || present.guid !== guid))
      return `version ${version.version} of ${subject} is another schema, with id ${present.id}`
    const holder = this.context(contextOf(subject)).guidOf(id)
    return holder === null || holder === guid ? null : `id ${id} belongs to another schema`
  }

  #replace({ subject, version: number }: Place, version: SchemaVersion | null): void {
    const versions = this.#subjects.get(subject) ?? new Map<number, SchemaVersion>()
    const present = versions.get(number)
    const index = this.context(contextOf(subject))
    if (present !== undefined) index.remove(present)
    if (version === null) versions.delete(number)
    else {
      versions.set(number, version)
      index.add(version)
    }
    if (versions.size === 0) this.#subjects.delete(subject)
    else this.#subjects.set(subject, versions)
  }

  #deleteSubject(subject: string, last: number): void {
    for (const version of this.versions(subject))
      if (version.version <= last && !version.deleted) this.#replace(version, { ...version, deleted: true })
  }

  #clearSubjects(scope: string | null): void {
    for (const subject of this.subjects)
      if (isWithin(subject, scope))
        for (const version of this.versions(subject)) if (version.deleted) this.#replace(version, null)
  }
}

/** Where the settings of a subject are looked for: its own, those of its context or of the default one, those of all contexts. */
function scopesOf(subject: string | null): readonly (string | null)[] {
  const everywhere = contextPrefix(globalContext)
  if (subject === null) return [null, everywhere]
  const { context } = parseSubject(subject)
  return [...new Set([subject, context === defaultContext ? null : contextPrefix(context), everywhere])]
}
