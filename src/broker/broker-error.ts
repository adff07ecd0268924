/** An error that stops the embedded broker. Mistakes of clients are error codes in responses instead. */
export class BrokerError extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
  }
}

/** Another process holds the data directory. */
export class DataDirectoryLockedError extends BrokerError {
  readonly directory: string
  readonly holderPid: number

  constructor(directory: string, holder: { readonly pid: number; readonly hostname: string }) {
    super(
      `${directory} is in use by process ${holder.pid} on ${holder.hostname}. Only one broker can use a data directory: ` +
        'connect to that one (set bootstrap.servers to its address), or run the broker alone with ' +
        '`penstock broker --listen HOST:PORT --data DIR` and point every worker at it. If that process was killed in ' +
        'another container or on another host, try again in 30 s, when its lock has expired.',
    )
    this.directory = directory
    this.holderPid = holder.pid
  }
}

/** Another process took over the data directory while this one did not renew its lock. Nothing more may be written. */
export class DataDirectoryTakenError extends BrokerError {
  constructor(directory: string, holder: { readonly pid: number; readonly hostname: string }) {
    super(
      `${directory} was taken over by process ${holder.pid} on ${holder.hostname} while this process did not run (it was frozen, ` +
        'or its machine was suspended). This broker writes nothing more and ends. Connect to the other broker, or stop it ' +
        'and start this one again.',
    )
  }
}

/** A file of the broker is damaged or does not belong where it is. */
export class CorruptMetadataError extends BrokerError {}

/** The listener cannot be opened. */
export class ListenError extends BrokerError {}
