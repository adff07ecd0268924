import type { SchemaRegistry } from './schema-registry.ts'

/** A registry that is opened when it is first used: most workers never read its topic. */
export class RegistryHandle {
  readonly #open: () => Promise<SchemaRegistry>
  #opening: Promise<SchemaRegistry> | null = null

  /** @param open opens it; called again after it has failed */
  constructor(open: () => Promise<SchemaRegistry>) {
    this.#open = open
  }

  /** @throws what prevents the opening */
  async get(): Promise<SchemaRegistry> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = null
      throw error
    })
    return await this.#opening
  }

  /** Closes the registry, because it has failed. The next use opens it again. */
  reset(): void {
    const failed = this.#opening
    this.#opening = null
    void failed?.then(
      async (registry) => await registry.close(),
      () => undefined,
    )
  }

  async close(): Promise<void> {
    const opened = await this.#opening?.catch(() => null)
    await opened?.close()
  }
}
