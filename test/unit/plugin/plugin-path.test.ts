import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { fileConnectors } from '../../../src/plugin/built-in-plugins.ts'
import { scanPluginPath } from '../../../src/plugin/plugin-path.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plugin-path-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function packageAt(name: string, manifest: unknown): Promise<string> {
  await mkdir(join(directory, name), { recursive: true })
  const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest)
  await writeFile(join(directory, name, 'package.json'), text)
  await writeFile(join(directory, name, 'index.js'), '')
  return join(directory, name)
}

const entry = { kind: 'sink', class: 'com.acme.ASinkConnector', module: './index.js', aliases: ['acme'] }

describe('plugin.path', () => {
  it.each(['connect-file', 'libs/connect-file-3.9.1.jar', '/opt/kafka/libs/connect-file-4.0.0.jar'])(
    'brings the file connectors by %s, whether that exists or not',
    async (name) => {
      expect(await scanPluginPath([name])).toEqual({ plugins: fileConnectors, warnings: [] })
    },
  )

  it('brings no file connectors by a directory of another name', async () => {
    await packageAt('connect-files', { version: '1', penstock: { plugins: [] } })
    expect((await scanPluginPath([join(directory, 'connect-files'), directory])).plugins).toEqual([])
  })

  it('takes the plugins that the packages below a directory declare, without importing them', async () => {
    const at = await packageAt('acme', { version: '1.2.0', penstock: { plugins: [entry] } })
    await writeFile(join(directory, 'README'), 'not a package')
    const scan = await scanPluginPath([directory])
    expect(scan.warnings).toEqual([])
    expect(scan.plugins).toEqual([
      {
        kind: 'sink',
        className: 'com.acme.ASinkConnector',
        aliases: ['acme'],
        version: '1.2.0',
        module: pathToFileURL(join(at, 'index.js')).href,
        exportName: 'plugin',
        location: at,
      },
    ])
  })

  it('takes a directory that is itself a package', async () => {
    const at = await packageAt('acme', { version: '1.2.0', penstock: { plugins: [{ ...entry, export: 'sink' }] } })
    const scan = await scanPluginPath([at])
    expect(scan.plugins).toMatchObject([{ exportName: 'sink', location: at }])
  })

  it('warns of a missing directory and continues', async () => {
    await packageAt('acme', { version: '1', penstock: { plugins: [entry] } })
    const scan = await scanPluginPath([join(directory, 'missing'), directory])
    expect(scan.plugins).toHaveLength(1)
    expect(scan.warnings).toEqual([
      `plugin.path: directory ${join(directory, 'missing')} cannot be read (ENOENT) and is skipped`,
    ])
  })

  it('warns of Java archives by name', async () => {
    await mkdir(join(directory, 'debezium'))
    await writeFile(join(directory, 'debezium', 'debezium.jar'), '')
    const scan = await scanPluginPath([directory, join(directory, 'debezium')])
    expect(scan.warnings).toEqual(Array(2).fill(expect.stringMatching(/debezium contains Java archives/)))
  })

  it.each([
    ['is no JSON', '{', /cannot be read/],
    ['lists no plugins', {}, /lists no plugins/],
  ])('warns of a package.json that %s', async (_title, manifest, warning) => {
    await packageAt('acme', manifest)
    const scan = await scanPluginPath([directory])
    expect(scan.plugins).toEqual([])
    expect(scan.warnings).toEqual([expect.stringMatching(warning)])
  })

  it.each([
    ['is a text', 'sink', 'is not an object'],
    ['has an unknown kind', { ...entry, kind: 'job' }, 'has the kind "job"; known are source, sink, converter,'],
    ['has no kind', { ...entry, kind: undefined }, 'has the kind undefined; known are source'],
    ['has no class', { ...entry, class: '' }, 'has no "class" that is a non-empty string'],
    ['has no module', { ...entry, module: undefined }, 'has no "module" that is a non-empty string'],
    [
      'has a module that is missing',
      { ...entry, module: './nowhere.js' },
      /names the module .*nowhere\.js, which cannot be read \(ENOENT\)/,
    ],
    ['has a directory as module', { ...entry, module: '.' }, 'which is not a file'],
    ['has an export that is a number', { ...entry, export: 1 }, 'has an "export" that is not a string'],
    ['has aliases that are a text', { ...entry, aliases: 'acme' }, 'has "aliases" that are not an array of strings'],
    ['has a misspelled key', { ...entry, alias: [] }, 'has the unknown key "alias"; known are kind, class, module,'],
  ])('passes over an entry that %s, by its number, and takes the others', async (_title, faulty, fault) => {
    const at = await packageAt('acme', { version: '1', penstock: { plugins: [entry, faulty] } })
    const scan = await scanPluginPath([directory])
    expect(scan.plugins.map(({ className }) => className)).toEqual([entry.class])
    expect(scan.warnings).toHaveLength(1)
    expect(scan.warnings[0]).toContain(`plugin.path: ${join(at, 'package.json')}, entry 2 of "plugins" `)
    expect(scan.warnings[0]).toMatch(fault)
  })

  it('warns of a class that exists already, and says which one is used', async () => {
    const own = { ...entry, kind: 'source', class: 'io.debezium.connector.postgresql.PostgresConnector' }
    const first = await packageAt('acme', { version: '1', penstock: { plugins: [entry, own] } })
    const second = await packageAt('zeta', { version: '1', penstock: { plugins: [entry] } })
    expect((await scanPluginPath([directory])).warnings).toEqual([
      `plugin.path: ${first} declares source ${own.class}, which Penstock itself declares too; that one is used`,
      `plugin.path: ${second} declares sink ${entry.class}, which ${first} declares too; that one is used`,
    ])
  })
})
