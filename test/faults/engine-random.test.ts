import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { eventually, type Place } from '../engine/flow.ts';
import { canary } from './canary.ts';
import {
  type ExpectedOutcome,
  endProcessesOf,
  nothingDoubled,
  nothingLeft,
  nothingLost,
  processesOf,
  words,
} from './oracles.ts';
import { counted, stage } from './scenarios.ts';
import { numbersFrom, seed } from './seed.ts';
import { cell, isWhole } from './tally.ts';

/** Every third agent waits for the one before it, and they take different times. */
const agentsOf = (count: number, network: string) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `agent-${index}`,
      {
        ...counted(`sleep 0.${index % 7}`, `starts-${index}`),
        network: { name: network },
        ...(index % 3 === 2 ? { dependsOn: [`agent-${index - 1}`] } : {}),
      },
    ]),
  );
const expectationsOf = (count: number): Record<string, ExpectedOutcome> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `agent-${index}`,
      { status: 'succeeded', exitCode: 0, starts: { exactly: 1 }, counter: `starts-${index}` },
    ]),
  );

/** The position of a supervisor: the last line of its journal, and its running docker clients. */
const positionOf = (here: Place) => {
  const last = here.journal().at(-1);
  const at = last?.type === 'agent.state' ? last.state : last?.type === 'docker.call' ? last.argv[1] : '';
  const clients = processesOf(here)
    .map(words)
    .filter(line => /^\S*docker /.test(line));
  return [last?.type ?? 'nothing', at, ...clients.map(line => line.split(' ')[1]).sort()].join(' ').trim();
};

/** All positions at which a supervisor was killed, over all flows: repeated ones do not count. */
const seen = new Set<string>();

const flows = isWhole ? 11 : 1;
const size = isWhole ? 10 : 4;
/** New positions: per flow, and in total. */
const wanted = isWhole ? 5 : 3;
const wantedOfAll = isWhole ? 50 : wanted;
/** The maximum of lines that a supervisor journals before it is killed: a sixth of those of a flow. */
const longest = 6 * size;

for (let flow = 0; flow < flows; flow++) {
  const own = seed + flow;
  const title = `a flow of ${size} agents survives ${wanted} kills at random times (FAULTS_SEED=${own})`;
  cell({ block: 'A', fault: 'random kills', title }, async t => {
    const random = numbersFrom(own);
    const { here, network, env } = stage(t);
    t.teardown(() => endProcessesOf(here));
    const spec = { concurrency: 4, agents: agentsOf(size, network) };
    const kills = await killAgainAndAgain(t, here, { spec, env, random });
    t.log(`${kills.length} kills: ${kills.join(' | ')}; ${seen.size} different ones so far`);

    const foreign = here.runId() === null ? null : await canary(here.runId()!);
    t.teardown(() => foreign?.remove());
    const { exitCode, stderr } = await here.agentFlow(['resume', '--json'], { env });
    t.is(exitCode, 0, stderr);
    const expectations = expectationsOf(size);
    nothingLost(t, here, expectations);
    nothingDoubled(t, here, expectations);
    await nothingLeft(t, here);
    await foreign?.isUntouched(t);
  });
}

test.serial(`the kills were at ${wantedOfAll} or more different positions`, t => {
  t.true(seen.size >= wantedOfAll, `${seen.size}: ${[...seen].join(' | ')}`);
});

interface Trial {
  readonly spec: unknown;
  readonly env: NodeJS.ProcessEnv;
  readonly random: () => number;
}

/** Kill one supervisor after another until enough new positions were met; the run is never allowed to end. */
async function killAgainAndAgain(t: ExecutionContext, here: Place, { spec, env, random }: Trial) {
  const file = here.write(spec);
  const kills: string[] = [];
  let fresh = 0;
  for (let tries = 0; fresh < wanted && tries < wanted * 3; tries++) {
    const before = here.journal().length;
    const engine = here.start(before > 0 ? ['resume'] : ['run', file], { env });
    await eventually(() => here.journal().length > before, 'an engine at work');
    // By the length of the journal, not by the clock, so that every part of a run is as likely as its share of it.
    let isOver = false;
    void engine.finally(() => (isOver = true));
    const at = before + 1 + Math.floor(random() * longest);
    while (here.journal().length < at && !isOver) await delay(10);
    engine.kill('SIGSTOP');
    // A stopped process can be examined.
    const ended = here.journal().some(event => event.type === 'run.ended');
    const where = positionOf(here);
    if (ended) {
      engine.kill('SIGCONT');
      await engine;
      t.log('the run ended before it could be killed again');
      break;
    }
    engine.kill('SIGKILL');
    await engine;
    kills.push(where);
    if (!seen.has(where)) fresh++;
    seen.add(where);
  }
  return kills;
}
