import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { CommandError } from '../command/command-error.ts'
import { connectorsOf, type ConnectorDocument } from '../configs/config-files.ts'
import { authorizationOf } from '../contexts/credentials.ts'
import { chosenServer } from '../contexts/server-choice.ts'
import { ConnectApi } from '../rest-client/connect-api.ts'
import type { ConfigKey } from '../rest-client/entities.ts'
import { NotFoundCommandError } from '../rest-client/request-error.ts'
import { RestClient } from '../rest-client/rest-client.ts'
import type { Session } from '../command/session.ts'

/** Where connectors are imported from. */
export interface ImportSource {
  readonly connectors: readonly ConnectorDocument[]
  /** The options of a plugin there; null when there is no server to ask, or it does not have the plugin. */
  readonly keysOf: (plugin: string) => Promise<readonly ConfigKey[] | null>
}

const configFile = /\.(?:json|ya?ml|properties)$/i

/** Opens a URL, `context:NAME`, a directory of config files, or one file. @throws CommandError */
export async function openSource(place: string, session: Session): Promise<ImportSource> {
  const { env, stdin } = session.surroundings
  if (/^https?:/.test(place) || place.startsWith('context:')) {
    const wish = place.startsWith('context:')
      ? { url: null, context: place.slice('context:'.length) }
      : { url: place, context: null }
    const server = chosenServer(wish, env)
    return await ofServer(new ConnectApi(new RestClient(server.url, authorizationOf(server, env), session.clock)))
  }
  return { connectors: await connectorsOf(filesOf(place), stdin), keysOf: async () => null }
}

async function ofServer(api: ConnectApi): Promise<ImportSource> {
  const all = await api.connectors()
  const connectors = all.flatMap(({ name, info, status }) => {
    const state = status?.connector.state ?? null
    const initialState = state === 'PAUSED' || state === 'STOPPED' ? state : null
    return info === null ? [] : [{ name, config: info.config, initialState, place: api.rest.url }]
  })
  const keysOf = async (plugin: string): Promise<readonly ConfigKey[] | null> => {
    try {
      return await api.pluginConfig(plugin)
    } catch (error) {
      if (error instanceof NotFoundCommandError) return null
      throw error
    }
  }
  return { connectors, keysOf }
}

function filesOf(place: string): readonly string[] {
  const found = statSync(place, { throwIfNoEntry: false })
  if (found === undefined) throw new CommandError(`${place} is neither a URL nor a file or directory.`)
  if (!found.isDirectory()) return [place]
  const files = readdirSync(place).filter((name) => configFile.test(name))
  if (files.length === 0) throw new CommandError(`${place} has no file that ends in .json, .yaml, .yml or .properties.`)
  return files.toSorted((a, b) => (a < b ? -1 : 1)).map((name) => join(place, name))
}
