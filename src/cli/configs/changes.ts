import type { ConnectApi } from '../rest-client/connect-api.ts'
import type { Output } from '../output/output.ts'
import { counted } from '../output/text.ts'
import type { ConnectorDocument } from './config-files.ts'
import { differenceLines, differences, shownDifferences, type Difference } from './config-diff.ts'
import { shownBy } from './secrets.ts'

/** What has to be done so that a server has a connector as it is wanted. */
export interface Change {
  readonly document: ConnectorDocument
  readonly action: 'create' | 'update' | 'none'
  /** With secrets masked. */
  readonly differences: readonly Difference[]
}

/** Compares connectors with those of the server. */
export async function changesTo(api: ConnectApi, documents: readonly ConnectorDocument[]): Promise<readonly Change[]> {
  return await Promise.all(
    documents.map(async (document) => {
      const before = await api.connectorIfAny(document.name)
      const found = differences(before?.config ?? {}, document.config)
      const shown = await shownBy(api, { ...before?.config, ...document.config })
      const action = before === null ? 'create' : found.length === 0 ? 'none' : 'update'
      return { document, action, differences: shownDifferences(found, shown) }
    }),
  )
}

/** A change for a person. */
export function changeLines(
  { document: { name }, action, differences: found }: Change,
  { paint }: Output,
): readonly string[] {
  if (action === 'none') return [paint('dim', `= ${name}: no change`)]
  const [sign, style] = action === 'create' ? (['+', 'green'] as const) : (['~', 'yellow'] as const)
  const what = action === 'create' ? 'new' : `${counted(found.length, 'option')} differ${found.length === 1 ? 's' : ''}`
  return [`${paint(style, sign)} ${paint('bold', name)}: ${what}`, ...differenceLines(found, paint)]
}

/** Makes a change. @throws CommandError when the server refuses it */
export async function make(
  api: ConnectApi,
  { document: { name, config, initialState }, action }: Change,
): Promise<void> {
  if (action === 'none') return
  if (action === 'create' && initialState !== null) await api.create(name, config, initialState)
  else await api.putConfig(name, config)
}
