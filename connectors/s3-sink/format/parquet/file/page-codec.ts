import { gzipSync, zstdCompressSync } from 'node:zlib'

/** Compresses the pages of an object. */
export interface PageCodec {
  /** Its number in the footer. */
  readonly code: number
  /** In the name of an object, before `.parquet`. */
  readonly suffix: string
  /** Returns bytes that are valid until the next call. */
  compress(bytes: Buffer): Buffer
}

/** The codecs that this sink writes, as `parquet.codec` names them. */
export type PageCodecName = 'none' | 'snappy' | 'gzip' | 'zstd'

/** Returns a codec, and loads what it needs: a native module costs memory in every thread. */
export async function openPageCodec(name: PageCodecName): Promise<PageCodec> {
  switch (name) {
    case 'none':
      return { code: 0, suffix: '', compress: (bytes) => bytes }
    case 'gzip':
      return { code: 2, suffix: '.gz', compress: (bytes) => gzipSync(bytes) }
    case 'zstd':
      return { code: 6, suffix: '.zstd', compress: (bytes) => zstdCompressSync(bytes) }
    case 'snappy': {
      const { compressSync } = await import('snappy')
      return { code: 1, suffix: '.snappy', compress: (bytes) => compressSync(bytes, { copyOutputData: true }) }
    }
  }
}
