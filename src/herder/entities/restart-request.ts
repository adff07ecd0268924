/** Which parts of a connector to restart. Neither flag: the connector instance alone, whatever its state. */
export interface RestartRequest {
  readonly connector: string
  readonly onlyFailed: boolean
  readonly includeTasks: boolean
}
