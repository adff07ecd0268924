import type { ParsedConfig, RawConfig } from 'penstock/api'
import type { RecordTemplate, TemplatePart } from '../document/record-template.ts'
import type { AddProblem } from './add-problem.ts'
import { Key } from './key.ts'
import { topicsOf, type SinkSettings } from './settings.ts'

/** Rules of the templates for ids, index names and routing, and of the definition of indices. */
export function templates(config: ParsedConfig, raw: RawConfig, settings: SinkSettings, add: AddProblem): void {
  const { idTemplate, indexName, routing, appendOnly, externalResources } = settings
  const ignoresKeys = config[Key.keyIgnore] === true || String(config[Key.topicKeyIgnore] ?? '') !== ''
  if (idTemplate !== null && (ignoresKeys || config[Key.autoIds] === true))
    add(
      [Key.idTemplate],
      `'${Key.idTemplate}' can not be set with '${Key.keyIgnore}', '${Key.topicKeyIgnore}' or '${Key.autoIds}'.`,
    )
  if (appendOnly && indexName !== null)
    add(
      [Key.indexName],
      `'${Key.indexName}' is for indices: data streams have the names of '${Key.streamType}' and the like.`,
    )
  if (appendOnly && routing !== null)
    add([Key.routing], `'${Key.routing}' is for indices: a data stream distributes its documents itself.`)
  if (externalResources !== null)
    for (const key of [Key.indexName, Key.indexDefinition])
      if (String(config[key] ?? '') !== '') add([key], `'${key}' can not be set with '${Key.externalMapping}'.`)
  deletions(settings, raw, add)
  sharedIndex(settings, raw, add)
}

/** A deletion has a key, and no value or time that would tell where the document is. */
function deletions({ nullValues, ...settings }: SinkSettings, _raw: RawConfig, add: AddProblem): void {
  if (settings.appendOnly || nullValues !== 'delete') return
  const all = {
    [Key.idTemplate]: settings.idTemplate,
    [Key.indexName]: settings.indexName,
    [Key.routing]: settings.routing,
  }
  for (const [key, template] of Object.entries(all)) {
    if (template === null || findsDeleted(template)) continue
    add(
      [key, Key.nullValues],
      `a deletion does not say what '${key}' uses beside the topic, the key and headers, so that its document is not found. Set '${Key.nullValues}' to ignore or fail.`,
    )
  }
}

const ofDeletions: ReadonlySet<TemplatePart> = new Set(['topic', 'partition', 'key', 'header'])

/** Returns whether a deletion has all that the template uses. */
export function findsDeleted({ uses }: RecordTemplate): boolean {
  return [...uses].every((part) => ofDeletions.has(part))
}

/** In an index of several topics, documents with equal keys would replace each other. */
function sharedIndex(
  { indexName, idTemplate, keyIgnored, autoIds }: SinkSettings,
  raw: RawConfig,
  add: AddProblem,
): void {
  if (indexName === null || indexName.uses.has('topic') || autoIds) return
  const topics = topicsOf(raw)
  if (topics.length === 1 || idTemplate?.uses.has('topic') === true) return
  if (topics.length > 0 && topics.every(keyIgnored)) return
  add(
    [Key.indexName, Key.idTemplate],
    `'${Key.indexName}' gives several topics one index, in which documents of equal keys replace each other. Set '${Key.idTemplate}' to {topic}-{key}, for instance.`,
  )
}
