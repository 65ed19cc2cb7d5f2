import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Place } from '../engine/flow.ts';
import { type Canary, canary } from './canary.ts';
import type { Fate } from './oracles.ts';
import { cells } from './outside-cells.ts';
import { claimed } from './outside-names.ts';
import { cell, isWhole } from './tally.ts';
import { docker, type Trial, tried, untilGo } from './trial.ts';

/** Block F: what other hands do to the containers, networks and names of a run. */

const fine: Fate = { status: 'succeeded', exitCode: 0, kind: null, attempts: [null], starts: { exactly: 1 } };
/** Its first attempt is lost, and the second one comes to its own end. */
const again: Fate = { ...fine, attempts: ['infrastructure', null], starts: { exactly: 2 } };

/** After so many milliseconds the events that an engine asks for no longer tell of it. */
const forgotten = 6_000;

/** Done to a container that runs its agent. */
const hands: Readonly<Record<string, Pick<Trial, 'hand' | 'fate'>>> = {
  'docker stop': { hand: id => docker('stop', id), fate: again },
  'docker kill': { hand: id => docker('kill', id), fate: again },
  'docker rm -f': { hand: id => docker('rm', '--force', id), fate: again },
  'docker restart': {
    hand: id => docker('restart', id),
    fate: again,
  },
  'docker kill, and docker start at once,': {
    async hand(id) {
      await docker('kill', id);
      await docker('start', id);
      await delay(forgotten);
    },
    fate: again,
  },
  'docker rename': { hand: id => docker('rename', id, `by-hand-${id.slice(0, 12)}`), fate: fine },
  'docker network disconnect': {
    async hand(id) {
      const network = await docker('inspect', '--format={{.HostConfig.NetworkMode}}', id);
      await docker('network', 'disconnect', network, id);
    },
    fate: fine,
  },
};
const telling = ['docker stop, engine dead'];

for (const [name, { hand, fate }] of Object.entries(hands))
  for (const isAbandoned of [false, true]) {
    if (!isWhole && !telling.includes(`${name}${isAbandoned ? ', engine dead' : ''}`)) continue;
    const title = `${name} of a running agent's container${isAbandoned ? ' whose engine is dead' : ''} ${
      fate === fine ? 'changes nothing' : 'is followed by a second attempt'
    }`;
    cell({ block: 'F', fault: isAbandoned ? 'by hand, engine dead' : 'by hand', title }, t =>
      tried(t, {
        title,
        agent: untilGo,
        // Should nobody see what was done, it ends all the same.
        more: { retries: 1, timeouts: { run: '60s' } },
        ...(hand && { hand }),
        ...(isAbandoned && { isAbandoned }),
        exitCode: 0,
        fate,
      }),
    );
  }

/** Done just before the engine makes a call, by the words that the call begins with, and where the id is in it. */
const moments = {
  'before its start': ['start', '$2'],
  'before it is asked for its session': ["exec '*' agent-ready", '$2'],
  'before its injection': ['exec --interactive', '$3'],
  'before its transcript is read': ['logs', '$2'],
  'before its removal': ['rm', '$4'],
} as const;
type Moment = keyof typeof moments;

const lost: Fate = { ...again, starts: { exactly: 1 } };
const early: readonly (readonly [string, Moment, Fate])[] = [
  ['rm --force', 'before its start', lost],
  ['rm --force', 'before it is asked for its session', lost],
  ['rm --force', 'before its injection', lost],
  ['rm --force', 'before its transcript is read', again],
  ['rm --force', 'before its removal', fine],
  ['stop', 'before its start', fine],
  ['stop', 'before it is asked for its session', lost],
  ['kill', 'before it is asked for its session', lost],
  ['kill', 'before its injection', lost],
  // Its session begins anew, and may be given the agent.
  ['restart', 'before it is asked for its session', { ...again, starts: { atMost: 2 } }],
  ['restart', 'before its injection', { ...again, starts: { atMost: 2 } }],
];

for (const [verb, moment, fate] of isWhole ? early : []) {
  const [words, id] = moments[moment];
  const title = `docker ${verb} of a container just ${moment} ${
    fate === fine ? 'changes nothing' : 'is followed by a second attempt'
  }`;
  cell({ block: 'F', fault: 'by hand, at every step', title }, t =>
    tried(t, {
      title,
      agent: 'exit 0',
      more: { retries: 1 },
      docker: { [words]: `if mkdir once 2>/dev/null; then "$real" ${verb} "${id}" >/dev/null; fi` },
      exitCode: 0,
      fate,
      looks: (t, here) => t.true(existsSync(join(here.path, 'once')), 'it has come to that'),
    }),
  );
}

/** Done at the second call of its kind alone. */
const second = (words: string) =>
  `if mkdir first 2>/dev/null; then :; elif mkdir second 2>/dev/null; then ${words}; fi`;
/** The call is done, and its engine dies before it knows. */
const dies = second('"$real" "$@" >/dev/null; kill -9 "$(cat engine)"; exit 1');
const renames = second('name=${2#--name=}; "$real" rename "${name%2}1" "$name"');

const isRestarted = `"$real" "$@"; "$real" kill "$3"; "$real" start "$3"; sleep ${forgotten / 1_000}; kill -9 "$(cat engine)"; exit 1`;

/** The container of the first attempt, which fails with 9, is there to be looked at; `others` that were kept as well. */
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
  fate: { ...again, status: 'failed', exitCode: 5, kind: 'exit', attempts: ['exit', 'exit'] } as const,
  looks: isKept(1),
};
const attempts: readonly Trial[] = [
  {
    ...firstFails,
    title: 'an engine that dies when a second attempt was created does not take the kept first one for it',
    docker: { create: dies },
    isAbandoned: true,
    exitCode: 0,
    fate: { ...again, attempts: ['exit', null] },
    looks: isKept(0),
    isTelling: true,
  },
  {
    ...bothFail,
    title: 'an engine that dies when a second attempt was started tells each attempt by its own end',
    docker: { start: dies },
  },
  {
    ...bothFail,
    title: 'an engine that dies when a second attempt was injected tells each attempt by its own end',
    docker: { 'exec --interactive': dies },
  },
  {
    ...firstFails,
    title: 'a kept container that somebody gives the name of the next attempt is not taken for it',
    docker: { create: renames },
    exitCode: 3,
    fate: {
      status: 'failed',
      exitCode: null,
      kind: 'nameConflict',
      attempts: ['exit', 'nameConflict'],
      starts: { exactly: 1 },
    },
    looks: isKept(0),
  },
  {
    title: 'a container that is restarted, while nobody knows yet that its agent was started, is not awaited',
    agent: '[ "$(wc -l <starts)" -gt 1 ] || sleep 300',
    more: { retries: 1, timeouts: { run: '5s', stop: '1s' } },
    docker: { 'exec --interactive': `if mkdir first 2>/dev/null; then ${isRestarted}; fi` },
    isAbandoned: true,
    exitCode: 0,
    fate: again,
  },
];
for (const trial of attempts.filter(({ isTelling }) => isWhole || isTelling))
  cell({ block: 'F', fault: 'kept attempts', title: trial.title }, t => tried(t, trial));

let foreign: Canary;
test.before(async () => {
  foreign = await canary();
});
test.after.always(() => foreign?.remove());

for (const { fault, title, isTelling, body } of [...cells, ...claimed])
  if (isWhole || isTelling)
    cell({ block: 'F', fault, title }, async t => {
      await body(t);
      await foreign.isUntouched(t);
    });
