import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { CloneRequest } from '../../../src/actors/make-clone.ts';
import { makeVolumeClone } from '../../../src/actors/make-volume-clone.ts';
import { sendRepository } from '../../../src/actors/sent-repository.ts';
import { volumeClone } from '../../../src/actors/volume-clone.ts';
import type { DockerResult } from '../../../src/docker/cli.ts';
import { label } from '../../../src/docker/labels.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { agent, helperPorts, identity, never, rejection } from '../_helpers/actor-ports.ts';
import { folder, repository } from '../_helpers/repositories.ts';

const owner = { agent: 'a', attempt: 1 };
const commit = 'a'.repeat(40);
const base = 'b'.repeat(40);
const workspace = 'tmux-agent-r1234567-a-1-workspace';
const work = { branch: 'agent-flow/r1234567/a', refs: 'refs/agent-flow/r1234567/a/1', base };

interface Situation {
  /** Results of the helpers, one after the other. */
  readonly replies?: Partial<DockerResult>[];
  /** Replies to `docker volume` and `docker cp`, by their first two arguments. */
  readonly others?: Readonly<Record<string, Partial<DockerResult>>>;
}

function stage(t: ExecutionContext, { replies = [], others = {} }: Situation = {}) {
  const root = folder(t);
  const source = repository(join(root, 'source'));
  const helper = helperPorts(() => replies.shift());
  const { docker: own } = helper.ports;
  const docker: typeof own = async (args, options) => {
    const result = await own(args, options);
    const owned = { [label.instance]: identity.instance, [label.runId]: identity.runId };
    if (args[1] === 'inspect' && args[0] === 'volume')
      return { ...result, stdout: JSON.stringify([{ Name: args.at(-1), Labels: owned }]) };
    const other = others[args.slice(0, 2).join(' ')] ?? others[args[0]!];
    return other === undefined ? result : { ...result, ok: other.stderr === undefined, ...other };
  };
  const sent: object[] = [];
  const context = {
    ...helper.ports,
    docker,
    recorder: nullRecorder,
    plan: () => agent({ workspace: { mode: 'clone', path: source, repository: source, from: null } }),
    folder: () => root,
    gitSetting: async () => null,
    async sentRepository(_: object, wanted: object) {
      sent.push(wanted);
      return 'sent';
    },
    makeClone: (given: typeof owner, request: CloneRequest, signal: AbortSignal): Promise<string | null> =>
      makeVolumeClone(context, given, request, signal),
  };
  return { ...helper, context, source, sent, root };
}

test('a repository is sent as its git directory, which the helper checks for the commit', async t => {
  const { context, calls, created, source } = stage(t, { replies: [{ stdout: 'cloned\n' }] });
  const name = await sendRepository(context, owner, { repository: source, commit }, never);
  t.regex(name, /^tmux-agents-r1234567-repository-[0-9a-f]{12}$/);
  const [helper = ''] = created();
  t.true(
    helper.includes(`--mount=type=volume,source=${name},volume-nocopy=true,target=/host${source}/.git `),
  );
  t.false(helper.includes('type=bind'));
  t.true(helper.endsWith(` ${source} ${source}/.git ${source}/.git ${commit}`));
  const [copy = ''] = calls.filter(call => call.startsWith('cp '));
  t.regex(copy, new RegExp(`^cp ${source}/\\.git/\\. c0ffee0+:/host${source}/\\.git$`));
  t.true(calls.indexOf(copy) < calls.findIndex(call => call.startsWith('start ')));
});

test('a repository that cannot be sent, or lacks objects, rejects with the reason', async t => {
  const failed = stage(t, { others: { cp: { stderr: 'open /x: permission denied', exitCode: 1 } } });
  const wanted = { repository: failed.source, commit };
  t.regex(
    (await rejection(sendRepository(failed.context, owner, wanted, never))).message,
    /could not be sent to the engine: open \/x: permission denied/,
  );
  t.false(failed.calls.some(call => call.startsWith('start ')));
  const partial = stage(t, { replies: [{ ok: false, stdout: 'failed it is a partial clone\n' }] });
  t.regex(
    (
      await rejection(
        sendRepository(partial.context, owner, { ...wanted, repository: partial.source }, never),
      )
    ).message,
    /it is a partial clone/,
  );
});

test('a clone is made in its volume, from the repository that was sent', async t => {
  const { context, created, calls, source, sent } = stage(t, { replies: [{ stdout: 'cloned\n' }] });
  const request = { repository: source, commit, branch: work.branch, target: workspace };
  t.is(await makeVolumeClone(context, owner, request, never), null);
  t.deepEqual(sent, [{ repository: source, commit }]);
  const [helper = ''] = created();
  t.true(
    helper.includes(`type=volume,source=sent,volume-nocopy=true,target=/host${source}/.git,readonly=true`),
  );
  t.true(helper.includes(`type=volume,source=${workspace},volume-nocopy=true,target=/clone `));
  t.true(helper.endsWith(' - sent'));
  t.true(calls.includes(`volume rm -- ${workspace}`), 'a part of an earlier try is removed');
});

test('a clone whose container exists is complete', async t => {
  const stderr = `Error response from daemon: remove ${workspace}: volume is in use - [c0ffee]`;
  const { context, created, source } = stage(t, { others: { 'volume rm': { stderr, exitCode: 1 } } });
  const request = { repository: source, commit, branch: work.branch, target: workspace };
  t.is(await makeVolumeClone(context, owner, request, never), null);
  t.deepEqual(created(), []);
});

test('the helper that bundles the work sees the clone only', async t => {
  const { context, created } = stage(t, { replies: [{ stdout: `work ${commit}\n` }] });
  const files = volumeClone(context, owner, workspace);
  t.regex((await files.collect(work, never)).stdout, /^work /);
  const mounts = [...created()[0]!.matchAll(/source=([^,]+)/g)].map(([, source]) => source);
  t.deepEqual(mounts, [workspace, 'tmux-agent-r1234567-a-1-bundle']);
});

test('a damaged clone is collected with the git directory of another one', async t => {
  const { context, created, calls, source, sent } = stage(t, {
    replies: [{ stdout: 'cloned\n' }, { stdout: `work ${commit}\n` }],
  });
  await volumeClone(context, owner, workspace).collectRepaired(work, never);
  t.is(calls.at(-1), 'volume rm -- tmux-agent-r1234567-a-1-spare');
  t.deepEqual(sent, [{ repository: source, commit: base }]);
  t.true(created()[1]!.includes('source=tmux-agent-r1234567-a-1-spare,volume-nocopy=true,target=/spare'));
});

test('work that the helper refuses, or that does not come back, is a problem', async t => {
  const delivery = (root: string) => ({ ...work, root, commit });
  const refused = stage(t, { replies: [{ ok: false, stdout: 'failed badTree\n' }] });
  const files = volumeClone(refused.context, owner, workspace);
  t.is(await files.deliver(delivery(refused.source), never), 'badTree');
  t.true(refused.created()[0]!.endsWith(` ${work.refs} /delivered`));
});

test('the volumes that no container uses are cleared, and the files that came back', async t => {
  const { context, calls, root } = stage(t);
  mkdirSync(join(root, 'out', 'delivered'), { recursive: true });
  await volumeClone(context, owner, workspace).clear(never);
  t.deepEqual(calls, ['volume rm -- tmux-agent-r1234567-a-1-bundle']);
  t.false(existsSync(join(root, 'out')));
});
