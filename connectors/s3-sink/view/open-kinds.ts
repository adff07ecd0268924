import { openFormat, type FormatSettings } from '../format/open-format.ts'
import type { WholePacking } from '../object/packed-stream.ts'
import { objectKind, type ObjectKinds } from './object-kind.ts'
import { headerView, keyView, valueView } from './record-view.ts'

/** The formats of objects by what they hold; null: they are not stored. */
export interface KindSettings {
  readonly values: FormatSettings
  readonly keys: FormatSettings | null
  readonly headers: FormatSettings | null
  readonly packing: WholePacking | null
}

/** Opens the formats of the objects of a task. */
export async function openKinds({ values, keys, headers, packing }: KindSettings): Promise<ObjectKinds> {
  const companions = [
    ...(keys === null ? [] : [{ view: keyView(keys.kind === 'parquet'), settings: keys }]),
    ...(headers === null
      ? []
      : [{ view: headerView(headers.kind === 'parquet' || headers.kind === 'json'), settings: headers }]),
  ]
  return {
    values: objectKind(valueView, await openFormat(values), packing),
    companions: await Promise.all(
      companions.map(async ({ view, settings }) => objectKind(view, await openFormat(settings), packing)),
    ),
  }
}
