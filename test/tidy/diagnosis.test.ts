import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { expect, it } from 'vitest'

import { catalogue } from '../../src/diagnosis/catalogue/catalogue.ts'
import { withOptions } from '../support/worker/options-table.ts'
import { repositoryFiles } from './source-file.ts'

/** Codes that no status of a connector or condition of a worker has: they refuse a command, a start of the worker, or a request. */
const ofCommands = new Set([
  // A value of an option.
  'RESTORE_BACKUP',
  // Notes behind another code.
  'CONDITIONS_OMITTED',
  'RESTART_SCHEDULED',
  'BROKER_FOLDER',
  'BROKER_LISTEN',
  'CONDITION_CODE',
  'CREDENTIALS_FILE',
  'JAVA_KEYSTORE',
  'LISTENER_UNAUTHENTICATED',
  'PLUGIN_MANIFEST',
  'REST_LISTEN',
  'TLS_CERTIFICATE',
  'TLS_TRUSTSTORE',
  'TOKEN_FILE',
])

/** `code: 'X_Y'` of an error, the beginning of a message, or the first argument of a call that raises a condition. */
const raised =
  /(?:\bcode(?:: | = |\w* = )|\b\w+Code = |(?:setCondition|raise|#show|PacedCondition)\(\s*)'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'|[`']([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+): [a-z$]/g

it('the catalogue of the diagnosis, src/diagnosis/catalogue, has each code that connectors, converters and the worker raise', () => {
  const known = new Set(catalogue.map(({ code }) => code))
  const missing = repositoryFiles()
    .filter(({ path }) =>
      /^(?:src\/(?!testing|diagnosis|protocol|registry|quickstart)|connectors|plugins).*\.ts$/.test(path),
    )
    .flatMap(({ path, text }) =>
      Array.from(text.matchAll(raised), ([, code, ahead]) => ({ path, code: code ?? ahead ?? '' })),
    )
    .filter(({ code }) => !known.has(code) && !ofCommands.has(code))
  expect(missing).toEqual([])
})

it('each code of the catalogue is there once, with a sentence about what it means and one about what to do', () => {
  const codes = catalogue.map(({ code }) => code)
  expect(codes.filter((code, at) => codes.indexOf(code) !== at)).toEqual([])
  const unsaid = catalogue.filter(({ means, fix }) => !/^[A-Z].*\.$/.test(means) || !/^[A-Z].*[^.]$/.test(fix))
  expect(unsaid).toEqual([])
})

it('docs/reference/diagnosis.md lists the catalogue', () => {
  const rows = catalogue
    .toSorted((a, b) => (a.code < b.code ? -1 : 1))
    .map(
      ({ code, severity, stage, means, fix }) => `| \`${code}\` | ${severity} | ${stage ?? '–'} | ${means} | ${fix} |`,
    )
  const file = fileURLToPath(new URL('../../docs/reference/diagnosis.md', import.meta.url))
  const document = readFileSync(file, 'utf8')
  const table = ['| code | severity | stage | meaning | what to do |', '|---|---|---|---|---|', ...rows].join('\n')
  const wanted = withOptions(document, table)
  // `npm run docs` writes it.
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, wanted ?? document)
  else expect(document).toBe(wanted)
})
