import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'

/** Settings of the agents of Node. */
type AgentSettings = ConstructorParameters<typeof Agent>[0]

/** Returns agents that send requests through a proxy: to https in a tunnel (CONNECT), to http as a request to the proxy. */
export function proxyAgents(proxyUrl: string, settings: AgentSettings) {
  const proxyEnv = { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl }
  return {
    httpAgent: new Agent({ ...settings, proxyEnv }),
    httpsAgent: new SecureAgent({ ...settings, proxyEnv }),
  }
}

/** Whether the agents of this version of Node know proxies. Others would connect directly. @param version such as 24.5.0. */
export function knowsProxies(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 5)
}
