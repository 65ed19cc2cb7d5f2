import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { eventually, type Place } from '../engine/flow.ts';
import { image } from '../engine/images.ts';
import { type Canary, canary, flags, stranger } from './canary.ts';
import { both, errorOf, fine, type OutsideCell, once, refused, two, worker } from './outside-cells.ts';
import { stage } from './scenarios.ts';
import { atWork, begin, cameOut, goOn, resume, untilGo } from './trial.ts';

/** Names that others hold, and labels that others have set. */

const instanceOf = (here: Place) => readFileSync(join(here.stateDir, 'instance'), 'utf8').trim();
/** Goes with its test. */
const kept = (t: ExecutionContext, made: Canary) => {
  t.teardown(() => made.remove());
  return made;
};

/** The next attempt's name is taken by somebody else while this one runs. */
const takesNextName = (isAbandoned: boolean) => async (t: ExecutionContext) => {
  const scene = stage(t);
  const { here } = scene;
  const run = begin(t, scene, { agents: { worker: worker(`${untilGo}; exit 9`, scene, { retries: 1 }) } });
  await atWork(here);
  if (isAbandoned) await run.kill();
  const holder = kept(t, await canary(here.runId()!, `tmux-agent-${here.runId()}-worker-2`));
  goOn(here);
  const { exitCode, stderr } = await (isAbandoned ? resume(scene) : run.end);
  t.is(exitCode, 3, stderr);
  t.true(errorOf(here, 'worker').includes(holder.id.slice(0, 12)));
  await cameOut(t, here, {
    worker: { ...refused('nameConflict', once), attempts: ['exit', 'nameConflict'] },
  });
  await holder.isUntouched(t);
};

const names: readonly OutsideCell[] = [
  {
    fault: 'names',
    title: 'a second attempt whose name somebody else holds is refused, and that one is not touched',
    isTelling: true,
    body: takesNextName(false),
  },
  {
    fault: 'names',
    title: 'a second attempt whose name was taken while the engine was dead is refused',
    body: takesNextName(true),
  },
  ...['second', 'second-', 'second-1x', 'second-10', 'second-01', 'second-1.0'].map(like => ({
    fault: 'names',
    title: `a foreign container called …-${like} is neither in the way of …-second-1 nor touched`,
    async body(t: ExecutionContext) {
      const scene = stage(t);
      const { here } = scene;
      const run = begin(t, scene, two(scene));
      await atWork(here);
      await run.kill();
      const alike = kept(t, await canary(here.runId()!, `tmux-agent-${here.runId()}-${like}`));
      goOn(here);
      const { exitCode, stderr, stdout } = await resume(scene);
      t.is(exitCode, 0, `${stderr}\n${stdout}`);
      await cameOut(t, here, both(fine));
      await alike.isUntouched(t);
    },
  })),
];

/** Labels that claim to be of the one who looks, with a run that is a path. */
const claims = (here: Place, runId: string) => ({
  'tmux-agents': 'true',
  'tmux-agents.instance': instanceOf(here),
  'tmux-agents.run-id': runId,
  'tmux-agents.agent': 'worker',
  'tmux-agents.attempt': '1',
  'tmux-agents.agent-id': `${runId}/worker`,
  'tmux-agents.spec-hash': '0'.repeat(32),
  'tmux-agents.role': 'agent',
});

const labels: readonly OutsideCell[] = [
  {
    fault: 'labels',
    title:
      'an image that claims to be another agent of ours changes nothing for a run, nor is its other container touched',
    async body(t) {
      const scene = stage(t);
      const { here } = scene;
      // Makes the state directory, so that even the instance can be forged.
      await here.agentFlow(['ps']);
      const said = Object.entries({ ...claims(here, 'r0000000'), 'tmux-agents.attempt': '9' });
      const lines = said.map(([key, value]) => `LABEL ${key}="${value}"`);
      const forged = await image(t, `FROM tmux-agents-base:latest\n${lines.join('\n')}\n`);
      const other = kept(t, await stranger(forged));
      const run = begin(t, scene, { agents: { worker: worker('exit 0', scene, { image: forged }) } });
      const { exitCode, stderr } = await run.end;
      t.is(exitCode, 0, stderr);
      await other.isUntouched(t);
      await other.remove();
      await cameOut(t, here, { worker: fine });
    },
  },
  {
    fault: 'labels',
    title: 'an image that claims to bring our commands, and does not, starts nothing',
    async body(t) {
      const scene = stage(t);
      const unfit = await image(t, 'FROM debian:bookworm-slim\nLABEL tmux-agents.protocol=1\n');
      const run = begin(t, scene, { agents: { worker: worker('exit 0', scene, { image: unfit }) } });
      const { exitCode, stderr } = await run.end;
      t.is(exitCode, 1, stderr);
      t.regex(stderr, /the container cannot run agents: exec agent-init failed: No such file or directory/);
      await cameOut(t, scene.here, { worker: { ...refused('tmuxLost'), exitCode: 127 } });
    },
  },
  {
    fault: 'labels',
    title:
      'a container whose labels claim a run that is a path is told as malformed, and no path is made of it',
    async body(t) {
      const scene = stage(t);
      const { here } = scene;
      const run = begin(t, scene, { agents: { worker: worker(untilGo, scene) } });
      await atWork(here);
      const liar = kept(t, await stranger(...flags(claims(here, '../../x')), 'tmux-agents-base:latest'));
      await run.kill();
      goOn(here);
      t.is((await here.agentFlow(['resume', '--adopt'])).stderr, 'no orphans to adopt');
      const { exitCode, stderr } = await resume(scene);
      t.is(exitCode, 0, stderr);
      const { json } = await eventually(async () => {
        const answer = await here.agentFlow(['ps', '--json']);
        return answer.stderr.includes('orphans are not listed') ? null : answer;
      }, 'a list with the orphans');
      t.is(json.length, 1, JSON.stringify(json));
      t.like(json[0], { containerId: liar.id, run: null, agent: null, orphan: { whose: 'malformed' } });
      t.false(readdirSync(here.path).includes('x'));
      await liar.isUntouched(t);
      await liar.remove();
      await cameOut(t, here, { worker: fine });
    },
  },
];

export const claimed: readonly OutsideCell[] = [...names, ...labels];
