import { ConnectError } from '../api/errors.ts'

/** An error of the registry's API, with the status and the code that clients of Confluent's Schema Registry know. */
export class RegistryError extends ConnectError {
  readonly status: number
  readonly errorCode: number

  constructor(errorCode: number, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.errorCode = errorCode
    this.status = errorCode < 1000 ? errorCode : Math.trunc(errorCode / 100)
  }
}

/** The errors, by what they say. Codes and wording are those of Confluent's `Errors`. */
export const registryErrors = {
  subjectNotFound: (subject: string) => new RegistryError(40401, `Subject '${subject}' not found.`),
  versionNotFound: (version: number) => new RegistryError(40402, `Version ${version} not found.`),
  schemaNotFound: (what?: number | string) =>
    new RegistryError(40403, what === undefined ? 'Schema not found' : `Schema ${what} not found`),
  subjectSoftDeleted: (subject: string) =>
    new RegistryError(40404, `Subject '${subject}' was soft deleted.Set permanent=true to delete permanently`),
  subjectNotSoftDeleted: (subject: string) =>
    new RegistryError(40405, `Subject '${subject}' was not deleted first before being permanently deleted`),
  versionSoftDeleted: (subject: string, version: number) =>
    new RegistryError(
      40406,
      `Subject '${subject}' Version ${version} was soft deleted.Set permanent=true to delete permanently`,
    ),
  versionNotSoftDeleted: (subject: string, version: number) =>
    new RegistryError(
      40407,
      `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted`,
    ),
  levelNotConfigured: (subject: string) =>
    new RegistryError(40408, `Subject '${subject}' does not have subject-level compatibility configured`),
  modeNotConfigured: (subject: string) =>
    new RegistryError(40409, `Subject '${subject}' does not have subject-level mode configured`),
  incompatible: (subject: string, reasons: readonly string[]) =>
    new RegistryError(
      40901,
      `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: [${reasons.join(', ')}]`,
    ),
  invalidSchema: (message: string) => new RegistryError(42201, message),
  invalidVersion: (version: string) =>
    new RegistryError(
      42202,
      `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
    ),
  invalidLevel: () =>
    new RegistryError(
      42203,
      'Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive',
    ),
  invalidMode: (message?: string) =>
    new RegistryError(
      42204,
      message ?? 'Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE and IMPORT.',
    ),
  notPermitted: (message: string) => new RegistryError(42205, message),
  referenceExists: (subject: string, version: number) =>
    new RegistryError(
      42206,
      `One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=${subject},version=${version}}.`,
    ),
  invalidSubject: (subject: string) => new RegistryError(42208, `The specified subject '${subject}' is not a valid.`),
  tooLarge: (bytes: number, most: number) =>
    new RegistryError(
      42209,
      `Register operation failed because schema is too large: its record has ${bytes} bytes, max.message.bytes of the topic allows ${most}`,
    ),
  unsupportedRules: () =>
    new RegistryError(42210, 'Rule sets are not supported by this registry: register the schema without "ruleSet"'),
  contextNotEmpty: (context: string) => new RegistryError(42211, `The specified context '${context}' is not empty.`),
  /** Of a request that is not what the operation expects, or asks for something that this registry does not do. */
  unprocessable: (message: string) => new RegistryError(422, message),
  store: (message: string, cause: unknown) => new RegistryError(50001, message, { cause }),
}
