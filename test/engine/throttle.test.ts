import test from 'ava';
import type { RunEvent } from '../../src/events.ts';
import { fakeDocker, type Place, place, small } from './flow.ts';

const agents = (count: number, more: object = {}) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `agent-${index}`,
      { command: ['true'], workspace: 'workspace', ...small, ...more },
    ]),
  );

/** Return the largest number of concurrent creates and starts under this limit. */
function mostBegunUnder(journal: readonly RunEvent[]): { readonly allowed: number; readonly most: number }[] {
  const underWay = new Set<number>();
  const seen: { allowed: number; most: number }[] = [];
  for (const event of journal) {
    if (event.type === 'engine.throttled') seen.push({ allowed: event.atOnce ?? Infinity, most: 0 });
    if (event.type === 'docker.result') underWay.delete(event.call);
    if (event.type !== 'docker.call' || !['create', 'start'].includes(event.argv[1]!)) continue;
    underWay.add(event.call);
    const now = seen.at(-1);
    if (now) now.most = Math.max(now.most, underWay.size);
  }
  return seen;
}

test('a slow Docker gets fewer concurrent starts, is reported as overloaded, and gets more as it recovers', async t => {
  const here = place(t);
  const slowly = `for turn in 1 2 3 4; do mkdir "${here.path}/slow-$turn" 2>/dev/null && { sleep 7; break; }; done; exec "$real" "$@"`;
  const env = fakeDocker(here, { create: slowly });
  const { exitCode, stderr } = await here.run({ concurrency: 8, agents: agents(8) }, [], { env });
  t.is(exitCode, 0, stderr);
  t.regex(stderr, /Docker is overloaded: starting at most \d+ containers at once \(one docker call took \d/);
  const seen = mostBegunUnder(here.journal());
  t.true(seen.length > 1, 'narrower, and wider again');
  for (const { allowed, most } of seen) t.true(most <= allowed, JSON.stringify(seen));
  t.true(seen[0]!.allowed > 0 && Number.isFinite(seen[0]!.allowed));
});

const full = 'Error response from daemon: mkdir /var/lib/docker/overlay2/x: no space left on device';
const noAddresses = 'Error response from daemon: all predefined address pools have been fully subnetted';
const fullResources = {
  'a full disk': { replies: { create: full }, network: {} },
  'a full address pool': {
    replies: { 'network create': noAddresses },
    network: { network: { name: 'agent-flow-test-no-room' } },
  },
};

/** The lines of the summary that report a failure. */
const failuresIn = (stderr: string) => stderr.split('\n').filter(line => line.startsWith('✗'));
const callCount = (here: Place, words: string) =>
  here
    .journal()
    .filter(event => event.type === 'docker.call' && event.argv.slice(1).join(' ').startsWith(words)).length;

for (const [what, { replies, network }] of Object.entries(fullResources))
  test(`${what} is reported as one error for any number of agents`, async t => {
    const here = place(t);
    const refuse = (message: string) => `echo '${message}' >&2; exit 1`;
    const env = fakeDocker(
      here,
      Object.fromEntries(Object.entries(replies).map(([words, message]) => [words, refuse(message)])),
    );
    const spec = { concurrency: 8, agents: agents(50, { ...network, retries: 2 }) };
    const { exitCode, json, stderr } = await here.run(spec, [], { env });
    t.is(exitCode, 3, stderr);
    t.is(failuresIn(stderr).length, 1, stderr);
    t.regex(failuresIn(stderr)[0]!, / and \d+ more failed while .*(no space left|fully subnetted)/);
    const kinds = Object.groupBy(
      Object.values<{ status: string; error: { kind: string } }>(json.agents),
      ({ status, error }) => `${status} ${error.kind}`,
    );
    t.deepEqual(Object.keys(kinds).sort(), ['failed outOfResources', 'skipped outOfResources']);
    t.true(kinds['failed outOfResources']!.length <= 8);
    t.true(callCount(here, Object.keys(replies)[0]!) <= 8);
    t.deepEqual(await here.containers(), []);
  });
