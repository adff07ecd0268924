import { readFileSync, writeFileSync } from 'node:fs'
import { crc32, inflateRawSync } from 'node:zlib'

import { ServerError } from '../server-error.ts'

const endSignature = 0x06054b50
const centralSignature = 0x02014b50
const localHeaderBytes = 30
const centralHeaderBytes = 46
const endBytes = 22
/** `ACC_STATIC_PHASE` of the Java class file format: the module may be absent at run time. */
const optionalFlag = 0x40

/**
 * Makes modules that the module of a jar requires optional. Elasticsearch 9 requires two modules of a whole JDK, which a smaller
 * runtime does not have, and does not use them while it runs.
 */
export function makeModulesOptional(jar: string, modules: ReadonlySet<string>): void {
  const bytes = readFileSync(jar)
  const end = bytes.length - endBytes
  if (end < 0 || bytes.readUInt32LE(end) !== endSignature)
    throw new ServerError(`${jar} is no zip file, or has a comment`)
  const directory = bytes.readUInt32LE(end + 16)
  const central = Buffer.from(bytes.subarray(directory, end))
  const entry = entryOf(central, 'module-info.class')
  if (entry === null) throw new ServerError(`${jar} is not a module`)
  const data = requireOptionally(contentOf(bytes, central, entry), modules)
  const name = Buffer.from('module-info.class')
  const local = Buffer.alloc(localHeaderBytes)
  local.writeUInt32LE(0x04034b50)
  local.writeUInt16LE(20, 4)
  local.writeUInt32LE(crc32(data), 14)
  local.writeUInt32LE(data.length, 18)
  local.writeUInt32LE(data.length, 22)
  local.writeUInt16LE(name.length, 26)
  // The entry is stored again behind the others, uncompressed; the directory names its new place.
  central.writeUInt16LE(0, entry + 8)
  central.writeUInt16LE(0, entry + 10)
  central.writeUInt32LE(crc32(data), entry + 16)
  central.writeUInt32LE(data.length, entry + 20)
  central.writeUInt32LE(data.length, entry + 24)
  central.writeUInt32LE(directory, entry + 42)
  const tail = Buffer.from(bytes.subarray(end))
  tail.writeUInt32LE(directory + local.length + name.length + data.length, 16)
  writeFileSync(jar, Buffer.concat([bytes.subarray(0, directory), local, name, data, central, tail]))
}

/** The place of an entry in the central directory; null without one of the name. */
function entryOf(central: Buffer, name: string): number | null {
  for (let at = 0; at < central.length && central.readUInt32LE(at) === centralSignature;) {
    const nameLength = central.readUInt16LE(at + 28)
    if (central.toString('latin1', at + centralHeaderBytes, at + centralHeaderBytes + nameLength) === name) return at
    at += centralHeaderBytes + nameLength + central.readUInt16LE(at + 30) + central.readUInt16LE(at + 32)
  }
  return null
}

function contentOf(bytes: Buffer, central: Buffer, entry: number): Buffer {
  const local = central.readUInt32LE(entry + 42)
  const start = local + localHeaderBytes + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28)
  const packed = bytes.subarray(start, start + central.readUInt32LE(entry + 20))
  return central.readUInt16LE(entry + 10) === 0 ? Buffer.from(packed) : inflateRawSync(packed)
}

/** The constants of a class file that are names, by index, and where they end. */
interface Constants {
  readonly texts: ReadonlyMap<number, string>
  /** The index of the name of a module. */
  readonly names: ReadonlyMap<number, number>
  readonly end: number
}

/** Chapter 4.4 of the Java Virtual Machine Specification. */
function constantsOf(bytes: Buffer): Constants {
  const texts = new Map<number, string>()
  const names = new Map<number, number>()
  let at = 10
  for (let i = 1; i < bytes.readUInt16BE(8); i++) {
    const tag = bytes[at] ?? 0
    if (tag === 1) {
      const length = bytes.readUInt16BE(at + 1)
      texts.set(i, bytes.toString('utf8', at + 3, at + 3 + length))
      at += 3 + length
    } else if (tag === 5 || tag === 6) {
      at += 9
      i += 1
    } else if ([7, 8, 16, 19, 20].includes(tag)) {
      names.set(i, bytes.readUInt16BE(at + 1))
      at += 3
    } else at += tag === 15 ? 4 : 5
  }
  return { texts, names, end: at }
}

/** Chapters 4.1 and 4.7.25: a module has no interfaces, fields or methods. */
function requireOptionally(moduleInfo: Buffer, modules: ReadonlySet<string>): Buffer {
  const { texts, names, end } = constantsOf(moduleInfo)
  let at = end + 14
  for (let left = moduleInfo.readUInt16BE(end + 12); left > 0; left--) {
    const length = moduleInfo.readUInt32BE(at + 2)
    if (texts.get(moduleInfo.readUInt16BE(at)) === 'Module') {
      const count = moduleInfo.readUInt16BE(at + 12)
      for (let required = at + 14; required < at + 14 + 6 * count; required += 6) {
        const name = texts.get(names.get(moduleInfo.readUInt16BE(required)) ?? 0)
        if (name !== undefined && modules.has(name))
          moduleInfo.writeUInt16BE(moduleInfo.readUInt16BE(required + 2) | optionalFlag, required + 2)
      }
    }
    at += 6 + length
  }
  return moduleInfo
}
