import { seededRandom } from '../../support/seeded-random.ts'
import type { CaseJson, PartJson, SchemaJson, ValueJson } from '../oracle-json.ts'
import { oddNames, recordOf, struct, transformCase, typeNames, types, values } from './samples.ts'

const perTransform = 40
const names = ['a', 'b', 'c', 'id', ...oddNames]

/** Random structs and maps, and random settings that refer to their fields. */
class Generator {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  one<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)]
    if (item === undefined) throw new RangeError('an empty list')
    return item
  }

  some(list: readonly string[]): string[] {
    return list.filter(() => this.#random() < 0.4)
  }

  part(): PartJson {
    if (this.#random() < 0.3) return { value: this.#map(2) }
    const schema = this.#struct(2)
    return { schema, value: this.#valueOf(schema) }
  }

  #struct(depth: number): SchemaJson {
    return struct(
      this.some(names).map((name) => [name, this.#schema(depth)]),
      this.#random() < 0.5 ? {} : { name: 'random', version: 1 },
    )
  }

  #schema(depth: number): SchemaJson {
    const bare = depth > 0 && this.#random() < 0.3 ? this.#struct(depth - 1) : types[this.one(typeNames)]
    const schema = this.#random() < 0.4 ? { ...bare, optional: true } : bare
    // Kafka refuses its own default of a struct wherever it replaces null.
    return bare.type !== 'STRUCT' && this.#random() < 0.2 ? { ...schema, default: this.#valueOf(bare) } : schema
  }

  #valueOf(schema: SchemaJson): ValueJson {
    if (schema.optional === true && this.#random() < 0.4) return null
    if (schema.default !== undefined && this.#random() < 0.4) return null
    const known = typeNames.find(
      (name) => name !== 'struct' && types[name].type === schema.type && sameName(types[name], schema),
    )
    if (known !== undefined) return this.one(values[known])
    return (schema.fields ?? []).map((field) => this.#valueOf(field.schema))
  }

  #map(depth: number): ValueJson {
    return Object.fromEntries(this.some(names).map((name) => [name, this.#plain(depth)]))
  }

  #plain(depth: number): ValueJson {
    if (depth > 0 && this.#random() < 0.3) return this.#map(depth - 1)
    return this.one<ValueJson>([1, -5, 1.25, 'text', '12', true, null, [1, 'x'], { $long: '9223372036854775807' }])
  }
}

function sameName(a: SchemaJson, b: SchemaJson): boolean {
  return (a.name ?? null) === (b.name ?? null)
}

type Settings = (generator: Generator, fields: readonly string[]) => Readonly<Record<string, string>>

const castTypes = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64', 'boolean', 'string']
const listed = (list: readonly string[]): string => (list.length === 0 ? 'a' : list.join(','))

const settings: Readonly<Record<string, Settings>> = {
  Cast$Value: (generator, fields) => ({
    spec: listed(generator.some(fields).map((name) => `${name}:${generator.one(castTypes)}`)).replace(
      /^a$/,
      'a:string',
    ),
  }),
  ExtractField$Value: (generator, fields) => ({ field: generator.one(['a', ...fields]) }),
  Flatten$Value: (generator) => ({ delimiter: generator.one(['.', '_', '']) }),
  HeaderFrom$Value: (generator, fields) => {
    const chosen = listed(generator.some(fields))
    return { fields: chosen, headers: chosen, operation: generator.one(['move', 'copy']) }
  },
  HoistField$Value: (generator) => ({ field: generator.one(names) }),
  InsertField$Value: (generator) => ({
    'topic.field': generator.one(names),
    'timestamp.field': generator.one(['ts', 'ts!', 'b']),
  }),
  MaskField$Value: (generator, fields) => ({ fields: listed(generator.some(fields)) }),
  ReplaceField$Value: (generator, fields) => ({
    exclude: generator.some(fields).join(','),
    renames: generator
      .some(fields)
      .map((name, i) => `${name}:new${i}`)
      .join(','),
  }),
  SetSchemaMetadata$Value: (generator) => ({ 'schema.name': 'n', 'schema.version': String(generator.below(9)) }),
  TimestampConverter$Value: (generator, fields) => ({
    field: generator.one(['a', ...fields]),
    'target.type': generator.one(['string', 'unix', 'Date', 'Time', 'Timestamp']),
    format: 'yyyy-MM-dd HH:mm:ss.SSS',
  }),
  ValueToKey: (generator, fields) => ({ fields: listed(generator.some(fields)) }),
}

const replaces: ReadonlySet<string> = new Set(['Flatten$Value', 'HoistField$Value'])

export const randomCases: readonly CaseJson[] = Object.entries(settings).flatMap(([transform, config], seed) => {
  const generator = new Generator(seed + 1)
  return Array.from({ length: perTransform }, (_, i) => {
    const part = generator.part()
    const fields = part.schema?.fields?.map(({ name }) => name) ?? Object.keys(part.value as object)
    const more = replaces.has(transform) || generator.below(2) === 0 ? {} : { 'replace.null.with.default': 'false' }
    return transformCase(transform, `random ${i}`, { ...config(generator, fields), ...more }, recordOf(part))
  })
})
