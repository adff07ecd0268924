import { createServer } from 'node:net'

import { ServerError } from '../server-error.ts'

/**
 * Returns free TCP ports on loopback: the preferred ones if possible, otherwise others. All ports are bound until the last one
 * is found, so that they differ. None is in the ephemeral range: while its server is stopped, no outgoing connection gets it.
 */
export async function freePorts(preferred: readonly (number | null)[]): Promise<number[]> {
  const held = []
  try {
    for (const wanted of preferred) held.push(await listenNear(wanted))
    return held.map(({ port }) => port)
  } finally {
    await Promise.all(held.map(({ close }) => close()))
  }
}

/** Returns one port as {@link freePorts} does. */
export async function freePort(preferred: number | null = null): Promise<number> {
  const [port] = await freePorts([preferred])
  if (port === undefined) throw new ServerError('no free port')
  return port
}

/** Returns a free TCP port on loopback within a range, for servers that take no others. */
export async function freePortWithin({ from, to }: { readonly from: number; readonly to: number }): Promise<number> {
  const first = Math.floor(Math.random() * (to - from + 1))
  for (let i = 0; i <= to - from; i++) {
    const held = await listen(from + ((first + i) % (to - from + 1))).catch(() => null)
    if (held === null) continue
    await held.close()
    return held.port
  }
  throw new ServerError(`no free port from ${from} to ${to}`)
}

const range = { from: 10_000, to: 30_000 }
const attempts = 100

async function listenNear(preferred: number | null): Promise<{ port: number; close: () => Promise<void> }> {
  let wanted = preferred ?? anyPort()
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listen(wanted)
    } catch (error) {
      if (attempt === attempts) throw new ServerError('no free port', { cause: error })
      wanted = anyPort()
    }
  }
}

const anyPort = (): number => range.from + Math.floor(Math.random() * (range.to - range.from))

async function listen(wanted: number): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(wanted, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new ServerError('a TCP server without a port')
  return { port: address.port, close: () => new Promise((resolve) => server.close(() => resolve())) }
}
