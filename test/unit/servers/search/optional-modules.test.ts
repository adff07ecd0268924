import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'

import { afterAll, expect, it } from 'vitest'

import { makeModulesOptional } from '../../../../src/servers/search/optional-modules.ts'

const directory = mkdtempSync(join(tmpdir(), 'penstock-jar-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const u2 = (...values: number[]): Buffer => Buffer.from(values.flatMap((value) => [value >> 8, value & 255]))
const utf8 = (text: string): Buffer => Buffer.concat([Buffer.from([1]), u2(text.length), Buffer.from(text)])

/** A class file of a module that requires these, without flags. */
function moduleInfo(required: readonly string[]): Buffer {
  const constants = [utf8('Module'), ...required.flatMap((name, i) => [utf8(name), Buffer.from([19, 0, 2 + 2 * i])])]
  const body = [u2(0, 0, 0, 0, 0, required.length), ...required.map((_name, i) => u2(3 + 2 * i, 0, 0)), u2(0, 0, 0, 0)]
  const attribute = Buffer.concat(body.slice(1))
  return Buffer.concat([
    Buffer.from([0xca, 0xfe, 0xba, 0xbe]),
    u2(0, 61, constants.length + 1),
    ...constants,
    u2(0x8000, 0, 0, 0, 0, 0, 1, 1),
    u2(0, attribute.length + 8, 0, 0, 0, required.length),
    attribute,
  ])
}

interface Entry {
  readonly name: string
  readonly content: Buffer
}

function zipOf(entries: readonly Entry[]): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const { name, content } of entries) {
    const packed = deflateRawSync(content)
    const head = Buffer.alloc(30)
    head.writeUInt32LE(0x04034b50)
    head.writeUInt16LE(8, 8)
    head.writeUInt16LE(name.length, 26)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50)
    entry.writeUInt16LE(8, 10)
    entry.writeUInt32LE(crc32(content), 16)
    entry.writeUInt32LE(packed.length, 20)
    entry.writeUInt32LE(content.length, 24)
    entry.writeUInt16LE(name.length, 28)
    entry.writeUInt32LE(offset, 42)
    const local = Buffer.concat([head, Buffer.from(name), packed])
    locals.push(local)
    central.push(entry, Buffer.from(name))
    offset += local.length
  }
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, ...central, end])
}

/** Reads an entry by the central directory, as Java does. */
function read(zip: Buffer, name: string): Buffer {
  for (
    let at = zip.readUInt32LE(zip.length - 6);
    zip.readUInt32LE(at) === 0x02014b50;
    at += 46 + zip.readUInt16LE(at + 28)
  ) {
    if (zip.toString('latin1', at + 46, at + 46 + zip.readUInt16LE(at + 28)) !== name) continue
    const start = zip.readUInt32LE(at + 42) + 30 + name.length
    const packed = zip.subarray(start, start + zip.readUInt32LE(at + 20))
    const content = zip.readUInt16LE(at + 10) === 0 ? packed : inflateRawSync(packed)
    expect(crc32(content)).toBe(zip.readUInt32LE(at + 16))
    return content
  }
  return expect.fail(name)
}

it('marks the named modules as optional and leaves all else of the jar', () => {
  const jar = join(directory, 'a.jar')
  const info = moduleInfo(['java.base', 'jdk.jdi', 'jdk.jlink'])
  const other = { name: 'a/B.class', content: Buffer.from('other') }
  writeFileSync(jar, zipOf([other, { name: 'module-info.class', content: info }, { ...other, name: 'a/C.class' }]))
  makeModulesOptional(jar, new Set(['jdk.jdi', 'jdk.jlink']))
  const zip = readFileSync(jar)
  const expected = Buffer.from(info)
  // Each of the three entries of `requires` is a name, flags and a version; the text ends with four empty tables.
  for (const fromEnd of [8 + 12, 8 + 6]) expected.writeUInt16BE(0x40, expected.length - fromEnd + 2)
  expect(read(zip, 'module-info.class').toString('hex')).toBe(expected.toString('hex'))
  for (const name of ['a/B.class', 'a/C.class']) expect(read(zip, name).toString()).toBe('other')
})

it('refuses what is no zip file, and a jar that is no module', () => {
  const jar = join(directory, 'b.jar')
  writeFileSync(jar, 'text that is long enough for an end')
  expect(() => makeModulesOptional(jar, new Set())).toThrow(/is no zip file/)
  writeFileSync(jar, zipOf([]))
  expect(() => makeModulesOptional(jar, new Set())).toThrow(/is not a module/)
})
