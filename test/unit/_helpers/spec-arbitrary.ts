import fc from 'fast-check';

// Valid specs and mutations of them. Their paths lead into a folder that contains `file`, `folder` and `Dockerfile`.
const hostile = fc.constantFrom(
  '',
  ' ',
  '-',
  '--privileged',
  '../..',
  '/',
  'a,b=c',
  'a"b',
  "a'b",
  '$(id)',
  '`id`',
  '${HOME}',
  '$${X}',
  '{{.Config}}',
  'a\nb',
  'a\0b',
  '\u202e',
  '💥',
  'constructor',
  '__proto__',
  'x'.repeat(300),
);

const text = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 20 }) },
  { weight: 1, arbitrary: hostile },
);
/** Text without NUL and unpaired surrogates, which no spec can contain, and without references to the environment. */
const plainText = text.filter(value => !/\0|\$\{/.test(value) && value.isWellFormed());
const name = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?$/);
const envName = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,10}$/);
const optional = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { requiredKeys: [] });

const duration = fc.constantFrom('90s', '45m', '1h30m', '500ms', '24h');
const size = fc.constantFrom('6m', '512m', '4g', '1.5gb');
const program = plainText.filter(word => word !== '' && !/^[^/]*=/.test(word));

const fields = optional({
  auth: fc.oneof(
    fc.constant('off'),
    optional({
      login: fc.constantFrom('direct', 'off'),
      git: fc.boolean(),
      gcloud: fc.boolean(),
      ssh: fc.constantFrom('keys', 'off'),
    }),
  ),
  prompt: plainText,
  image: fc.constantFrom('node:22-slim', 'debian:bookworm-slim', 'alpine', 'a/b-c_d:e.f'),
  workspace: fc.constantFrom('.', 'folder', './folder/', { mode: 'copy', path: 'folder' }, { mode: 'none' }),
  artifacts: fc.constantFrom(['folder'], [{ path: 'folder/x', maxSize: '10m' }], []),
  network: fc.oneof(
    fc.constantFrom('shared', 'none', 'isolated', { allow: ['a.example.com', '*.example.org:8443'] }),
    fc.record({ name: fc.stringMatching(/^[a-z][a-z0-9_.-]{5,12}$/) }),
  ),
  env: fc.dictionary(envName, plainText, { maxKeys: 3 }),
  labels: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9.]{0,8}[a-z0-9]$/), plainText, { maxKeys: 3 }),
  memory: size,
  cpus: fc.constantFrom(0.01, 0.5, 1, 2, 64),
  timeouts: optional({
    build: duration,
    ready: duration,
    run: fc.oneof(duration, fc.constant('none')),
    idle: fc.oneof(duration, fc.constant('none')),
    stop: duration,
  }),
  onHostLost: fc.constantFrom('retry', 'fail'),
  retries: fc.nat({ max: 10 }),
  keep: fc.constantFrom('never', 'on-failure', 'always'),
  done: fc.constantFrom('exit', 'signal', { idle: '5m' }, { file: 'out/done.json' }),
  user: fc.oneof(
    fc.constantFrom('root', 'host'),
    fc.tuple(fc.nat(), fc.nat()).map(ids => ids.join(':')),
  ),
  gpus: fc.oneof(
    fc.constant('all'),
    fc.integer({ min: 1, max: 8 }),
    fc.constant({ device: ['0', 'GPU-3faa'] }),
  ),
  security: optional({
    capabilities: fc.uniqueArray(fc.constantFrom('MKNOD', 'SETFCAP', 'SYS_CHROOT')),
    noNewPrivileges: fc.boolean(),
    pids: fc.integer({ min: 64, max: 4_194_304 }),
    log: fc.constantFrom('3m', '100m'),
  }),
  secrets: fc.uniqueArray(fc.oneof(envName, fc.record({ name: envName, file: fc.constant('file') })), {
    maxLength: 3,
    selector: secret => (typeof secret === 'string' ? secret : secret.name),
  }),
  mounts: fc.uniqueArray(
    fc.record(
      {
        source: fc.constantFrom('folder', 'file', '.'),
        target: fc.stringMatching(/^\/data[a-z,"=]{1,8}$/),
        readOnly: fc.boolean(),
      },
      { requiredKeys: ['source', 'target'] },
    ),
    { maxLength: 3, selector: ({ target }) => target },
  ),
});

const command = fc.record(
  {
    provider: fc.constant('command'),
    command: fc
      .tuple(program, fc.array(plainText, { maxLength: 3 }))
      .map(([first, rest]) => [first, ...rest]),
  },
  { requiredKeys: ['command'] },
);
const cli = fc.record(
  {
    provider: fc.constantFrom('claude', 'codex', 'gemini'),
    prompt: plainText,
    model: fc.constantFrom('opus', 'gpt-5.1', 'models/x:y'),
    args: fc.array(plainText, { maxLength: 2 }),
    budget: fc.record({ usd: fc.double({ min: 0.01, max: 100, noNaN: true }) }),
  },
  { requiredKeys: ['provider', 'prompt'] },
);

const agent = fc
  .tuple(fields, fc.oneof({ weight: 3, arbitrary: command }, { weight: 1, arbitrary: cli }))
  .map(([more, what]) => ({ ...more, ...what }));

export const validSpec = fc
  .tuple(
    optional({
      name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/),
      concurrency: fc.integer({ min: 1, max: 50 }),
      budget: fc.record({ usd: fc.double({ min: 0.01, max: 100, noNaN: true }) }),
      defaults: fields.map(({ prompt: _, ...rest }) => rest),
    }),
    fc.dictionary(name, agent, { minKeys: 1, maxKeys: 4 }),
  )
  .map(([top, agents]) => ({ ...top, agents }) as Json);

export type Json = { [key: string]: unknown };

const junk = fc.oneof(
  hostile,
  fc.constantFrom(null, true, false, 0, -1, 1e308, 0.1, [], {}, [[]], { a: 1 }, 'none', 'host'),
  fc.string(),
);

interface Mutation {
  /** The position of the mutated field among all fields, as a fraction. */
  readonly where: number;
  readonly how: 'replace' | 'remove' | 'rename' | 'add' | 'double';
  readonly what: unknown;
  readonly key: string;
}

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  where: fc.double({ min: 0, max: 0.999, noNaN: true }),
  how: fc.constantFrom('replace', 'remove', 'rename', 'add', 'double'),
  what: junk,
  key: fc.oneof(
    fc.constantFrom('privileged', 'dependsOn', 'when', 'matrix', 'network', 'comand', 'allow', 'image'),
    hostile,
  ),
});

/** Return a copy of a spec with one mutation. */
export function mutated(spec: Json, { where, how, what, key }: Mutation): Json {
  const copy = structuredClone(spec);
  const places = holders(copy);
  const place = places[Math.floor(where * places.length)];
  if (place === undefined) return copy;
  const { holder, key: own } = place;
  if (how === 'replace') set(holder, own, what);
  else if (how === 'remove') Array.isArray(holder) ? holder.splice(Number(own), 1) : delete holder[own];
  else if (how === 'rename' && !Array.isArray(holder)) {
    set(holder, key, holder[own]);
    delete holder[own];
  } else if (how === 'add') Array.isArray(holder) ? holder.push(what) : set(holder, key, what);
  else if (Array.isArray(holder)) holder.push(structuredClone(holder[Number(own)]));
  return copy;
}

const set = (holder: Json | unknown[], key: string, value: unknown) =>
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });

function holders(value: unknown): { holder: Json; key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [{ holder: value as Json, key }, ...holders(item)]);
}
