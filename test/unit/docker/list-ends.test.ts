import test from 'ava';
import { containerEnds } from '../../../src/docker/container-ends.ts';
import type { Container } from '../../../src/docker/containers.ts';
import { listEnds } from '../../../src/docker/list-ends.ts';

const never = new AbortController().signal;

/** Lists of an engine that lists these states and inspects these containers. */
function desk(listed: Readonly<Record<string, string>>, inspected: readonly Partial<Container>[]) {
  const ends = containerEnds(() => 10);
  const state = { started: new Set<string>(), wasUnreachable: false };
  const started: (readonly [string, number])[] = [];
  const asked: string[][] = [];
  let confirmations = 0;
  let isAnother = false;
  const list = () =>
    listEnds(ends, state, {
      containers: {
        list: async () => Object.entries(listed).map(([id, state]) => ({ id, state, name: '', labels: '' })),
        async inspect(ids) {
          asked.push([...ids]);
          return inspected.filter(({ id }) => ids.includes(id!)) as Container[];
        },
      },
      runId: 'r1',
      signal: never,
      async confirmEngine() {
        confirmations++;
        if (isAnother) throw new Error('another engine');
      },
      onStarted: (id, at) => void started.push([id, at]),
    });
  const replaceEngine = () => {
    isAnother = true;
  };
  return { ends, state, list, started, asked, confirmations: () => confirmations, replaceEngine };
}

const exited = {
  id: 'c1',
  state: 'exited',
  exitCode: 3,
  oomKilled: true,
  finishedAt: 5,
  startedAt: 2,
} as const;
const running = { id: 'c1', state: 'running', startedAt: 2 } as const;

test('a container that the list and its inspection report as ended has ended', async t => {
  const { ends, list, confirmations } = desk({ c1: 'exited' }, [exited]);
  const wait = ends.wait('c1', never);
  await list();
  t.deepEqual(await wait, { exitCode: 3, oomKilled: true, reason: 'died', at: 10, finishedAt: 5 });
  t.is(confirmations(), 0);
});

test('a container that runs again when it is inspected has not ended', async t => {
  const { ends, list } = desk({ c1: 'exited' }, [running]);
  void ends.wait('c1', never);
  await list();
  t.deepEqual(ends.awaited(), ['c1']);
});

test('a container in an unknown state is inspected before it ends', async t => {
  const { ends, list } = desk({ c1: 'removing' }, [{ ...exited, state: 'removing' }]);
  const wait = ends.wait('c1', never);
  await list();
  t.is((await wait).reason, 'died');
});

test('a missing container was removed only if the engine is the same', async t => {
  const { ends, list, confirmations, replaceEngine } = desk({}, []);
  const wait = ends.wait('c1', never);
  replaceEngine();
  await t.throwsAsync(list(), { message: 'another engine' });
  t.deepEqual(ends.awaited(), ['c1']);
  t.is(confirmations(), 1);
  const same = desk({}, []);
  const other = same.ends.wait('c1', never);
  await same.list();
  t.is((await other).reason, 'removed');
  ends.removed('c1');
  await wait;
});

test('the engine is confirmed once after an outage', async t => {
  const { ends, state, list, confirmations } = desk({ c1: 'running' }, [running]);
  void ends.wait('c1', never);
  state.wasUnreachable = true;
  await list();
  await list();
  t.is(confirmations(), 1);
  t.false(state.wasUnreachable);
});

test('a start is reported once, and a container whose start is known is not inspected', async t => {
  const { ends, list, started, asked } = desk({ c1: 'running' }, [running]);
  void ends.wait('c1', never);
  await list();
  await list();
  t.deepEqual(started, [['c1', 2]]);
  t.deepEqual(asked, [['c1'], []]);
});

test('a created container is inspected until it has started', async t => {
  const { ends, list, started, asked } = desk({ c1: 'created' }, [{ ...running, startedAt: -1 }]);
  void ends.wait('c1', never);
  await list();
  await list();
  t.deepEqual(started, []);
  t.deepEqual(asked, [['c1'], ['c1']]);
});
