/**
 * Where the replay of Kafka Connect's recorded REST exchanges is not held to every byte, and why.
 * - `status`: status and headers are equal, the body differs in words
 * - `shipped`: status and headers are equal, and of the plugins in the body those that both have
 * - `own`: our status and a pattern of our body stand here instead
 * - `skip`: not sent; sending it would tell nothing
 */
export interface LedgerEntry {
  /** Indexes of the exchanges in `rest-3.9.1/rest.jsonl`. */
  readonly exchanges: readonly number[]
  readonly compare: 'status' | 'shipped' | 'skip' | { readonly status: number; readonly body: RegExp }
  readonly reason: string
}

const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

export const ledger: readonly LedgerEntry[] = [
  {
    exchanges: [0],
    compare: { status: 200, body: /^\{"version":"3\.9\.1","commit":"[^"]+","kafka_cluster_id":"[^"]{22}"\}$/ },
    reason: 'commit and cluster id are those of the worker',
  },
  {
    exchanges: [4, 5, 6],
    compare: 'shipped',
    reason: 'other plugins are installed, and connectors of our own have versions of their own',
  },
  {
    exchanges: [9],
    compare: { status: 200, body: /^\[.*"name":"schemas\.cache\.size".*"name":"schema\.content","type":"STRING".*\]$/ },
    reason: 'JsonConverter has schema.content of Kafka Connect 4.2 too',
  },
  { exchanges: [12], compare: 'skip', reason: 'the table of the plugin is its own' },
  {
    exchanges: [177, 183, 185, 186],
    compare: 'status',
    reason: 'the loggers have other names',
  },
  {
    exchanges: [178, 187],
    compare: 'skip',
    reason: 'the levels hold the time at which they were set, and the loggers have other names',
  },
  {
    exchanges: [155],
    compare: { status: 500, body: /"Failed to modify offsets for sink connector snk: offset -5 of t-src-0 is negative"/ },
    reason: 'the original does not say why',
  },
  {
    exchanges: [121],
    compare: { status: 500, body: /"The config is not a JSON object"/ },
    reason: 'the original names the Java class that Jackson could not make',
  },
  {
    exchanges: [142],
    compare: { status: 500, body: /"The request body is not valid JSON: line 1, column 2"/ },
    reason: "the place instead of Jackson's words, which quote the body",
  },
  {
    exchanges: [47, 174],
    compare: { status: 500, body: /"The request body is not valid JSON: line 1, column 2"/ },
    reason: "the place instead of Jackson's words, which quote the body",
  },
  {
    exchanges: [48, 49],
    compare: { status: 500, body: /"The request has no body with \\"name\\" and \\"config\\""/ },
    reason: "the original's is that of Java's null pointer",
  },
  {
    exchanges: [50, 51],
    compare: { status: 500, body: /"The body with \\"name\\" and \\"config\\" is not a JSON object"/ },
    reason: 'the original names the Java class that Jackson could not make',
  },
  {
    exchanges: [52, 122],
    compare: { status: 500, body: /"The request has no config"/ },
    reason: "the original's is that of Java's null pointer",
  },
  {
    exchanges: [61],
    compare: { status: 500, body: /"Unrecognized field \\"unknown\\"; the known fields are: name, config, initial_state"/ },
    reason: 'the same without Java classes',
  },
  {
    exchanges: [65],
    compare: { status: 500, body: /"\\"x\\" is not a string"/ },
    reason: 'the field instead of the Java class that Jackson could not make',
  },
  {
    exchanges: [66],
    compare: { status: 500, body: /"\\"initial_state\\" is NOPE; it can be RUNNING, PAUSED or STOPPED"/ },
    reason: 'what it can be instead of the Java enum that has no such constant',
  },
  {
    exchanges: [171],
    compare: { status: 500, body: /"Connector config \{tasks\.max=1\} contains no connector type"/ },
    reason: 'the same without the class of the Java exception before it',
  },
  {
    exchanges: [56, 172],
    compare: { status: 500, body: /"Failed to find any class that implements Connector and which name matches \S*[Nn]ope, / },
    reason: 'the message describes our plugins',
  },
  { exchanges: [194], compare: 'status', reason: 'it shows a config that was changed with PATCH' },
  { exchanges: [83], compare: 'skip', reason: 'a status that has not come yet: which answer comes is a race' },
  {
    exchanges: [175],
    compare: { status: 200, body: /"error_count":2,.*"name":"transforms\.t\.offset\.field","type":"STRING"/ },
    reason:
      'other transforms are installed, a missing pattern is one error, without the null pointer of Java, and a static field without ' +
      'its value is one too, of which Kafka Connect tells when the task starts',
  },
  { exchanges: [176], compare: 'skip', reason: 'the table of the Postgres source is its own' },
  { exchanges: range(211, 224), compare: 'skip', reason: 'the Postgres source has recordings of its own' },
]

/** The entry of an exchange; null when it has to be equal. */
export function ledgerEntry(index: number): LedgerEntry | null {
  return ledger.find((entry) => entry.exchanges.includes(index)) ?? null
}
