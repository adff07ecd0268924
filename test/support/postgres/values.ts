import type { ConnectValue } from 'penstock/api'
import { TypeCatalog } from '../../../connectors/postgres-source/schema/type-catalog.ts'
import type {
  OnUnrepresentable,
  ValueDecoder,
  ValueModes,
} from '../../../connectors/postgres-source/values/column-type.ts'
import { mapType } from '../../../connectors/postgres-source/values/type-map.ts'

/** Debezium's defaults, but for unknown types. */
const valueModes: ValueModes = {
  decimal: 'precise',
  time: 'adaptive',
  binary: 'bytes',
  interval: 'numeric',
  hstore: 'json',
  moneyDigits: 2,
  includeUnknown: false,
  placeholder: Buffer.from('__debezium_unavailable_value'),
}

/** Types as the catalog of a database describes them. */
export class TestTypes {
  readonly catalog = new TypeCatalog()
  #lastOid = 1

  /** Defines a type, and returns its oid. */
  oid = (name: string, extra: Partial<Parameters<TypeCatalog['add']>[0]> = {}): number => {
    this.#lastOid += 1
    const builtIn = { schema: 'pg_catalog', name, kind: 'b', elementOid: null, domainOf: null, labels: [] }
    this.catalog.add({ oid: this.#lastOid, ...builtIn, ...extra })
    return this.#lastOid
  }

  map = (type: number, typmod = -1, changed: Partial<ValueModes> = {}): ReturnType<typeof mapType> =>
    mapType(type, typmod, { types: this.catalog, modes: { ...valueModes, ...changed }, onUnrepresentable: lost })
}

/** Values that a schema cannot represent become null. */
export const lost: OnUnrepresentable = () => null

/** Every value can be represented. */
export const never: OnUnrepresentable = (what) => {
  throw new TypeError(`nothing is lost here: ${what}`)
}

/** Decodes a text that is surrounded by others, as in a message. */
export function read(decode: ValueDecoder, text: string): ConnectValue {
  const bytes = Buffer.from(`1.9:${text}:1.9`)
  return decode(bytes, 4, bytes.length - 4)
}
