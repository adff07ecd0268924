import type { CaseJson, PartJson } from '../oracle-json.ts'
import {
  oddMap,
  oddNames,
  oddStruct,
  onAllParts,
  optional,
  recordOf,
  struct,
  transformCase,
  types,
  withDefault,
} from './samples.ts'

const nested: PartJson = {
  schema: struct([
    [
      'a',
      struct([
        ['b', types.int32],
        ['c.d', types.string],
        ['f`g', types.int8],
      ]),
    ],
    [
      'n',
      optional(
        struct([
          ['b', types.int32],
          ['o', optional(types.int32)],
        ]),
      ),
    ],
    ['w', struct([['z', withDefault(optional(types.int32), 5)]])],
    ['b', types.int64],
    ['x.y', types.int8],
    ['m', types.map],
  ]),
  value: [[1, 'two', 6], null, [null], 3, 4, [['k', 1]]],
}
const nestedMap: PartJson = {
  value: { a: { b: 1, 'c.d': 'two', 'f`g': 6 }, n: null, w: { z: null }, b: 3, 'x.y': 4, t: 'text', l: [1] },
}

const fields = [
  'a',
  'b',
  'a.b',
  'a.b,b',
  'a.`c.d`',
  'a.f`g',
  'a.`f\\`g`',
  'n.b',
  'n.o',
  'n.b,n.o',
  'w.z',
  '`x.y`',
  'x.y',
  'a.x',
  'x',
  'a.b,a.b',
  'b,b',
  'b.c',
  'm.k',
  't.x',
  'l.0',
  'a.',
  '.',
  '`a',
  'a,`a`',
  ' a.b , b ',
  'a.toString',
  '__proto__.a',
]

/** What Kafka 4.4 adds to 3.9: nested paths in ValueToKey. */
export const laterCases: readonly CaseJson[] = [
  ...fields.flatMap((list) =>
    [nested, nestedMap].flatMap((part) =>
      ['true', 'false'].map((replace) =>
        transformCase(
          'ValueToKey',
          `${part.schema === undefined ? 'plain ' : ''}${list}, ${replace}`,
          { fields: list, 'field.syntax.version': 'V2', 'replace.null.with.default': replace },
          recordOf(part),
        ),
      ),
    ),
  ),
  ...oddNames.flatMap((name) =>
    [oddStruct, oddMap].map((part) =>
      transformCase(
        'ValueToKey',
        `${name} of ${part.schema === undefined ? 'a map' : 'a struct'}`,
        { fields: name, 'field.syntax.version': 'v2' },
        recordOf(part),
      ),
    ),
  ),
  ...onAllParts('ValueToKey', 'a.b', { fields: 'a.b', 'field.syntax.version': 'V2' }).flatMap((one) =>
    one.class.endsWith('$Value') ? [{ ...one, class: one.class.replace('$Value', '') }] : [],
  ),
  transformCase('ValueToKey', 'an unknown syntax', { fields: 'a', 'field.syntax.version': 'V3' }, recordOf(nested)),
  transformCase('ValueToKey', 'one level', { fields: 'a.b', 'field.syntax.version': 'V1' }, recordOf(nested)),
]
