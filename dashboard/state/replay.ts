import { call, connectorPath } from './api.ts'

interface Status {
  readonly connector: { readonly state: string }
  readonly tasks: readonly unknown[]
}

/** How long tasks may take to end. */
const maxTries = 60
const pauseMs = 500

/** Stops a sink, has the dead letters of a cause delivered again, and resumes it whatever the outcome. */
export async function replay(name: string, cause: string): Promise<void> {
  await call('PUT', connectorPath(name, '/stop'))
  try {
    await stopped(name)
    await call('POST', connectorPath(name, '/errors/replay'), { body: { cause } })
  } finally {
    await call('PUT', connectorPath(name, '/resume'))
  }
}

async function stopped(name: string): Promise<void> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const { connector, tasks } = await call<Status>('GET', connectorPath(name, '/status'))
    if (connector.state === 'STOPPED' && tasks.length === 0) return
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}
