import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Place } from '../engine/flow.ts';
import { type Canary, canary } from './canary.ts';
import type { ExpectedOutcome } from './oracles.ts';
import { cells } from './outside-cells.ts';
import { claimed } from './outside-names.ts';
import { cell, isWhole } from './tally.ts';
import { docker, runTrial, type Trial, untilGo } from './trial.ts';

/** Block F: external changes to the containers, networks and names of a run. */

const fine: ExpectedOutcome = {
  status: 'succeeded',
  exitCode: 0,
  kind: null,
  attempts: [null],
  starts: { exactly: 1 },
};
/** Its first attempt is lost, and the second one ends by itself. */
const again: ExpectedOutcome = { ...fine, attempts: ['infrastructure', null], starts: { exactly: 2 } };

/** Milliseconds after which the events that a supervisor requests no longer include it. */
const forgotten = 6_000;

/** Changes to a container that runs its agent. */
const interventions: Readonly<Record<string, Pick<Trial, 'intervene' | 'expected'>>> = {
  'docker stop': { intervene: id => docker('stop', id), expected: again },
  'docker kill': { intervene: id => docker('kill', id), expected: again },
  'docker rm -f': { intervene: id => docker('rm', '--force', id), expected: again },
  'docker restart': {
    intervene: id => docker('restart', id),
    expected: again,
  },
  'docker kill, and docker start at once,': {
    async intervene(id) {
      await docker('kill', id);
      await docker('start', id);
      await delay(forgotten);
    },
    expected: again,
  },
  'docker rename': { intervene: id => docker('rename', id, `by-hand-${id.slice(0, 12)}`), expected: fine },
  'docker network disconnect': {
    async intervene(id) {
      const network = await docker('inspect', '--format={{.HostConfig.NetworkMode}}', id);
      await docker('network', 'disconnect', network, id);
    },
    expected: fine,
  },
};
const representative = ['docker stop, engine dead'];

for (const [name, { intervene, expected }] of Object.entries(interventions))
  for (const isAbandoned of [false, true]) {
    if (!isWhole && !representative.includes(`${name}${isAbandoned ? ', engine dead' : ''}`)) continue;
    const title = `${name} of a running agent's container${isAbandoned ? ' whose supervisor is dead' : ''} ${
      expected === fine ? 'changes nothing' : 'is followed by a second attempt'
    }`;
    cell({ block: 'F', fault: isAbandoned ? 'by hand, engine dead' : 'by hand', title }, t =>
      runTrial(t, {
        title,
        agent: untilGo,
        // If the change went unnoticed, the agent would still end.
        more: { retries: 1, timeouts: { run: '5m' } },
        ...(intervene && { intervene }),
        ...(isAbandoned && { isAbandoned }),
        exitCode: 0,
        expected,
      }),
    );
  }

/**
 * Changes just before a call of the supervisor, by the words that the call begins with, and the position of the id
 * in it.
 */
const moments = {
  'before its start': ['start', '$2'],
  'before its injection': ['exec --interactive', '$3'],
  'before its transcript is read': ['logs', '$2'],
  'before its removal': ['rm', '$4'],
} as const;
type Moment = keyof typeof moments;

const lost: ExpectedOutcome = { ...again, starts: { exactly: 1 } };
const early: readonly (readonly [string, Moment, ExpectedOutcome])[] = [
  ['rm --force', 'before its start', lost],
  ['rm --force', 'before its injection', lost],
  ['rm --force', 'before its transcript is read', again],
  ['rm --force', 'before its removal', fine],
  ['stop', 'before its start', fine],
  ['stop', 'before its injection', lost],
  ['kill', 'before its injection', lost],
  // Its session begins again, and may get the agent.
  ['restart', 'before its injection', { ...again, starts: { atMost: 2 } }],
];

for (const [verb, moment, expected] of isWhole ? early : []) {
  const [words, id] = moments[moment];
  const title = `docker ${verb} of a container just ${moment} ${
    expected === fine ? 'changes nothing' : 'is followed by a second attempt'
  }`;
  cell({ block: 'F', fault: 'by hand, at every step', title }, t =>
    runTrial(t, {
      title,
      agent: 'exit 0',
      more: { retries: 1 },
      docker: { [words]: `if mkdir once 2>/dev/null; then "$real" ${verb} "${id}" >/dev/null; fi` },
      exitCode: 0,
      expected,
      verify: (t, here) => t.true(existsSync(join(here.path, 'once')), 'the change was made'),
    }),
  );
}

/** Runs at the second call of its kind only. */
const second = (words: string) =>
  `if mkdir first 2>/dev/null; then :; elif mkdir second 2>/dev/null; then ${words}; fi`;
/** The call completes, and the supervisor dies before its result. */
const dies = second('"$real" "$@" >/dev/null; kill -9 "$(cat engine)"; exit 1');
const renames = second('name=${2#--name=}; "$real" rename "${name%2}1" "$name"');

const isRestarted = `"$real" "$@"; "$real" kill "$3"; "$real" start "$3"; sleep ${forgotten / 1_000}; kill -9 "$(cat engine)"; exit 1`;

/** The container of the first attempt, which fails with 9, is kept; so are `others`. */
const isKept = (others: number) => async (t: ExecutionContext, here: Place) => {
  const ends = here.journal().flatMap(event => (event.type === 'attempt.ended' ? [event.containerId] : []));
  const left = await here.containers(['status=exited']);
  t.true(left.includes(ends[0]!), 'the first attempt is kept');
  t.is(await docker('inspect', '--format={{.State.ExitCode}}', ends[0]!), '9');
  t.is(left.length, 1 + others);
  const { exitCode, stderr } = await here.agentFlow(['cleanup']);
  t.is(exitCode, 0, stderr);
};

const firstFails = {
  agent: '[ "$(wc -l <starts)" -gt 1 ] || exit 9',
  more: { retries: 1, keep: 'on-failure' },
};
const bothFail = {
  ...firstFails,
  agent: `${firstFails.agent}; exit 5`,
  isAbandoned: true as const,
  exitCode: 1,
  expected: { ...again, status: 'failed', exitCode: 5, kind: 'exit', attempts: ['exit', 'exit'] } as const,
  verify: isKept(1),
};
const attempts: readonly Trial[] = [
  {
    ...firstFails,
    title:
      'a supervisor that dies after the create of a second attempt does not mistake the kept first one for it',
    docker: { create: dies },
    isAbandoned: true,
    exitCode: 0,
    expected: { ...again, attempts: ['exit', null] },
    verify: isKept(0),
    isRepresentative: true,
  },
  {
    ...bothFail,
    title: 'a supervisor that dies after the start of a second attempt ends each attempt by its own record',
    docker: { start: dies },
  },
  {
    ...bothFail,
    title:
      'a supervisor that dies after the injection of a second attempt ends each attempt by its own record',
    docker: { 'exec --interactive': dies },
  },
  {
    ...firstFails,
    title: "a kept container that is renamed to the next attempt's name is not mistaken for it",
    docker: { create: renames },
    exitCode: 3,
    expected: {
      status: 'failed',
      exitCode: null,
      kind: 'nameConflict',
      attempts: ['exit', 'nameConflict'],
      starts: { exactly: 1 },
    },
    verify: isKept(0),
  },
  {
    title: 'a container that is restarted before the start of its agent is journaled is not awaited',
    agent: '[ "$(wc -l <starts)" -gt 1 ] || sleep 300',
    more: { retries: 1, timeouts: { run: '5s', stop: '1s' } },
    docker: { 'exec --interactive': `if mkdir first 2>/dev/null; then ${isRestarted}; fi` },
    isAbandoned: true,
    exitCode: 0,
    expected: again,
  },
];
for (const trial of attempts.filter(({ isRepresentative }) => isWhole || isRepresentative))
  cell({ block: 'F', fault: 'kept attempts', title: trial.title }, t => runTrial(t, trial));

let foreign: Canary;
test.before(async () => {
  foreign = await canary();
});
test.after.always(() => foreign?.remove());

for (const { fault, title, isRepresentative, body } of [...cells, ...claimed])
  if (isWhole || isRepresentative)
    cell({ block: 'F', fault, title }, async t => {
      await body(t);
      await foreign.isUntouched(t);
    });
