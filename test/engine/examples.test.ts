import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parse } from 'jsonc-parser';
import type { Script } from '../../src/model-stub/script.ts';
import { repository, run } from '../unit/_helpers/repositories.ts';
import { clis, envOf } from './clis.ts';
import { eventually, type Place, place, small } from './flow.ts';
import { modelStub } from './model-stub.ts';
import { dummyKey as key } from './provider-runs.ts';

/** An example in a place of its own, with its repository and a model that follows a script. */
async function example(t: ExecutionContext, name: string, script: Script) {
  const here = place(t);
  const folder = join(here.path, name);
  cpSync(join(import.meta.dirname, '../../examples', name), folder, { recursive: true });
  const source = repository(join(folder, 'repository'), {});
  const stub = await modelStub(t, script);
  const file = join(folder, 'spec.json');
  const spec = parse(readFileSync(file, 'utf8'));
  const defaults = { ...small, memory: '2g', network: { name: stub.network }, timeouts: { run: '14m' } };
  const env = Object.assign({ ...here.env }, ...clis.map(cli => envOf(cli, stub, { key })));
  return {
    here,
    source,
    stub,
    /** Run it with the fields of `change` in its agents, and these AI CLIs. */
    start(providers: Readonly<Record<string, string>>, change: Readonly<Record<string, object>> = {}) {
      for (const [agent, fields] of Object.entries(change)) Object.assign(spec.agents[agent], fields);
      writeFileSync(file, JSON.stringify({ ...spec, defaults: { ...defaults, ...spec.defaults } }));
      return here.agentFlow(['run', file, '--json'], { env: { ...env, ...providers } });
    },
  };
}

const states = (here: Place, agent: string) =>
  here
    .journal()
    .flatMap(event => (event.type === 'agent.state' && event.agent === agent ? [event.state] : []));

/** Write a value as the output of an agent. */
const writes = (value: object) => `printf '%s' '${JSON.stringify(value)}' >"$AGENT_OUTPUT_FILE"`;

/** One bug for each message of a conversation. The first one is not all that it does. */
const fixes: Script = [
  {
    pattern: 'tests of this library fail',
    command: `: >test/slug.test.js; sed -i "s/replace(' '/replaceAll(' '/" src/slug.js`,
  },
  {
    pattern: 'there is no punctuation',
    command: `sed -i "s/title.toLowerCase()/title.toLowerCase().replaceAll(\\/[?,]\\/g, '')/" src/slug.js`,
  },
  {
    pattern: 'there are no accents',
    command: `sed -i "s/title.toLower/title.normalize('NFD').replaceAll(\\/[^ -~]\\/g, '').toLower/" src/slug.js`,
  },
];

for (const { name } of clis)
  test.serial(`fix-until-green: ${name} needs three rounds, in one conversation`, async t => {
    const { here, source, stub, start } = await example(t, 'fix-until-green', fixes);
    const { exitCode, json, stderr } = await start({ PROVIDER: name });
    t.is(exitCode, 0, `${stderr}\n${here.transcript('fixer')}`);
    const { rounds, attempts, workspace } = json.agents.fixer;
    t.deepEqual(
      rounds.map(({ status }: { status: string }) => status),
      ['failed', 'failed', 'passed'],
    );
    t.deepEqual(
      attempts.map(({ continues }: { continues?: number }) => continues),
      [undefined, 1, 2],
    );
    const prompts = stub.seen().filter(({ event, nonce }) => event === 'prompt' && nonce === 'script-3');
    t.deepEqual(prompts[0]?.earlier, ['script-1', 'script-2'], 'the model has the earlier turns');
    const usages = here.journal().flatMap(event => (event.type === 'attempt.ended' ? [event.usage!] : []));
    // Each round has the same number of requests, so that a sum of two would be twice as large.
    for (const { outputTokens } of usages) t.true(outputTokens < 1.8 * usages[0]!.outputTokens);
    const sum = usages.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
    t.is(json.agents.fixer.usage.outputTokens, sum);
    t.is(
      run(source, 'show', `${workspace.branch}:test/slug.test.js`),
      '',
      'its check had the protected file',
    );
    t.is((await here.agentFlow(['logs', '--check', '1', 'fixer'])).exitCode, 0);
  });

const functions = [
  ...['feetFromMetres', 'metresFromFeet', 'milesFromKilometres', 'kilometresFromMiles'],
  ...['poundsFromKilograms', 'kilogramsFromPounds', 'fahrenheitFromCelsius', 'celsiusFromFahrenheit'],
  ...['kelvinFromCelsius', 'celsiusFromKelvin', 'radiansFromDegrees', 'degreesFromRadians'],
];

test.serial(
  'plan-then-fan-out: an agent for each of twelve tasks, and a report with all outputs',
  async t => {
    const { here, source, start } = await example(t, 'plan-then-fan-out', [
      {
        pattern: 'List the functions of src/units.js',
        command: writes({ tasks: functions.map(name => ({ name, example: `${name}(0)` })) }),
      },
      {
        pattern: 'Write test/(\\w+)\\.test\\.js',
        command: `mkdir -p test && echo "import { $1 } from '../src/units.js'; $1(0);" >test/$1.test.js && printf '{"file":"test/%s.test.js"}' $1 >"$AGENT_OUTPUT_FILE"`,
      },
      { pattern: `these tests: .*${functions.join('.*')}`, command: 'echo all of them >REPORT.md' },
    ]);
    const { exitCode, json, stderr } = await start({});
    t.is(exitCode, 0, `${stderr}\n${here.transcript('plan')}`);
    const names = functions.map((_, index) => `work-${index + 1}`);
    t.deepEqual(json.agents.work.agents, names);
    t.deepEqual(
      json.agents.work.output,
      functions.map(name => ({ file: `test/${name}.test.js` })),
    );
    for (const [index, name] of names.entries())
      t.regex(
        run(source, 'ls-tree', '--name-only', '-r', json.agents[name].workspace.branch),
        new RegExp(functions[index]!),
      );
    t.is(readFileSync(json.agents.report.artifacts[0], 'utf8'), 'all of them\n');
  },
);

const addOption =
  "sed -i \"s/slug(title)/slug(title, { separator = '-' } = {})/; s/g, '-')/g, separator)/\" src/slug.js";

const review = (isAccepted: boolean, problems: readonly string[] = []) => {
  const value = { isAccepted, problems };
  return { command: writes(value), value };
};

const until = (here: Place, state: string, agent: string) =>
  eventually(() => states(here, agent).includes(state), `${agent} in the state ${state}`);

test.serial(
  'review-gate: a change that two reviews accept is released when a person approves it',
  async t => {
    const { here, source, start } = await example(t, 'review-gate', [
      { pattern: 'Add an option', command: addOption },
      { pattern: 'Review the last commit', ...review(true) },
    ]);
    const running = start({ AUTHOR: 'gemini', REVIEWER: 'claude' });
    await Promise.race([until(here, 'awaitingApproval', 'gate'), running]);
    const isReleased = states(here, 'release').length > 0;
    const approved = await here.agentFlow(['approve', 'gate', '-m', 'read it']);
    const { exitCode, json, stderr } = await running;
    t.is(exitCode, 0, `${stderr}\n${here.transcript('review-correctness')}`);
    t.is(approved.exitCode, 0, approved.stderr);
    t.false(isReleased);
    t.is(json.agents.rework.status, 'skipped');
    t.like(json.agents.gate.approval, { decision: 'approved', reason: 'read it' });
    t.deepEqual(json.agents['review-security'].output, { isAccepted: true, problems: [] });
    t.regex(here.transcript('release'), /src\/slug\.js \|/);
    t.regex(run(source, 'show', `${json.agents.author.workspace.branch}:src/slug.js`), /separator = '-'/);
  },
);

test.serial('review-gate: the problems of a change are solved, and it is not released', async t => {
  const { here, source, start } = await example(t, 'review-gate', [
    { pattern: 'Add an option', command: addOption },
    { pattern: 'last commit for security', ...review(false, ['$(touch /tmp/x) is not escaped']) },
    { pattern: 'last commit for correctness', ...review(true) },
    { pattern: 'problems .*\\$\\(touch /tmp/x\\) is not escaped', command: 'echo solved >>SOLVED' },
  ]);
  const { exitCode, json, stderr } = await start({
    AUTHOR: 'codex',
    REVIEWER: 'gemini',
    REWORKER: 'claude',
  });
  t.is(exitCode, 0, `${stderr}\n${here.transcript('review-correctness')}`);
  t.like(json.agents, {
    author: { status: 'succeeded' },
    rework: { status: 'succeeded' },
    gate: { status: 'skipped' },
    release: { status: 'skipped' },
  });
  t.is(run(source, 'show', `${json.agents.rework.workspace.branch}:SOLVED`), 'solved');
});
