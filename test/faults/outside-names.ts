import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { eventually, type Place } from '../engine/flow.ts';
import { image } from '../engine/images.ts';
import { type Canary, canary, createForeign, flags } from './canary.ts';
import { both, errorOf, fine, type OutsideCell, once, refused, two, worker } from './outside-cells.ts';
import { stage } from './scenarios.ts';
import { assertOutcomes, atWork, begin, letFinish, resume, untilGo } from './trial.ts';

/** Names of other containers, and labels set by others. */

const instanceOf = (here: Place) => readFileSync(join(here.stateDir, 'instance'), 'utf8').trim();
/** Removed after its test. */
const kept = (t: ExecutionContext, made: Canary) => {
  t.teardown(() => made.remove());
  return made;
};

/** A foreign container takes the next attempt's name while this one runs. */
const nextNameIsTaken = (isAbandoned: boolean) => async (t: ExecutionContext) => {
  const scene = stage(t);
  const { here } = scene;
  const run = begin(t, scene, { agents: { worker: worker(`${untilGo}; exit 9`, scene, { retries: 1 }) } });
  await atWork(here);
  if (isAbandoned) await run.kill();
  const holder = kept(t, await canary(here.runId()!, `tmux-agent-${here.runId()}-worker-2`));
  letFinish(here);
  const { exitCode, stderr } = await (isAbandoned ? resume(scene) : run.end);
  t.is(exitCode, 3, stderr);
  t.true(errorOf(here, 'worker').includes(holder.id.slice(0, 12)));
  await assertOutcomes(t, here, {
    worker: { ...refused('nameConflict', once), attempts: ['exit', 'nameConflict'] },
  });
  await holder.isUntouched(t);
};

const names: readonly OutsideCell[] = [
  {
    fault: 'names',
    title: 'a second attempt whose name is taken is refused, and the foreign container is not touched',
    isRepresentative: true,
    body: nextNameIsTaken(false),
  },
  {
    fault: 'names',
    title: 'a second attempt whose name was taken while no supervisor ran is refused',
    body: nextNameIsTaken(true),
  },
  ...['second', 'second-', 'second-1x', 'second-10', 'second-01', 'second-1.0'].map(like => ({
    fault: 'names',
    title: `a foreign container called …-${like} neither blocks …-second-1 nor is touched`,
    async body(t: ExecutionContext) {
      const scene = stage(t);
      const { here } = scene;
      const run = begin(t, scene, two(scene));
      await atWork(here);
      await run.kill();
      const alike = kept(t, await canary(here.runId()!, `tmux-agent-${here.runId()}-${like}`));
      letFinish(here);
      const { exitCode, stderr, stdout } = await resume(scene);
      t.is(exitCode, 0, `${stderr}\n${stdout}`);
      await assertOutcomes(t, here, both(fine));
      await alike.isUntouched(t);
    },
  })),
];

/** Labels that claim to belong to this state directory, with a run that is a path. */
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
      'an image that claims to be another agent of ours changes nothing, and its other container is not touched',
    async body(t) {
      const scene = stage(t);
      const { here } = scene;
      // Creates the state directory, so that even the instance can be forged.
      await here.agentFlow(['ps']);
      const forgedLabels = Object.entries({ ...claims(here, 'r0000000'), 'tmux-agents.attempt': '9' });
      const lines = forgedLabels.map(([key, value]) => `LABEL ${key}="${value}"`);
      const forged = await image(t, `FROM tmux-agents-base:latest\n${lines.join('\n')}\n`);
      const other = kept(t, await createForeign(forged));
      const run = begin(t, scene, { agents: { worker: worker('exit 0', scene, { image: forged }) } });
      const { exitCode, stderr } = await run.end;
      t.is(exitCode, 0, stderr);
      await other.isUntouched(t);
      await other.remove();
      await assertOutcomes(t, here, { worker: fine });
    },
  },
  {
    fault: 'labels',
    title: 'an image that claims our protocol without our commands starts nothing',
    async body(t) {
      const scene = stage(t);
      const unfit = await image(t, 'FROM debian:bookworm-slim\nLABEL tmux-agents.protocol=2\n');
      const run = begin(t, scene, { agents: { worker: worker('exit 0', scene, { image: unfit }) } });
      const { exitCode, stderr } = await run.end;
      t.is(exitCode, 1, stderr);
      t.regex(stderr, /the container cannot run agents: exec agent-init failed: No such file or directory/);
      await assertOutcomes(t, scene.here, { worker: { ...refused('tmuxLost'), exitCode: 127 } });
    },
  },
  {
    fault: 'labels',
    title:
      'a container whose labels claim a path as its run is listed as malformed, and no such path is created',
    async body(t) {
      const scene = stage(t);
      const { here } = scene;
      const run = begin(t, scene, { agents: { worker: worker(untilGo, scene) } });
      await atWork(here);
      const malformed = kept(
        t,
        await createForeign(...flags(claims(here, '../../x')), 'tmux-agents-base:latest'),
      );
      await run.kill();
      letFinish(here);
      t.is((await here.agentFlow(['resume', '--adopt'])).stderr, 'no orphans to adopt');
      const { exitCode, stderr } = await resume(scene);
      t.is(exitCode, 0, stderr);
      const { json } = await eventually(async () => {
        const result = await here.agentFlow(['ps', '--json']);
        return result.stderr.includes('orphans are not listed') ? null : result;
      }, 'a list with the orphans');
      t.is(json.length, 1, JSON.stringify(json));
      t.like(json[0], { containerId: malformed.id, run: null, agent: null, orphan: { origin: 'malformed' } });
      t.false(readdirSync(here.path).includes('x'));
      await malformed.isUntouched(t);
      await malformed.remove();
      await assertOutcomes(t, here, { worker: fine });
    },
  },
];

export const claimed: readonly OutsideCell[] = [...names, ...labels];
