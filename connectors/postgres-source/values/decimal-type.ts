import { decimalTextOf, decimalToBytes, Logical, primitive, struct, type Schema } from 'penstock/api'
import { columnType, textType, type ColumnType, type OnUnrepresentable, type ValueModes } from './column-type.ts'
import {
  decimalDecoder,
  decodeDecimalText,
  doubleDecoder,
  moneyDecoder,
  moneyText,
  variableDecimalDecoder,
} from './decode-number.ts'

/** Precision and scale of a numeric's type modifier; null when it has none. The scale is signed, 11 bits. */
export function numericModifier(typmod: number): { precision: number; scale: number } | null {
  if (typmod < 4) return null
  const packed = typmod - 4
  return { precision: (packed >> 16) & 0xffff, scale: ((packed & 0x7ff) ^ 1024) - 1024 }
}

const variableDecimal = struct(
  [
    ['scale', primitive('INT32')],
    ['value', primitive('BYTES')],
  ],
  { name: 'io.debezium.data.VariableScaleDecimal', version: 1, doc: 'Variable scaled decimal' },
)

/** numeric, by `decimal.handling.mode`. */
export function numericType(typmod: number, modes: ValueModes, onUnrepresentable: OnUnrepresentable): ColumnType {
  if (modes.decimal === 'double') return columnType(primitive('FLOAT64'), doubleDecoder(onUnrepresentable), 0)
  const modifier = numericModifier(typmod)
  if (modes.decimal === 'string') {
    return textType(modes, decodeDecimalText, undefined, decimalTextOf(0n, modifier?.scale ?? 0))
  }
  if (modifier === null)
    return columnType(variableDecimal, variableDecimalDecoder(decimalToBytes, onUnrepresentable), [0, Buffer.from([0])])
  const { precision, scale } = modifier
  const parameters = { scale: String(scale), 'connect.decimal.precision': String(precision) }
  return columnType(decimal(parameters), decimalDecoder(onUnrepresentable), '0')
}

function decimal(parameters: Readonly<Record<string, string>>): Schema {
  return primitive('BYTES', { name: Logical.decimal, version: 1, parameters })
}

/** money, by `decimal.handling.mode`. */
export function moneyType(modes: ValueModes, onUnrepresentable: OnUnrepresentable): ColumnType {
  if (modes.decimal === 'double')
    return columnType(primitive('FLOAT64'), (bytes, start, end) => Number(moneyText(bytes, start, end)), 0)
  if (modes.decimal === 'string') return textType(modes, moneyText, undefined, '0.00')
  return columnType(
    decimal({ scale: String(modes.moneyDigits) }),
    moneyDecoder(modes.moneyDigits, onUnrepresentable),
    '0',
  )
}
