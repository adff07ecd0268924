import { freePorts } from '../servers/process/port.ts'
import type { Ports, QuickstartOptions } from './options.ts'
import { QuickstartError } from './quickstart-error.ts'

/**
 * A free port for each: the preferred one, or another when that is in use.
 * @throws QuickstartError when one that an option names is in use.
 */
export async function choosePorts({ ports, fixedPorts }: QuickstartOptions): Promise<Ports> {
  const names = Object.keys(ports) as (keyof Ports)[]
  const free = await freePorts(names.map((name) => ports[name]))
  const chosen = Object.fromEntries(names.map((name, index) => [name, free[index]])) as unknown as Ports
  const taken = fixedPorts.find((name) => chosen[name] !== ports[name])
  if (taken !== undefined)
    throw new QuickstartError(`port ${ports[taken]} of --${taken}-port is in use: name another one, or leave it out`)
  return chosen
}
