import { array, defineApi, int16, string } from '../schema.ts'

/** Agrees on a SASL mechanism. */
export const saslHandshake = defineApi({
  key: 17,
  name: 'SaslHandshake',
  versions: [0, 1],
  flexibleFrom: null,
  request: { mechanism: string() },
  response: { errorCode: int16(), mechanisms: array(string()) },
})
