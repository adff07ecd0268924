import { roles, type RestUser, type Role } from '../../config/worker/rest/rest-users.ts'
import { matchesPattern } from './name-pattern.ts'

/** How a client has proved who it is. `none`: it has not, or did not need to. */
export type Proof = 'none' | 'token' | 'password' | 'user token'

interface CallerOptions {
  readonly user: string | null
  readonly proof: Proof
  readonly role: Role
  readonly connectors: readonly string[] | null
  readonly topics: readonly string[] | null
}

/** The sender of a request, and what it may do. */
export class Caller {
  /** Null: the worker's own token, or no one in particular. */
  readonly user: string | null
  readonly proof: Proof
  readonly role: Role
  readonly #connectors: readonly string[] | null
  readonly #topics: readonly string[] | null

  private constructor({ user, proof, role, connectors, topics }: CallerOptions) {
    this.user = user
    this.proof = proof
    this.role = role
    this.#connectors = connectors
    this.#topics = topics
  }

  /** A client of a worker that requires nothing, or one that has shown the token of `rest.token.file`. */
  static unlimited(proof: 'none' | 'token'): Caller {
    return new Caller({ user: null, proof, role: 'admin', connectors: null, topics: null })
  }

  /** A client that has shown nothing. Only what responds to everyone responds to it. */
  static stranger(): Caller {
    return new Caller({ user: null, proof: 'none', role: 'read', connectors: [], topics: [] })
  }

  static of({ name, role, connectors, topics }: RestUser, proof: 'password' | 'user token'): Caller {
    return new Caller({ user: name, proof, role, connectors, topics })
  }

  hasRole(needed: Role): boolean {
    return roles.indexOf(this.role) >= roles.indexOf(needed)
  }

  /** Whether some connectors are out of its reach, now or when they are created. */
  get isLimited(): boolean {
    return this.#connectors !== null
  }

  /** Whether it may read the records of a topic. Without a list of topics, that is for admins of all connectors. */
  readsTopic(topic: string): boolean {
    if (this.#topics === null) return this.role === 'admin' && !this.isLimited
    return this.#topics.some((pattern) => matchesPattern(topic, pattern))
  }

  reaches(connector: string): boolean {
    return this.#connectors?.some((pattern) => matchesPattern(connector, pattern)) ?? true
  }
}
