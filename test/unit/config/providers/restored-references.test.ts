import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { RawConfig } from '../../../../src/api/config-def.ts'
import { ConfigError } from '../../../../src/api/errors.ts'
import { ResolvedReferences } from '../../../../src/config/providers/resolved-references.ts'
import { referenceRestorer } from '../../../../src/config/providers/restored-references.ts'
import { minSecretLength } from '../../../../src/config/providers/secret-forms.ts'

const raw = {
  'database.password': '${file:/s:p}',
  'database.dbname': 'shop',
  url: 'http://${env:U}:${file:/s:p}@h',
  flag: '${env:F}',
}
const values = { '${file:/s:p}': 'shop-S3cret', '${env:U}': 'maria', '${env:F}': 'on' }
const resolvedOf = (given: Record<string, string>): ResolvedReferences =>
  new ResolvedReferences(new Map(Object.entries(given).map(([reference, value]) => [reference, { value }])))
const resolved = resolvedOf(values)
const restore = referenceRestorer({ raw, resolved })

describe('a task config before it is stored', () => {
  it("has what the connector's config has under each key that is unchanged", () => {
    expect(restore(resolved.config(raw))).toEqual(raw)
  })

  it.each([
    ['under another key', { 'task.password': 'shop-S3cret' }, { 'task.password': '${file:/s:p}' }],
    ['inside a longer value', { url: 'pg://maria:shop-S3cret@h/shop' }, { url: 'pg://${env:U}:${file:/s:p}@h/shop' }],
    ['more than once', { x: 'maria,maria' }, { x: '${env:U},${env:U}' }],
    ['not, if the user has written the same text', { 'database.dbname': 'shop' }, { 'database.dbname': 'shop' }],
    ['not, if the value is too short', { mode: 'on', flag: 'on' }, { mode: 'on', flag: '${env:F}' }],
  ])('has references for secrets %s', (_where, generated, stored) => {
    expect(restore(generated)).toEqual(stored)
  })

  it.each([
    [
      { authorization: `Basic ${Buffer.from('maria:shop-S3cret').toString('base64')}` },
      /"authorization" holds a value/,
    ],
    [{ 'x-shop-S3cret': '1' }, /"x-\$\{file:\/s:p\}" holds a value .*, in its name/],
  ])('is rejected if a secret is left: %j', (generated, message) => {
    expect(() => restore(generated)).toThrow(ConfigError)
    expect(() => restore(generated)).toThrow(message)
    expect(() => restore(generated)).toThrow(/^SECRET_IN_TASK_CONFIG: /)
    expect(() => restore(generated)).not.toThrow(/shop-S3cret/)
  })

  it('restores a value without the white space that parsing has removed, but not inside of another value', () => {
    const file = { raw: { p: '${dir:/s:p}' }, resolved: resolvedOf({ '${dir:/s:p}': 'S3cret!x\n' }) }
    expect(referenceRestorer(file)({ p: 'S3cret!x', q: 'S3cret!x' })).toEqual({ p: '${dir:/s:p}', q: '${dir:/s:p}' })
    expect(() => referenceRestorer(file)({ url: 'u:S3cret!x@h' })).toThrow(/^SECRET_IN_TASK_CONFIG: /)
  })

  it('holds no secret, and resolves to what the connector has generated (I8)', () => {
    const secret = fc.string({ minLength: minSecretLength, maxLength: 20 }).filter((text) => text.trim() === text)
    const given = fc.tuple(secret, secret, fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }))
    fc.assert(
      fc.property(given, ([first, second, before, after]) => {
        const references = resolvedOf({ '${f:/x:a}': first, '${f:/x:b}': second })
        const generated = { a: first, b: `${before}${second}${after}`, c: `${first}${before}${second}` }
        let stored: RawConfig
        try {
          stored = referenceRestorer({ raw: { a: '${f:/x:a}' }, resolved: references })(generated)
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError)
          return
        }
        expect(references.config(stored)).toEqual(generated)
        for (const value of Object.values(stored)) {
          const rest = value.replaceAll(/\$\{f:\/x:[ab]\}/g, '\n')
          expect(rest).not.toContain(first)
          expect(rest).not.toContain(second)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
