import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apis } from '../support/protocol/apis.ts'
import { ByteReader } from '../../src/protocol/bytes/byte-reader.ts'
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, isFlexible } from '../../src/protocol/codec.ts'
import { ProtocolError } from '../../src/protocol/protocol-error.ts'
import type { Api } from '../../src/protocol/schema.ts'
import { structValues } from '../support/elasticsearch/schema-values.ts'

const runs = { numRuns: 25 }

function versionsOf(api: Api): number[] {
  const [first, last] = api.versions
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

/** Decodes what may be anything: either it works, or it fails by name. */
function decodesOrRefuses(decode: () => unknown): void {
  try {
    decode()
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError)
  }
}

for (const api of Object.values(apis) as Api[]) {
  describe(`${api.name}, version by version`, () => {
    for (const version of versionsOf(api)) {
      const flexible = isFlexible(api, version)

      it(`v${version}: a request comes back as it was`, () => {
        fc.assert(
          fc.property(structValues(api.request, version, flexible), (value) => {
            const reader = new ByteReader(encodeRequest(api, version, value))
            expect(decodeRequest(api, version, reader)).toEqual(value)
            expect(reader.remaining).toBe(0)
          }),
          runs,
        )
      })

      it(`v${version}: a response comes back as it was`, () => {
        fc.assert(
          fc.property(structValues(api.response, version, flexible), (value) => {
            const reader = new ByteReader(encodeResponse(api, version, value))
            expect(decodeResponse(api, version, reader)).toEqual(value)
            expect(reader.remaining).toBe(0)
          }),
          runs,
        )
      })

      it(`v${version}: damaged bytes are refused by name`, () => {
        fc.assert(
          fc.property(structValues(api.request, version, flexible), fc.nat(), fc.nat(255), (value, place, byte) => {
            const bytes = encodeRequest(api, version, value)
            decodesOrRefuses(() =>
              decodeRequest(api, version, new ByteReader(bytes.subarray(0, place % (bytes.length + 1)))),
            )
            if (bytes.length > 0) bytes[place % bytes.length] = byte
            decodesOrRefuses(() => decodeRequest(api, version, new ByteReader(bytes)))
          }),
          runs,
        )
      })
    }
  })
}

describe('random bytes', () => {
  it('are decoded or refused by name, whatever API they claim to be', () => {
    const all = Object.values(apis) as Api[]
    fc.assert(
      fc.property(fc.constantFrom(...all), fc.nat(20), fc.uint8Array({ maxLength: 200 }), (api, version, bytes) => {
        decodesOrRefuses(() => decodeRequest(api, version, new ByteReader(Buffer.from(bytes))))
        decodesOrRefuses(() => decodeResponse(api, version, new ByteReader(Buffer.from(bytes))))
      }),
      { numRuns: 3000 },
    )
  })
})
