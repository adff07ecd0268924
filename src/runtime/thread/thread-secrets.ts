import { ConfigProviders, type ReferenceResolver } from '../../config/providers/config-providers.ts'
import type { WorkerProviders } from '../../config/providers/provider-settings.ts'
import { Redaction } from '../../config/providers/redaction.ts'
import type { ResolvedReferences } from '../../config/providers/resolved-references.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Outlet } from './thread-link.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'

/** The secrets that a thread has resolved: what leaves the thread is redacted by them (I8). */
export class ThreadSecrets implements ReferenceResolver {
  readonly redaction: Redaction
  readonly #providers: ConfigProviders

  constructor({ settings, secrets }: WorkerProviders, plugins: PluginRegistry, clock: Clock) {
    this.redaction = new Redaction(secrets)
    this.#providers = new ConfigProviders({ settings, plugins, clock })
  }

  async resolve(
    configs: readonly Readonly<Record<string, string | null>>[],
    signal?: AbortSignal,
  ): Promise<ResolvedReferences> {
    const references = await this.#providers.resolve(configs, signal)
    this.redaction.learn(references)
    return references
  }

  /** What leaves the thread: messages as `redacted` returns them, and errors without secrets. */
  outlet<Out>(redacted: (message: Out, redaction: Redaction) => Out): Outlet<Out> {
    const { redaction } = this
    return {
      message: (message) => (redaction.isEmpty ? message : redacted(message, redaction)),
      error: (error) => ({ ...redaction.value(error), kind: error.kind, stage: error.stage }),
    }
  }

  /** Also redacts what the thread prints, and the error that ends it: they do not pass through its link. */
  guardProcess(): void {
    guardOutput(process.stdout, this.redaction)
    guardOutput(process.stderr, this.redaction)
    process.on('uncaughtException', (error) => {
      throw this.redaction.error(error)
    })
  }
}

function guardOutput(stream: NodeJS.WriteStream, redaction: Redaction): void {
  const write = stream.write.bind(stream)
  stream.write = (chunk: string | Uint8Array, ...rest: [never]) => {
    if (redaction.isEmpty) return write(chunk, ...rest)
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
    const redacted = redaction.text(text)
    return write(redacted === text ? chunk : redacted, ...rest)
  }
}
