import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { fileConnectors } from '../../../src/plugin/built-in-plugins.ts'
import { scanPluginPath } from '../../../src/plugin/plugin-path.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plugin-path-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function packageAt(name: string, manifest: unknown): Promise<string> {
  await mkdir(join(folder, name), { recursive: true })
  const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest)
  await writeFile(join(folder, name, 'package.json'), text)
  return join(folder, name)
}

const entry = { kind: 'sink', class: 'com.acme.ASinkConnector', module: './index.js', aliases: ['acme'] }

describe('plugin.path', () => {
  it.each(['connect-file', 'libs/connect-file-3.9.1.jar', '/opt/kafka/libs/connect-file-4.0.0.jar'])(
    'brings the file connectors by %s, whether that exists or not',
    async (name) => {
      expect(await scanPluginPath([name])).toEqual({ plugins: fileConnectors, warnings: [] })
    },
  )

  it('brings no file connectors by a folder of another name', async () => {
    await packageAt('connect-files', { version: '1', penstock: { plugins: [] } })
    expect((await scanPluginPath([join(folder, 'connect-files'), folder])).plugins).toEqual([])
  })

  it('takes the plugins that the packages below a folder declare, without importing them', async () => {
    const at = await packageAt('acme', { version: '1.2.0', penstock: { plugins: [entry] } })
    await writeFile(join(folder, 'README'), 'not a package')
    const scan = await scanPluginPath([folder])
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

  it('takes a folder that is itself a package', async () => {
    const at = await packageAt('acme', { version: '1.2.0', penstock: { plugins: [{ ...entry, export: 'sink' }] } })
    const scan = await scanPluginPath([at])
    expect(scan.plugins).toMatchObject([{ exportName: 'sink', location: at }])
  })

  it('warns of a folder that is not there and goes on', async () => {
    await packageAt('acme', { version: '1', penstock: { plugins: [entry] } })
    const scan = await scanPluginPath([join(folder, 'missing'), folder])
    expect(scan.plugins).toHaveLength(1)
    expect(scan.warnings).toEqual([
      `plugin.path: folder ${join(folder, 'missing')} cannot be read (ENOENT) and is passed over`,
    ])
  })

  it('warns of Java archives by name', async () => {
    await mkdir(join(folder, 'debezium'))
    await writeFile(join(folder, 'debezium', 'debezium.jar'), '')
    const scan = await scanPluginPath([folder, join(folder, 'debezium')])
    expect(scan.warnings).toEqual(Array(2).fill(expect.stringMatching(/debezium holds Java archives/)))
  })

  it.each([
    ['is no JSON', '{', /cannot be read/],
    ['lists no plugins', {}, /lists no plugins/],
    ['has an entry of an unknown kind', { penstock: { plugins: [{ ...entry, kind: 'job' }] } }, /has an entry/],
    ['has an entry without module', { penstock: { plugins: [{ ...entry, module: undefined }] } }, /has an entry/],
  ])('warns of a package.json that %s', async (_title, manifest, warning) => {
    await packageAt('acme', manifest)
    const scan = await scanPluginPath([folder])
    expect(scan.plugins).toEqual([])
    expect(scan.warnings).toEqual([expect.stringMatching(warning)])
  })
})
