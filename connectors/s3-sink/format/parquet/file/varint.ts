import type { ByteSink } from 'penstock/api'

/** Writes an unsigned integer of up to 53 bits. */
export function writeVarint(sink: ByteSink, value: number): void {
  let rest = value
  while (rest >= 0x80) {
    sink.byte((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  sink.byte(rest)
}
