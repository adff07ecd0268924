/** A request that both workers get. */
export interface SideRequest {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** A text is sent as it is. */
  readonly body?: unknown
  /** Signs the body with the session key of the group. */
  readonly signed?: true
  /** The words differ, for this reason; the status does not. */
  readonly words?: string
  /** The responses differ, for this reason. */
  readonly differs?: string
}

const signature = 'X-Connect-Authorization'
const algorithm = 'X-Connect-Request-Signature-Algorithm'
const why = 'the original does not say why it failed'
const java = 'the words are Java’s'
const shipped = 'other plugins are installed'
const loggers = 'there are no Java classes, and so other loggers'

const file = { 'connector.class': 'FileStreamSource', 'tasks.max': '1', topic: 'lines', file: '@input' }
const sink = { 'connector.class': 'FileStreamSink', 'tasks.max': '2', topics: 'lines', file: '@output' }

/** What has to exist for the other requests. */
export const setup: readonly SideRequest[] = [
  { method: 'POST', path: '/connectors', body: { name: 'src', config: file } },
  { method: 'POST', path: '/connectors', body: { name: 'snk', config: sink } },
  { method: 'POST', path: '/connectors', body: { name: 'off', config: file, initial_state: 'STOPPED' } },
]

const get = (path: string, more: Partial<SideRequest> = {}): SideRequest => ({ method: 'GET', path, ...more })
const every = (
  names: readonly string[],
  request: (name: string) => SideRequest | readonly SideRequest[],
): readonly SideRequest[] => names.flatMap(request)

const all = ['src', 'snk', 'off', 'nope', 'a%2Fb', '%20']

const reads: readonly SideRequest[] = [
  get('/'),
  get('/health'),
  get('/connectors'),
  get('/connectors?expand=info'),
  get('/connectors?expand=status'),
  get('/connectors?expand=info&expand=status'),
  get('/connectors?expand=x'),
  get('/connector-plugins', { words: shipped }),
  get('/connector-plugins?connectorsOnly=false', { words: shipped }),
  ...every(all, (name) =>
    [
      '',
      '/config',
      '/status',
      '/tasks',
      '/tasks-config',
      '/topics',
      '/offsets',
      '/tasks/0/status',
      '/tasks/9/status',
      '/tasks/x/status',
    ].map((part) => get(`/connectors/${name}${part}`)),
  ),
]

/** The signatures of requests between workers: missing, wrong, and right. */
const signatures: readonly Partial<SideRequest>[] = [
  {},
  { headers: { [signature]: 'c2ln' } },
  { headers: { [algorithm]: 'HmacSHA256' } },
  { headers: { [signature]: 'c2ln', [algorithm]: 'HmacSHA256' } },
  { headers: { [signature]: 'not-base64!', [algorithm]: 'HmacSHA256' } },
  { headers: { [signature]: 'c2ln', [algorithm]: 'HmacSHA512' } },
  { headers: { [signature]: 'c2ln', [algorithm]: 'HmacNope' } },
  { headers: { [signature]: 'c2ln', [algorithm]: '' } },
  { headers: { [signature]: '', [algorithm]: 'HmacSHA256' } },
  { signed: true },
]

const betweenWorkers: readonly SideRequest[] = [
  ...every(['src', 'snk', 'off', 'nope'], (name) => [
    ...signatures.map((signed): SideRequest =>
      Object.assign({ method: 'PUT', path: `/connectors/${name}/fence` }, signed),
    ),
    ...signatures.map((signed): SideRequest =>
      Object.assign({ method: 'PUT', path: `/connectors/${name}/fence`, body: '{}' }, signed),
    ),
    ...signatures
      .slice(0, -1)
      .map((signed): SideRequest =>
        Object.assign({ method: 'POST', path: `/connectors/${name}/tasks`, body: [] }, signed),
      ),
  ]),
  { method: 'POST', path: '/connectors/nope/tasks', body: [], signed: true },
  { method: 'PUT', path: '/connectors/src/fence?forward=false', signed: true },
  { method: 'PUT', path: '/connectors/src/fence?forward=banana', signed: true },
  { method: 'GET', path: '/connectors/src/fence' },
  { method: 'POST', path: '/connectors/src/fence' },
  ...['', 'x', '{}', '"x"', '[1]', '[[]]', '[{"a":1}]', '[{"a":null}]', '[{"a":{}}]', '[{}'].map((body) => ({
    method: 'POST',
    path: '/connectors/src/tasks',
    body,
    words: java,
  })),
  { method: 'PUT', path: '/connectors/src/tasks', body: [] },
  { method: 'POST', path: '/connectors/src/tasks', body: '[null]', differs: 'a task has a config' },
  {
    method: 'POST',
    path: '/connectors/src/tasks',
    body: '[]',
    headers: { 'content-type': 'text/plain' },
    differs: 'bodies are JSON',
  },
]

const configs: readonly SideRequest[] = [
  ...every(['src', 'snk', 'off', 'nope'], (name) =>
    [
      {},
      { note: 'x' },
      { note: null },
      { 'tasks.max': '1' },
      { 'tasks.max': 'x' },
      { 'tasks.max': '0' },
      { unknown: '' },
    ].map((body) => ({ method: 'PATCH', path: `/connectors/${name}/config`, body })),
  ),
  ...['', 'x', '[]', '"x"', 'null', '{"a":1}', '{"a":true}', '{"a":{}}', '{"a":[]}', '{"a"'].map((body) => ({
    method: 'PATCH',
    path: '/connectors/src/config',
    body,
    words: java,
  })),
  { method: 'PATCH', path: '/connectors/src/config', body: '{}', headers: { 'content-type': 'text/plain' } },
  ...['src', 'nope'].map((name) => ({
    method: 'PATCH',
    path: `/connectors/${name}/config`,
    body: { name: 'other' },
    differs: 'a connector has one name',
  })),
  { method: 'PATCH', path: '/connectors/src/config', body: { name: 'src' } },
  { method: 'PATCH', path: '/connectors/src/config', body: { 'connector.class': 'Nope' }, words: shipped },
  {
    method: 'PATCH',
    path: '/connectors/src/config',
    body: { 'connector.class': null },
    words: 'a config may hold a secret',
  },
  { method: 'PATCH', path: '/connectors/src/config', body: { topic: null } },
  { method: 'PATCH', path: '/connectors/src', body: {} },
]

const wrongOffsetBodies: readonly unknown[] = [
  '',
  'null',
  { offsets: [{}] },
  { offsets: [{ offset: { position: 1 } }] },
  { offsets: [{ partition: null, offset: null }] },
]
const offsetBodies: readonly unknown[] = [
  'x',
  '[]',
  '{}',
  { offsets: null },
  { offsets: [] },
  { offsets: {} },
  { offsets: 'x' },
  { offsets: [null] },
  { offsets: ['x'] },
  { offsets: [{ partition: { filename: 'f' } }] },
  { offsets: [{ partition: 'x', offset: {} }] },
  { offsets: [{ partition: {}, offset: {} }] },
  { offsets: [{ partition: { filename: 'f' }, offset: { position: 1 }, more: 1 }] },
  { offsets: [{ partition: { filename: 'f' }, offset: { position: 1 } }], more: 1 },
  { offsets: [{ partition: { filename: 'f' }, offset: { position: 'x' } }] },
  { offsets: [{ partition: { filename: 'f' }, offset: { position: -1 } }] },
  { offsets: [{ partition: { filename: 'f' }, offset: { other: 1 } }] },
  { offsets: [{ partition: { filename: 'f' }, offset: { position: 1 } }] },
  { offsets: [{ partition: { filename: 'f' }, offset: null }] },
]
const sinkOffsets: readonly unknown[] = [
  { kafka_topic: 'lines', kafka_partition: 0 },
  { kafka_topic: 'lines', kafka_partition: '0' },
  { kafka_topic: 'lines', kafka_partition: 'x' },
  { kafka_topic: 'lines', kafka_partition: -1 },
  { kafka_topic: 'lines' },
  { kafka_partition: 0 },
  { kafka_topic: 'lines', kafka_partition: 0, more: 1 },
  { kafka_topic: null, kafka_partition: 0 },
  { kafka_topic: 'nope', kafka_partition: 0 },
].flatMap((partition) => [
  { offsets: [{ partition, offset: { kafka_offset: 1 } }] },
  { offsets: [{ partition, offset: null }] },
])
const sinkPositions: readonly unknown[] = ['1', 'x', 1.5, null, true, {}, 9e15, 1].map((kafka_offset) => ({
  offsets: [{ partition: { kafka_topic: 'lines', kafka_partition: 0 }, offset: { kafka_offset } }],
}))

const offsets: readonly SideRequest[] = [
  ...every(['src', 'snk', 'nope'], (name) => [
    {
      method: 'PATCH',
      path: `/connectors/${name}/offsets`,
      body: { offsets: [{ partition: { a: 'b' }, offset: { c: 1 } }] },
    },
    { method: 'DELETE', path: `/connectors/${name}/offsets` },
  ]),
  { method: 'PUT', path: '/connectors/snk/stop' },
  ...offsetBodies.map((body) => ({ method: 'PATCH', path: '/connectors/off/offsets', body, words: java })),
  ...wrongOffsetBodies.map((body) => ({
    method: 'PATCH',
    path: '/connectors/off/offsets',
    body,
    differs: 'the request is wrong for every connector',
  })),
  get('/connectors/off/offsets'),
  { method: 'DELETE', path: '/connectors/off/offsets' },
  { method: 'DELETE', path: '/connectors/off/offsets' },
  get('/connectors/off/offsets'),
  ...sinkOffsets.map((body) => ({ method: 'PATCH', path: '/connectors/snk/offsets', body, words: why })),
  ...sinkPositions.map((body) => ({ method: 'PATCH', path: '/connectors/snk/offsets', body })),
  get('/connectors/snk/offsets'),
  { method: 'DELETE', path: '/connectors/snk/offsets' },
  get('/connectors/snk/offsets'),
  { method: 'PUT', path: '/connectors/snk/resume' },
]

const levels: readonly SideRequest[] = [
  get('/admin/loggers', { words: loggers }),
  get('/admin/loggers/root', { words: loggers }),
  get('/admin/loggers/nope'),
  ...['', '?scope=worker', '?scope=cluster', '?scope=WORKER', '?scope=x', '?scope='].flatMap((query) =>
    [
      '{"level":"DEBUG"}',
      '{"level":"debug"}',
      '{"level":"NOPE"}',
      '{"level":null}',
      '{}',
      '{"level":1}',
      '{"level":"INFO","x":1}',
    ].map((body) => ({
      method: 'PUT',
      path: `/admin/loggers/org.apache.kafka.connect.runtime${query}`,
      body,
      words: loggers,
    })),
  ),
  ...['', 'x', '[]', '"DEBUG"', 'null', '{"level"'].map((body) => ({
    method: 'PUT',
    path: '/admin/loggers/root',
    body,
    words: java,
  })),
  { method: 'PUT', path: '/admin/loggers/root', body: { level: 'INFO' }, words: loggers },
  { method: 'DELETE', path: '/admin/loggers/root' },
  { method: 'POST', path: '/admin/loggers' },
]

const commands: readonly SideRequest[] = [
  ...every(['src', 'snk', 'off', 'nope'], (name) => [
    ...[
      '',
      '?includeTasks=true',
      '?onlyFailed=true',
      '?includeTasks=true&onlyFailed=true',
      '?includeTasks=banana',
      '?includeTasks=',
    ].map((query): SideRequest => {
      const request = { method: 'POST', path: `/connectors/${name}/restart${query}` }
      // A stopped connector shows for a moment that it was restarted.
      return name === 'off' ? Object.assign(request, { words: 'its state follows with a delay' }) : request
    }),
    ...['0', '9', 'x', '-1'].map((task) => ({ method: 'POST', path: `/connectors/${name}/tasks/${task}/restart` })),
    { method: 'PUT', path: `/connectors/${name}/topics/reset` },
    { method: 'PUT', path: `/connectors/${name}/pause` },
    get(`/connectors/${name}/status`),
    { method: 'PUT', path: `/connectors/${name}/resume` },
    get(`/connectors/${name}/status`),
    { method: 'PUT', path: `/connectors/${name}/stop` },
    get(`/connectors/${name}/status`),
    get(`/connectors/${name}/tasks`),
    { method: 'POST', path: `/connectors/${name}/restart` },
    { method: 'DELETE', path: `/connectors/${name}` },
    { method: 'DELETE', path: `/connectors/${name}` },
  ]),
]

const plain = { headers: { 'content-type': 'text/plain' } }
const creations: readonly SideRequest[] = [
  ...[
    '',
    'x',
    'null',
    '[]',
    '"x"',
    '{}',
    '{"name":"new"}',
    '{"name":"new","config":null}',
    '{"name":"new","config":[]}',
    '{"name":"new","config":{"a":{}}}',
    '{"name":1,"config":{}}',
    '{"name":"new","config":{},"more":1}',
    '{"name":"new","config":{}',
  ].map((body) => ({ method: 'POST', path: '/connectors', body, words: java })),
  ...[
    { name: 'new', config: {} },
    { name: '', config: file },
    { name: ' ', config: file },
    { name: 'new', config: { ...file, name: 'other' } },
    { name: 'new', config: { ...file, 'tasks.max': 'x' } },
    { name: 'new', config: { ...file, 'tasks.max': '0' } },
    { name: 'src', config: file },
    { name: 'new', config: { ...sink, topics: '' } },
    { name: 'new', config: { ...sink, 'topics.regex': 'a.*' } },
    { name: 'new', config: { ...file, 'errors.tolerance': 'some' } },
    { name: 'new', config: file, initial_state: 'NOPE' },
    { name: 'new', config: file, initial_state: 'paused' },
  ].map((body) => ({ method: 'POST', path: '/connectors', body, words: java })),
  { method: 'POST', path: '/connectors', body: { name: 'new', config: { 'connector.class': 'Nope' } }, words: shipped },
  {
    method: 'POST',
    path: '/connectors',
    body: { name: 'no-text', config: { ...file, topic: null } },
    differs: 'a config has texts',
  },
  get('/connectors/new'),
  { method: 'DELETE', path: '/connectors/new' },
  { method: 'POST', path: '/connectors', body: '{}', ...plain },
  ...['', 'x', '[]', 'null', '{"a":{}}', '{"a"'].map((body) => ({
    method: 'PUT',
    path: '/connectors/new/config',
    body,
    words: java,
  })),
  ...[{}, { ...file, name: 'other' }, { ...file, 'tasks.max': 'x' }].map((body) => ({
    method: 'PUT',
    path: '/connectors/new/config',
    body,
    words: java,
  })),
  { method: 'PUT', path: '/connectors/new/config', body: file },
  { method: 'PUT', path: '/connectors/new/config', body: file },
  get('/connectors/new/config'),
  get('/connectors/new/tasks'),
  { method: 'DELETE', path: '/connectors/new' },
  get('/connectors/new/config'),
]

const validations: readonly SideRequest[] = [
  ...['FileStreamSource', 'FileStreamSourceConnector', 'FileStreamSink', 'Nope'].flatMap((name) =>
    [{}, { 'connector.class': name }, { 'connector.class': 'Nope' }, { 'connector.class': name, name: 'v' }].map(
      (body) => ({
        method: 'PUT',
        path: `/connector-plugins/${name}/config/validate`,
        body,
        words: shipped,
      }),
    ),
  ),
  ...['', 'x', '[]', 'null', '{"a":{}}'].map((body) => ({
    method: 'PUT',
    path: '/connector-plugins/FileStreamSource/config/validate',
    body,
    words: java,
  })),
  get('/connector-plugins/Nope/config', { words: shipped }),
  get('/connector-plugins/FileStreamSource/config', { words: shipped }),
  { method: 'GET', path: '/connector-plugins/FileStreamSource/config/validate' },
  { method: 'POST', path: '/connector-plugins' },
]

const methods: readonly SideRequest[] = [
  '/',
  '/connectors',
  '/connectors/src',
  '/connectors/src/status',
  '/nope',
].flatMap((path) => ['HEAD', 'OPTIONS', 'PUT', 'PATCH'].map((method) => ({ method, path, words: java })))

export const requests: readonly SideRequest[] = [
  ...setup,
  ...reads,
  ...betweenWorkers,
  ...configs,
  ...offsets,
  ...levels,
  ...creations,
  ...validations,
  ...methods,
  ...commands,
]
