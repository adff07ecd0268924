import { crc32c } from '../../protocol/record-batch/crc32c.ts'

/*
 * Small files of lines end in a line `checksum N`: CRC-32C of all that stands before it. A file without that line is one of an
 * older version, and is read as it stands.
 */
const checksumLine = /^checksum (\d+)\n$/

/** The file for a text, which must end in a line break. */
export function withChecksum(text: string): Buffer {
  return Buffer.from(`${text}checksum ${crc32c(Buffer.from(text, 'utf8'))}\n`, 'utf8')
}

/** A text that was read. */
export interface VerifiedText {
  readonly text: string
  /** Whether a checksum stood behind it. */
  readonly isChecked: boolean
}

/** The text of a file without its checksum; null when the checksum does not fit. */
export function verifiedText(bytes: Buffer): VerifiedText | null {
  const text = bytes.toString('utf8')
  const at = text.lastIndexOf('\n', text.length - 2) + 1
  const checksum = checksumLine.exec(text.slice(at))?.[1]
  if (checksum === undefined) return { text, isChecked: false }
  const content = text.slice(0, at)
  return Number(checksum) === crc32c(Buffer.from(content, 'utf8')) ? { text: content, isChecked: true } : null
}
