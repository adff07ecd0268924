/** What stops the embedded broker or one of its connections: never a client's mistake, which is an error code in an answer. */
export class BrokerError extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
  }
}

/** Another process owns the data folder. */
export class DataDirectoryLockedError extends BrokerError {
  readonly directory: string
  readonly holderPid: number

  constructor(directory: string, holder: { readonly pid: number; readonly hostname: string }) {
    super(
      `${directory} is in use by process ${holder.pid} on ${holder.hostname}. One broker owns a data folder: ` +
        'connect to that one (set bootstrap.servers to its address), or run the log alone with ' +
        '`penstock broker --listen HOST:PORT --data DIR` and point every worker at it. If that process was killed in ' +
        'another container or on another host, start again in 30 s: its lock lapses then.',
    )
    this.directory = directory
    this.holderPid = holder.pid
  }
}

/** Another process took the data folder over, while this one did not renew its lock. Nothing more may be written. */
export class DataDirectoryTakenError extends BrokerError {
  constructor(directory: string, holder: { readonly pid: number; readonly hostname: string }) {
    super(
      `${directory} was taken over by process ${holder.pid} on ${holder.hostname} while this process did not run (it was frozen, ` +
        'or its machine was suspended). This broker writes nothing more and ends. Connect to the other broker, or stop it ' +
        'and start this one again.',
    )
  }
}

/** A file of the broker does not read as what it should be. */
export class CorruptMetadataError extends BrokerError {}

/** The listener cannot be opened. */
export class ListenError extends BrokerError {}
