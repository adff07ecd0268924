import kafkajs from 'kafkajs'
import { compress, decompress } from '../../../src/protocol/record-batch/compression.ts'

const { CompressionCodecs, CompressionTypes } = kafkajs

/** kafkajs brings gzip only; the others come from the libraries that the product uses. */
export function registerKafkajsCodecs(): void {
  const codecOf = (codec: 'snappy' | 'lz4' | 'zstd') => () => ({
    compress: (encoder: { readonly buffer: Buffer }) => Promise.resolve(compress(codec, encoder.buffer)),
    decompress: (packed: Buffer) => Promise.resolve(decompress(codec, packed)),
  })
  CompressionCodecs[CompressionTypes.Snappy] = codecOf('snappy')
  CompressionCodecs[CompressionTypes.LZ4] = codecOf('lz4')
  CompressionCodecs[CompressionTypes.ZSTD] = codecOf('zstd')
}

/** kafkajs's number of a codec. */
export const kafkajsCompression = {
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const
