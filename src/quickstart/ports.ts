import { freePorts } from '../servers/process/port.ts'
import type { Ports, QuickstartOptions } from './options.ts'
import { QuickstartError } from './quickstart-error.ts'

/**
 * Returns a free port for each server: the preferred one, or another if it is in use.
 * @throws QuickstartError if a port that an option sets is in use.
 */
export async function choosePorts({ ports, fixedPorts }: QuickstartOptions): Promise<Ports> {
  const names = Object.keys(ports) as (keyof Ports)[]
  const free = await freePorts(names.map((name) => ports[name]))
  const chosen = Object.fromEntries(names.map((name, index) => [name, free[index]])) as unknown as Ports
  const taken = fixedPorts.find((name) => chosen[name] !== ports[name])
  if (taken !== undefined)
    throw new QuickstartError(
      `port ${ports[taken]} of --${taken}-port is in use. Choose another one, or omit the option`,
    )
  return chosen
}
