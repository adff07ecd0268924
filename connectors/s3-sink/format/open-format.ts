import type { AvroFormatSettings } from './avro/avro-format.ts'
import { byteArrayFormat, type ByteArraySettings } from './byte-array-format.ts'
import { jsonFormat } from './json-format.ts'
import type { ObjectFormat } from './object-format.ts'
import type { PageCodecName } from './parquet/file/page-codec.ts'

/** Which format objects have, and how it is written. */
export type FormatSettings =
  | { readonly kind: 'json'; readonly decimalFormat: 'BASE64' | 'NUMERIC' }
  | ({ readonly kind: 'avro' } & AvroFormatSettings)
  | { readonly kind: 'parquet'; readonly codec: PageCodecName; readonly rowGroupBytes: number }
  | ({ readonly kind: 'bytes' } & ByteArraySettings)

/** Returns the format, and loads what it needs. */
export async function openFormat(settings: FormatSettings): Promise<ObjectFormat> {
  switch (settings.kind) {
    case 'json':
      return jsonFormat(settings.decimalFormat)
    case 'bytes':
      return byteArrayFormat(settings)
    case 'avro': {
      const { avroFormat } = await import('./avro/avro-format.ts')
      return await avroFormat(settings)
    }
    case 'parquet': {
      const [{ ParquetFormat }, { openPageCodec }] = await Promise.all([
        import('./parquet/parquet-format.ts'),
        import('./parquet/file/page-codec.ts'),
      ])
      return new ParquetFormat({ codec: await openPageCodec(settings.codec), rowGroupBytes: settings.rowGroupBytes })
    }
  }
}
