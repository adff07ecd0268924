import { ConnectError } from '../../api/errors.ts'

/** The config of a connector or task is larger than a record of the config topic may be. */
export class ConfigTooLargeError extends ConnectError {}
