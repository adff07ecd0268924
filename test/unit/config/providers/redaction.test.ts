import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { Redaction } from '../../../../src/config/providers/redaction.ts'
import { minSecretLength } from '../../../../src/config/providers/secret-forms.ts'

const reference = '${file:/s:p}'
const redactionOf = (...values: string[]): Redaction =>
  new Redaction(values.map((value, index) => ({ reference: index === 0 ? reference : `\${file:/s:${index}}`, value })))

/** Without what is a part of a reference, which the config has too. */
const outside = (text: string): string => text.replaceAll(/\$\{file:\/s:[^}]*\}/g, '\n')

const secrets = fc.oneof(
  fc.string({ minLength: minSecretLength, maxLength: 60, unit: 'binary' }),
  fc.string({ minLength: minSecretLength, maxLength: 12, unit: fc.constantFrom('a', 'b', '}', '$', '{', '"', "'") }),
  fc.string({ minLength: minSecretLength, maxLength: 40, unit: 'grapheme' }),
)
/** A text that has the secrets, maybe in an escaped form, between others. */
const texts = (values: readonly string[]) =>
  fc
    .array(
      fc.oneof(
        fc.string({ maxLength: 5 }),
        fc.constantFrom(
          ...values.flatMap((value) => [
            value,
            JSON.stringify(value),
            encodeURIComponent(value.toWellFormed()),
            Buffer.from(value).toString('base64'),
            Buffer.from(`user:${value}`).toString('base64'),
          ]),
        ),
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join(''))

describe('the redaction', () => {
  it('leaves no secret in any text, whatever the secrets are (I8)', () => {
    const given = fc
      .array(secrets, { minLength: 1, maxLength: 3 })
      .filter((values) => values.every((value) => value.trim().length >= minSecretLength))
      .chain((values) => fc.record({ values: fc.constant(values), text: texts(values) }))
    fc.assert(
      fc.property(given, ({ values, text }) => {
        const redacted = outside(redactionOf(...values).text(text))
        for (const value of values) {
          expect(redacted).not.toContain(value)
          expect(redacted).not.toContain(value.trim())
          expect(redacted).not.toContain(JSON.stringify(value).slice(1, -1))
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('changes no text without a secret', () => {
    const redaction = redactionOf('S3cret-of-this-test')
    fc.assert(fc.property(fc.string(), (text) => redaction.text(text) === text))
  })

  it.each([
    ['pass S3cret!x and S3cret!x', `pass ${reference} and ${reference}`],
    ['{"p":"S3cret!x"}', `{"p":"${reference}"}`],
    ['postgres://u:S3cret!x@h/d', `postgres://u:${reference}@h/d`],
    [`Basic ${Buffer.from('elastic:S3cret!x').toString('base64')}`, `Basic ZWxhc3RpYzp${reference}A==`],
    ['S3crets', 'S3crets'],
    ['value S3cr', `value ${reference}`],
    ['value S3cre… (300 characters)', `value ${reference}… (300 characters)`],
  ])('of %j is %s', (text, redacted) => {
    expect(redactionOf('S3cret!x').text(text)).toBe(redacted)
  })

  it('hides quotes, lines and white space as messages write them', () => {
    const redaction = redactionOf('  first "line"\nsecond \'line\'\n')
    expect(redaction.text('got first "line"\nsecond \'line\'.')).toBe(`got ${reference}.`)
    expect(redaction.text(JSON.stringify({ p: 'first "line"\nsecond' }))).toBe(`{"p":"${reference}"}`)
    expect(redaction.text("at 'second \\'line\\''")).toBe(`at '${reference}'`)
  })

  it('hides overlapping secrets completely', () => {
    expect(redactionOf('abcdef', 'defghi').text('x abcdefghi y')).toBe(`x ${reference}\${file:/s:1} y`)
    expect(redactionOf('abcdef', 'abcdefghi').text('x abcdefghi y')).toBe('x ${file:/s:1} y')
  })

  it('hides the whole text if a reference and the text behind it read like a secret', () => {
    expect(redactionOf('}aaa').text('x }aaaaaa')).toBe('[hidden]')
    expect(redactionOf('}aaa').text('x }aaa')).toBe(`x ${reference}`)
  })

  it('hides the beginning of a long secret that a message has cut', () => {
    const long = 'k'.repeat(10) + 'm'.repeat(300)
    expect(redactionOf(long).text(`Invalid value ${long.slice(0, 200)}… (310 characters)`)).toBe(
      `Invalid value ${reference}… (310 characters)`,
    )
    expect(redactionOf(long).text(`${long.slice(0, 20)}... and more`)).toBe(`${reference}... and more`)
    expect(redactionOf(long).text(`${long.slice(0, 200)} and more`)).toBe(`${reference} and more`)
    expect(redactionOf(long).text(`${long.slice(0, 20)} and more`)).toBe(`${long.slice(0, 20)} and more`)
  })

  it('leaves references as they are, also those with a path like that of a secret', () => {
    const redaction = redactionOf('/run/secrets/of/this/file')
    const missing = '${file:/run/secrets/of/this/other:k}'
    const known = new Redaction([{ reference: '${file:/run/secrets/of/this/file:k}', value: 'secrets' }])
    expect(known.text('${file:/run/secrets/of/this/file:k} of secrets')).toBe(
      '${file:/run/secrets/of/this/file:k} of ${file:/run/secrets/of/this/file:k}',
    )
    expect(redaction.text(missing)).not.toBe(missing)
    redaction.keep([missing])
    expect(redaction.text(missing)).toBe(missing)
    expect(redaction.text('${x:/run/secrets/of/this/file:k}')).toBe(`\${x:${reference}:k}`)
  })

  it('does not hide values that are too short to be a secret', () => {
    expect(redactionOf('on', '1', 'sql').text('on line 1: sql')).toBe('on line 1: sql')
  })

  it('redacts values of any depth, and errors with their causes', () => {
    const redaction = redactionOf('S3cret!x')
    expect(redaction.value({ a: ['S3cret!x', 1, null], b: { 'S3cret!x': true } })).toEqual({
      a: [reference, 1, null],
      b: { [reference]: true },
    })
    expect(redactionOf('20481024').value({ a: 20481024, b: 2048, c: 1.5 })).toEqual({ a: reference, b: 2048, c: 1.5 })
    const error = redaction.error(new TypeError('no S3cret!x', { cause: new TypeError('by S3cret!x') }))
    expect(error.message).toBe(`no ${reference}`)
    expect(error.stack).not.toContain('S3cret!x')
    expect(String(error.cause)).toBe(`TypeError: by ${reference}`)
  })

  it('names the reference that was resolved last, and forgets the oldest secrets at its limit', () => {
    const redaction = redactionOf('S3cret!x')
    redaction.add([{ reference: '${env:P}', value: 'S3cret!x' }])
    expect(redaction.text('S3cret!x')).toBe('${env:P}')
    redaction.add(Array.from({ length: 7_000 }, (_, i) => ({ reference: '${env:Q}', value: `other-${i}-secret` })))
    expect(redaction.text('S3cret!x')).toBe('S3cret!x')
    expect(redaction.text('other-6999-secret')).toBe('${env:Q}')
  })
})
