import { crc32c } from '../../protocol/record-batch/crc32c.ts'

/*
 * Small text files end in a line `checksum N`: the CRC-32C of everything before it. A file without that line was written by an
 * older version, and is not checked.
 */
const checksumLine = /^checksum (\d+)\n$/

/** Encodes a text, which must end in a line break. */
export function withChecksum(text: string): Buffer {
  return Buffer.from(`${text}checksum ${crc32c(Buffer.from(text, 'utf8'))}\n`, 'utf8')
}

/** A text that was read. */
export interface VerifiedText {
  readonly text: string
  /** Whether the file had a checksum. */
  readonly isChecked: boolean
}

/** Decodes a file. Returns null when the checksum is wrong. */
export function verifiedText(bytes: Buffer): VerifiedText | null {
  const text = bytes.toString('utf8')
  const at = text.lastIndexOf('\n', text.length - 2) + 1
  const checksum = checksumLine.exec(text.slice(at))?.[1]
  if (checksum === undefined) return { text, isChecked: false }
  const content = text.slice(0, at)
  return Number(checksum) === crc32c(Buffer.from(content, 'utf8')) ? { text: content, isChecked: true } : null
}
