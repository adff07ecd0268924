import type { TopicWriter } from '../storage/topic-writer.ts'
import { registryErrors } from './registry-error.ts'
import type { RegistryLog } from './registry-log.ts'
import { incompatibilities } from './operations/compatibility.ts'
import { planSubjectDeletion, planVersionDeletion } from './operations/deletion.ts'
import { canonicalSchema, latestWithMetadata, lookUp, versionsOfId, type RequestedSchema } from './operations/lookup.ts'
import { planRegistration, type Registration } from './operations/registration.ts'
import {
  planConfigChange,
  planConfigRemoval,
  planModeChange,
  planModeRemoval,
  type ConfigChange,
} from './operations/settings-change.ts'
import { parseVersion, schemaTypes } from './schemas/parse-schema.ts'
import { anyContext, contextOf, contextPrefix, parseSubject } from './state/qualified-subject.ts'
import { tombstone, type RegistryRecord } from './state/registry-record.ts'
import type { SchemaMetadata, SchemaVersion } from './state/registry-schema.ts'
import type { ConfigInScope, RegistryState } from './state/registry-state.ts'
import type { RegistryConfig, RegistryMode } from './state/settings.ts'

/** The changes of other registries that a write gives way to before it fails. */
const maxAttempts = 30

/** Which versions a list contains. */
export type DeletedFilter = 'without' | 'with' | 'only'

/** A change: its records, and what the operation returns once they count. */
interface Plan<T> {
  readonly records: readonly RegistryRecord[]
  readonly result: T
  /** Whether the records count. Absent: always, as the last such record counts. */
  readonly holds?: (state: RegistryState) => boolean
}

/**
 * A schema registry with the data and the rules of Confluent's, on a topic. Reads are served from memory; what memory does not have
 * is looked for in the topic before it is reported as missing, as another registry may have written it. Writes
 * return when they are durable and count (I1): see {@link RegistryState} for several registries on one topic.
 */
export class SchemaRegistry {
  readonly #log: RegistryLog
  #writing: Promise<unknown> = Promise.resolve()

  /** The id of the Kafka cluster that has the topic; null if it has none. */
  readonly clusterId: string | null

  readonly #writer: TopicWriter

  /** @param parts.log that has started, and writes with the writer */
  constructor(parts: { readonly log: RegistryLog; readonly writer: TopicWriter; readonly clusterId: string | null }) {
    this.#log = parts.log
    this.#writer = parts.writer
    this.clusterId = parts.clusterId
  }

  get #state(): RegistryState {
    return this.#log.state
  }

  get types(): readonly string[] {
    return schemaTypes
  }

  /** The names of the subjects that begin with a prefix; `:*:` before it stands for all contexts. */
  subjects(prefix: string, filter: DeletedFilter): readonly string[] {
    return this.#subjects(prefix).filter((subject) => {
      const isDeleted = this.#state.versions(subject).every(({ deleted }) => deleted)
      return filter === 'with' || isDeleted === (filter === 'only')
    })
  }

  /** All versions of the subjects that begin with a prefix. */
  schemas(
    prefix: string,
    options: { readonly deleted: boolean; readonly latestOnly: boolean },
  ): readonly SchemaVersion[] {
    return this.#subjects(prefix).flatMap((subject) => {
      const versions = this.#state.versions(subject).filter(({ deleted }) => options.deleted || !deleted)
      return options.latestOnly ? versions.slice(-1) : versions
    })
  }

  /** The versions of a subject, ascending. @throws RegistryError 40401 */
  async versions(subject: string, filter: DeletedFilter): Promise<readonly SchemaVersion[]> {
    const find = (): readonly SchemaVersion[] | null => {
      const all = this.#state.versions(subject)
      const isKnown = all.some(({ deleted }) => filter !== 'without' || !deleted)
      return isKnown ? all.filter(({ deleted }) => filter === 'with' || deleted === (filter === 'only')) : null
    }
    const found = await this.#confirmed(find)
    if (found === null) throw registryErrors.subjectNotFound(subject)
    return found
  }

  /** A version of a subject. @param number null: the last one @throws RegistryError 40401, 40402 */
  async version(subject: string, number: number | null, deleted: boolean): Promise<SchemaVersion> {
    const find = (): SchemaVersion | null => {
      for (const name of this.#state.inContexts(subject)) {
        const found = number === null ? this.#state.latest(name) : this.#state.version(name, number)
        if (found !== null && (deleted || !found.deleted)) return found
      }
      return null
    }
    const found = await this.#confirmed(find)
    if (found !== null) return found
    if (!this.#state.hasVersions(subject, { deleted })) throw registryErrors.subjectNotFound(subject)
    throw registryErrors.versionNotFound(number ?? -1)
  }

  /** The ids of the schemas that refer to a version, ascending. @throws RegistryError 40401, 40402 */
  async referrers(subject: string, number: number | null, deleted: boolean): Promise<readonly number[]> {
    const version = await this.version(subject, number, true)
    const referrers = this.#state.referrersOf(version).filter((other) => deleted || !other.deleted)
    return [...new Set(referrers.map(({ id }) => id))].toSorted((a, b) => a - b)
  }

  /** The versions that have an id, the one that the subject asks for first. @throws RegistryError 40403 */
  async versionsOfId(id: number, subject: string | null): Promise<readonly [SchemaVersion, ...SchemaVersion[]]> {
    return await this.#foundVersions(id, () => versionsOfId(this.#state, id, subject))
  }

  /** The greatest id of the context of a version. */
  maxIdBeside({ subject }: SchemaVersion): number {
    return this.#state.context(contextOf(subject)).maxId
  }

  /** A version with this identity, of each context that has one. @throws RegistryError 40403 */
  async versionsOfGuid(guid: string): Promise<readonly [SchemaVersion, ...SchemaVersion[]]> {
    return await this.#foundVersions(guid, () =>
      this.#state.contexts.flatMap((name) => {
        const context = this.#state.context(name)
        const id = context.idOf(guid)
        return id === null ? [] : context.versionsOf(id).slice(0, 1)
      }),
    )
  }

  /** The version of a subject that has this schema. @throws RegistryError 40401, 40403, 42201 */
  async lookUp(request: RequestedSchema, deleted: boolean): Promise<SchemaVersion> {
    const found = await this.#confirmed(() => {
      const { normalize } = this.#state.configInScope(request.subject)
      return lookUp(this.#state, { ...request, normalize: request.normalize || normalize }, { deleted })
    })
    return found ?? this.#noSchema(request.subject, { deleted })
  }

  /** The last version whose metadata has these properties. @throws RegistryError 40401, 40403 */
  async latestWithMetadata(
    subject: string,
    options: { readonly properties: NonNullable<SchemaMetadata['properties']>; readonly deleted: boolean },
  ): Promise<SchemaVersion> {
    const found = await this.#confirmed(() => latestWithMetadata(this.#state, subject, options))
    return found ?? this.#noSchema(subject, options)
  }

  /** Registers a schema, or finds its version. @throws RegistryError as {@link planRegistration}, and those of writes */
  async register(registration: Registration): Promise<SchemaVersion> {
    return await this.#write((state) => {
      const { version, records } = planRegistration(state, registration)
      const { subject, version: number, id, guid } = version
      return {
        records,
        result: () => state.version(subject, number) ?? version,
        holds: () => {
          const stored = state.version(subject, number)
          return stored?.id === id && stored.guid === guid
        },
      }
    }).then((stored) => stored())
  }

  /**
   * Why a schema may not be registered under a subject, by its compatibility level.
   * @param number the version to compare it with; null: the last one; `all`: those that a registration compares
   * @throws RegistryError 40402, 42201
   */
  async problemsOf(request: RequestedSchema, number: number | null | 'all'): Promise<readonly string[]> {
    const { subject } = request
    const versions = await this.#comparedVersions(subject, number)
    const { level, normalize } = this.#state.configInScope(subject)
    const schema = canonicalSchema(this.#state, { ...request, normalize: request.normalize || normalize })
    return incompatibilities(this.#state, schema.parsed, versions, level)
  }

  /** The text of a version in a format of its type. */
  formatted(version: SchemaVersion, format: string): string {
    return format === '' ? version.schema : parseVersion(this.#state, version).formatted(format)
  }

  /** Deletes all versions of a subject, and returns them. @throws RegistryError as {@link planSubjectDeletion} */
  async deleteSubject(subject: string, permanent: boolean): Promise<readonly number[]> {
    return await this.#write((state) => {
      const { versions, records } = planSubjectDeletion(state, subject, permanent)
      return { records, result: versions }
    })
  }

  /** Deletes a version, and returns it. @throws RegistryError as {@link planVersionDeletion} */
  async deleteVersion(subject: string, number: number | null, permanent: boolean): Promise<number> {
    return await this.#write((state) => {
      const { versions, records } = planVersionDeletion(state, { subject, number, permanent })
      return { records, result: versions[0] ?? 0 }
    })
  }

  /** The config of a scope itself; null when it has none. @param scope a subject, a context, or everything (null) */
  config(scope: string | null): RegistryConfig | null {
    return this.#state.config(scope)
  }

  /** The config that applies to a subject. */
  configInScope(scope: string | null): ConfigInScope {
    return this.#state.configInScope(scope)
  }

  async changeConfig(scope: string | null, change: ConfigChange): Promise<RegistryConfig> {
    return await this.#write((state) => {
      const { config, records } = planConfigChange(state, scope, change)
      return { records, result: config }
    })
  }

  /** Removes the config of a scope, and returns the one it had. @throws RegistryError 40401, 42205 */
  async removeConfig(scope: string | null): Promise<RegistryConfig | null> {
    return await this.#write((state) => ({ records: planConfigRemoval(state, scope), result: state.config(scope) }))
  }

  /** The mode of a scope itself; null when it has none. */
  mode(scope: string | null): RegistryMode | null {
    return this.#state.mode(scope)
  }

  modeInScope(scope: string | null): RegistryMode {
    return this.#state.modeInScope(scope)
  }

  /** @throws RegistryError as {@link planModeChange} */
  async changeMode(change: Parameters<typeof planModeChange>[1]): Promise<void> {
    await this.#write((state) => ({ records: planModeChange(state, change), result: null }))
  }

  /** Removes the mode of a scope, and returns the one it had. @throws RegistryError 40401 */
  async removeMode(scope: string | null, recursive: boolean): Promise<RegistryMode | null> {
    return await this.#write((state) => ({
      records: planModeRemoval(state, scope, recursive),
      result: state.mode(scope),
    }))
  }

  get contexts(): readonly string[] {
    return this.#state.contexts
  }

  /** Removes a context without subjects. @throws RegistryError 42211 */
  async removeContext(context: string): Promise<void> {
    await this.#write((state) => {
      const scope = contextPrefix(context)
      if (state.hasVersions(scope, { deleted: true })) throw registryErrors.contextNotEmpty(scope)
      return { records: [tombstone({ keytype: 'CONTEXT', context })], result: null }
    })
  }

  /** Ends changes in progress, which may then be stored or not. */
  async close(): Promise<void> {
    await this.#writer.close(AbortSignal.abort())
    await this.#log.close()
  }

  async #comparedVersions(subject: string, number: number | null | 'all'): Promise<readonly SchemaVersion[]> {
    if (number === 'all') {
      await this.#confirmed(() => (this.#state.hasVersions(subject, { deleted: true }) ? true : null))
      return this.#state.versions(subject).filter(({ deleted }) => !deleted)
    }
    const find = (): SchemaVersion | null => {
      const found = number === null ? this.#state.latest(subject) : this.#state.version(subject, number)
      return found?.deleted === true ? null : found
    }
    const found = await this.#confirmed(find)
    if (found !== null) return [found]
    if (number !== null) throw registryErrors.versionNotFound(number)
    return []
  }

  #subjects(prefix: string): readonly string[] {
    const { subjects } = this.#state
    if (!prefix.startsWith(anyContext)) return subjects.filter((subject) => subject.startsWith(prefix))
    const rest = prefix.slice(anyContext.length)
    return subjects.filter((subject) => parseSubject(subject).subject.startsWith(rest))
  }

  /** The versions that a read finds, at least one. @param what what they are found by @throws RegistryError 40403 */
  async #foundVersions(
    what: number | string,
    read: () => readonly SchemaVersion[],
  ): Promise<readonly [SchemaVersion, ...SchemaVersion[]]> {
    const [first, ...others] = (await this.#confirmed(() => nullIfEmpty(read()))) ?? []
    if (first === undefined) throw registryErrors.schemaNotFound(what)
    return [first, ...others]
  }

  /** @throws RegistryError 40403, or 40401 when the subject has no version at all */
  #noSchema(subject: string, options: { readonly deleted: boolean }): never {
    if (!this.#state.hasVersions(subject, options)) throw registryErrors.subjectNotFound(subject)
    throw registryErrors.schemaNotFound()
  }

  /** The result of a read; what memory does not have (null) is looked for in the topic. */
  async #confirmed<T>(read: () => T | null): Promise<T | null> {
    const found = read()
    if (found !== null) return found
    await this.#log.catchUp()
    return read()
  }

  /** Carries out one change after the other, each on what the topic has. */
  async #write<T>(plan: (state: RegistryState) => Plan<T>): Promise<T> {
    const writing = this.#writing.then(async () => await this.#attempt(plan))
    this.#writing = writing.catch(() => undefined)
    return await writing
  }

  async #attempt<T>(plan: (state: RegistryState) => Plan<T>): Promise<T> {
    await this.#log.catchUp()
    // A write is read before it ends: the next attempt needs no other request, so it comes before what the winner does next.
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const { records, result, holds } = plan(this.#state)
      const written = [...this.#state.repairs(), ...records]
      if (written.length > 0) await this.#log.write(written)
      if (holds?.(this.#state) ?? true) return result
    }
    const cause = new RangeError(`${maxAttempts} attempts`)
    throw registryErrors.store('Other registries wrote to the topic before each attempt. Retry the change', cause)
  }
}

function nullIfEmpty<T>(items: readonly T[]): readonly T[] | null {
  return items.length === 0 ? null : items
}
