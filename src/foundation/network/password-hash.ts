import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** The cost of a hash: scrypt uses 2^log2N × r × 128 bytes of memory, p times. */
interface Cost {
  readonly log2N: number
  readonly r: number
  readonly p: number
}

/** OWASP's recommendation for 16 MiB of memory. */
const recommended: Cost = { log2N: 14, r: 8, p: 5 }
/** Hashes with other costs are refused: cheaper ones protect less, dearer ones would use up memory or time (I10). */
const accepted = { log2N: { least: 14, most: 16 }, r: 8, p: { least: 1, most: 16 } }
const saltBytes = 16
const hashBytes = 32
const maxHashBytes = 64

/** The form of a hash, for messages. */
export const passwordHashForm = '$scrypt$ln=14,r=8,p=5$<salt>$<hash>'

/**
 * The scrypt hash of a password, in the PHC string format: `$scrypt$ln=14,r=8,p=5$<salt>$<hash>`, salt and hash in Base64
 * without padding.
 */
export class PasswordHash {
  readonly #cost: Cost
  readonly #salt: Buffer
  readonly #hash: Buffer

  private constructor(cost: Cost, salt: Buffer, hash: Buffer) {
    this.#cost = cost
    this.#salt = salt
    this.#hash = hash
  }

  /** Returns null when the text has another form, or a cost that is not accepted. */
  static parse(text: string): PasswordHash | null {
    const [, ln, r, p, saltText = '', hashText = ''] =
      /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(text) ?? []
    const cost = { log2N: Number(ln), r: Number(r), p: Number(p) }
    const [salt, hash] = [Buffer.from(saltText, 'base64'), Buffer.from(hashText, 'base64')]
    const isLong = salt.length >= saltBytes && hash.length >= hashBytes
    const isBounded = salt.length <= maxHashBytes && hash.length <= maxHashBytes
    return isAccepted(cost) && isLong && isBounded ? new PasswordHash(cost, salt, hash) : null
  }

  /** Returns the hash of a password, with a random salt. */
  static async of(password: string): Promise<PasswordHash> {
    const salt = randomBytes(saltBytes)
    return new PasswordHash(recommended, salt, await derived(password, recommended, { salt, length: hashBytes }))
  }

  /** Returns a hash that no password has. To verify against it takes as long as against any other one. */
  static ofNoPassword(): PasswordHash {
    return new PasswordHash(recommended, randomBytes(saltBytes), randomBytes(hashBytes))
  }

  /** Computes the hash in a thread of libuv: about 0.2 s. */
  async verify(password: string): Promise<boolean> {
    const hash = await derived(password, this.#cost, { salt: this.#salt, length: this.#hash.length })
    return timingSafeEqual(hash, this.#hash)
  }

  toString(): string {
    const { log2N, r, p } = this.#cost
    return `$scrypt$ln=${log2N},r=${r},p=${p}$${base64(this.#salt)}$${base64(this.#hash)}`
  }
}

function isAccepted({ log2N, r, p }: Cost): boolean {
  const isBetween = (value: number, { least, most }: { readonly least: number; readonly most: number }): boolean =>
    value >= least && value <= most
  return isBetween(log2N, accepted.log2N) && r === accepted.r && isBetween(p, accepted.p)
}

function derived(
  password: string,
  { log2N, r, p }: Cost,
  { salt, length }: { readonly salt: Buffer; readonly length: number },
): Promise<Buffer> {
  const options = { N: 2 ** log2N, r, p, maxmem: 2 ** log2N * r * 128 + 2 ** 20 }
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, hash) => (error === null ? resolve(hash) : reject(error)))
  })
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
