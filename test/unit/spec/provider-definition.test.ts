import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { providers } from '../../../src/providers/catalogue.ts';
import { planSchema } from '../../../src/spec/plan-schema.ts';
import { defineProvider, providerDefinition } from '../../../src/spec/provider-definition.ts';
import { parse, problems } from '../_helpers/spec.ts';

const mine = {
  install: { npm: '@me/mine', version: '1.2.3' },
  headless: { args: ['run', '--yes'], prompt: { flag: '--prompt' } },
  model: '--model',
  keys: ['MINE_API_KEY'],
  passThroughEnv: ['MINE_URL'],
  hosts: ['api.mine.example:443'],
};
const flowOf = (providers: object, agent: object = {}) => ({
  providers,
  agents: { a: { provider: 'mine', prompt: 'Go', ...agent } },
});

/** Return a home with these definitions in files of the user. */
function homeWith(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const home = mkdtempSync(join(tmpdir(), 'agent-flow-home-'));
  t.teardown(() => rmSync(home, { recursive: true }));
  const folder = join(home, '.config', 'agent-flow', 'providers');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return home;
}

test('a definition can say all that a provider of the package says', t => {
  for (const provider of providers) {
    const { name, verified, listedEnv, ...fields } = provider;
    const definition = providerDefinition.parse(JSON.parse(JSON.stringify(fields)));
    t.deepEqual(
      { ...defineProvider(name, definition), verified, ...(listedEnv && { listedEnv }) },
      provider,
      name,
    );
  }
});

test('an agent runs a CLI that the spec defines', async t => {
  const env = { HOME: homeWith(t, {}), MINE_API_KEY: 'dummy-key', MINE_URL: 'https://mine.example' };
  const flow = await parse(flowOf({ mine }, { model: 'large', network: { allow: ['@provider'] } }), env);
  const [agent] = flow.agents;
  t.deepEqual(agent!.command, ['mine', 'run', '--yes', '--model', 'large', '--prompt', 'Go']);
  t.is(agent!.env.MINE_URL, 'https://mine.example');
  t.deepEqual(agent!.secrets, [{ name: 'MINE_API_KEY', file: null }]);
  t.deepEqual(agent!.network, { mode: 'allow', hosts: ['api.mine.example:443', 'mine.example:443'] });
  t.is(agent!.report?.format, 'words');
  t.like(flow.providers?.[0], { name: 'mine', title: 'mine', program: 'mine', verified: false });
});

test('a plan with definitions can be read back', async t => {
  const flow = await parse(
    flowOf({ mine: { ...mine, brokered, customization: { skills: '.mine/skills' } } }),
  );
  t.deepEqual(planSchema.parse(JSON.parse(JSON.stringify(flow))), flow);
});

const brokered = { keys: [{ name: 'MINE_API_KEY', address: 'MINE_URL', api: 'openai' }] };

test('the broker holds a key that the definition names', async t => {
  const env = { HOME: homeWith(t, {}), MINE_API_KEY: 'dummy-key' };
  const [agent] = (await parse(flowOf({ mine: { ...mine, brokered } }), env)).agents;
  t.deepEqual(agent!.auth.login, { mode: 'brokered' });
  t.is(agent!.env.MINE_URL, 'http://agent-flow-broker:8080/v1');
  t.is(agent!.secrets[0]?.broker?.upstream, 'https://api.openai.com/v1');
});

test('a plan has the definitions that its agents use, and no others', async t => {
  const spec = flowOf({ mine, other: mine });
  t.deepEqual(
    (await parse(spec)).providers?.map(({ name }) => name),
    ['mine'],
  );
  t.is((await parse({ ...spec, agents: { a: { command: ['true'] } } })).providers, undefined);
});

test('a definition extends a provider of the package', async t => {
  const install = { npm: '@anthropic-ai/claude-code', version: '9.9.9' };
  const flow = await parse(flowOf({ mine: { extends: 'claude', install, env: { A: '1' } } }));
  t.like(flow.providers?.[0], { name: 'mine', title: 'Claude Code', program: 'claude', install });
  t.deepEqual(flow.providers?.[0]?.env, { A: '1' });
  t.is(flow.agents[0]!.command[0], 'claude');
});

test('references to variables in a definition are those of the CLI', async t => {
  const settings = [{ file: '.mine.json', json: { key: '${MINE_API_KEY}' } }];
  const flow = await parse(flowOf({ mine: { ...mine, settings } }));
  t.deepEqual(flow.agents[0]!.settings, settings);
});

test('a definition of the user is found by the name of its file, and one of the spec takes precedence', async t => {
  const HOME = homeWith(t, { 'mine.json': `// Mine\n${JSON.stringify({ ...mine, title: 'Of the user' })}` });
  t.is((await parse(flowOf({}), { HOME })).providers?.[0]?.title, 'Of the user');
  t.is((await parse(flowOf({ mine }), { HOME })).providers?.[0]?.title, 'mine');
});

test('a file that cannot be used matters only to agents that name it', async t => {
  const HOME = homeWith(t, { 'mine.json': '{"headless": {"promt": "last"}}', 'claude.json': '{}' });
  const file = join(HOME, '.config/agent-flow/providers/mine.json');
  const lines = await problems(flowOf({}), { HOME });
  t.is(lines.length, 1);
  t.true(
    lines[0]!.startsWith(
      `agents.a.provider: ${file}: headless.promt: unknown key; did you mean "prompt"?; install: missing`,
    ),
    lines[0],
  );
  t.deepEqual(await problems({ agents: { a: { command: ['true'] } } }, { HOME }), []);
});

for (const [title, definitions, expected] of [
  [
    'without its start',
    { mine: { install: mine.install } },
    /^providers\.mine\.headless: missing; add it, or "ext/,
  ],
  [
    'with a name of ours',
    { claude: mine },
    /^providers\.claude: agent-flow has a provider of this name; choose/,
  ],
  ['with the name of no provider', { command: mine }, /^providers\.command: "command" is any program/],
  ['with a name for no tag', { 'Mine!': mine }, /^providers\["Mine!"\]: expected a name of at most 40/],
  [
    'with a bad expression',
    { mine: { ...mine, loginHolds: '(' } },
    /^providers\.mine\.loginHolds: "\(": expected a reg/,
  ],
  [
    'that extends nothing',
    { mine: { extends: 'cluade' } },
    /^providers\.mine\.extends: .*did you mean "claude"/,
  ],
  [
    'with a path out of the home',
    { mine: { ...mine, login: ['../x'] } },
    /^providers\.mine\.login\[0\]: "\.\.\/x": expected a pa/,
  ],
  [
    'with a range of versions',
    { mine: { ...mine, install: { npm: 'mine', version: '^1.0.0' } } },
    /exact version/,
  ],
] as const)
  test(`a definition ${title} is refused`, async t => {
    const lines = await problems({ providers: definitions, agents: { a: { command: ['true'] } } });
    t.regex(lines.join('\n'), expected);
    t.is(lines.length, 1, lines.join('\n'));
  });

test('an agent cannot name a provider that is nowhere defined', async t => {
  t.deepEqual(await problems({ agents: { a: { provider: 'cluade', prompt: 'x' } } }), [
    'agents.a.provider: "cluade": no such provider; did you mean "claude"?',
  ]);
  const [unknown] = await problems({ agents: { a: { provider: 'something-else', prompt: 'x' } } });
  t.regex(unknown!, /no such provider; expected one of claude, .*docs\/custom-providers\.md/);
});
