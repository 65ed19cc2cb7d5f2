import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { trustWarnings } from '../../../src/preflight/trust-warnings.ts';
import { providers } from '../../../src/providers/catalogue.ts';
import type { McpJson } from '../../../src/providers/customization.ts';
import { planSchema } from '../../../src/spec/plan-schema.ts';
import { readSameSkill, readSkill } from '../../../src/spec/skill-files.ts';
import { ai } from '../_helpers/provider.ts';
import { directory, faults, parse, problems } from '../_helpers/spec.ts';

const write = (file: string, text: string | Buffer = 'x') => {
  mkdirSync(dirname(join(directory, file)), { recursive: true });
  writeFileSync(join(directory, file), text);
};

const refusals = async (provider: string, fields: object) =>
  (await faults({ command: undefined, provider, prompt: 'Go', ...fields })).map(line =>
    line.replace(/ \(.*/, ''),
  );

const docs = {
  command: ['npx', '-y', 'some-server'],
  env: { PLAIN: 'a "b" $C', TOKEN: { secret: 'TOKEN' } },
};
const api = {
  url: 'https://mcp.example.com/mcp',
  headers: { 'X-Plain': 'v', Authorization: { secret: 'TOKEN', prefix: 'Bearer ' } },
};
const fields = { mcp: { docs, api }, secrets: ['TOKEN'] };
const env = { TOKEN: 'dummy-token' };

const settingsOf = async (provider: string, file: string, key: string) => {
  const { settings } = await ai(provider, fields, env);
  const found = settings.filter(entry => entry.file === file && key in entry.json);
  return (found[0]?.json as Record<string, unknown> | undefined)?.[key];
};

const plainServers = {
  docs: { command: 'npx', args: ['-y', 'some-server'], env: { PLAIN: 'a "b" $C', TOKEN: '${TOKEN}' } },
  api: { url: api.url, headers: { 'X-Plain': 'v', Authorization: 'Bearer ${TOKEN}' } },
};

test('claude gets MCP servers as an argument, and names a secret by its variable', async t => {
  const { command } = await ai('claude', fields, env);
  const flag = '--mcp-config=';
  const found = command.find(word => word.startsWith(flag))!;
  t.deepEqual(JSON.parse(found.slice(flag.length)), {
    mcpServers: { ...plainServers, api: { type: 'http', ...plainServers.api } },
  });
});

test('codex gets MCP servers as arguments in TOML, and secrets by the names of their variables', async t => {
  const { command } = await ai('codex', fields, env);
  t.deepEqual(
    command.filter(word => word.startsWith('--config=mcp_servers.')),
    [
      '--config=mcp_servers.docs={"command"="npx","args"=["-y","some-server"],"env"={"PLAIN"="a \\"b\\" $C"},"env_vars"=["TOKEN"]}',
      '--config=mcp_servers.api={"url"="https://mcp.example.com/mcp","http_headers"={"X-Plain"="v"},"bearer_token_env_var"="TOKEN"}',
    ],
  );
  const other = await ai(
    'codex',
    { ...fields, mcp: { h: { url: api.url, headers: { 'X-Key': { secret: 'TOKEN' } } } } },
    env,
  );
  t.true(other.command.some(word => word.endsWith('"env_http_headers"={"X-Key"="TOKEN"}}')));
});

test('gemini, opencode and copilot get MCP servers in their settings', async t => {
  t.deepEqual(await settingsOf('gemini', '.gemini/settings.json', 'mcpServers'), {
    docs: plainServers.docs,
    api: { httpUrl: api.url, headers: plainServers.api.headers },
  });
  t.deepEqual(await settingsOf('opencode', '.config/opencode/opencode.json', 'mcp'), {
    docs: {
      type: 'local',
      enabled: true,
      command: docs.command,
      environment: { PLAIN: 'a "b" $C', TOKEN: '{env:TOKEN}' },
    },
    api: {
      type: 'remote',
      enabled: true,
      url: api.url,
      headers: { 'X-Plain': 'v', Authorization: 'Bearer {env:TOKEN}' },
    },
  });
  t.deepEqual(await settingsOf('copilot', '.copilot/mcp-config.json', 'mcpServers'), {
    docs: { type: 'local', tools: ['*'], ...plainServers.docs },
    api: { type: 'http', tools: ['*'], ...plainServers.api },
  });
});

test('cline, cursor, amp and kiro get MCP servers without secrets in their settings', async t => {
  const mcp = { docs: { command: ['x'] }, api: { url: api.url } };
  const found = async (provider: string, key: string) =>
    (await ai(provider, { mcp })).settings.find(({ json }) => key in json)!;
  const files = {
    cline: '.cline/data/settings/cline_mcp_settings.json',
    cursor: '.cursor/mcp.json',
    kiro: '.kiro/settings/mcp.json',
  };
  for (const [provider, file] of Object.entries(files))
    t.is((await found(provider, 'mcpServers')).file, file);
  t.is((await found('amp', 'amp.mcpServers')).file, '.config/amp/settings.json');
  t.true((await ai('cursor', { mcp })).command.includes('--approve-mcps'));
  t.false((await ai('cursor')).command.includes('--approve-mcps'));
});

test('no plan contains the value of a secret of an MCP server', async t => {
  for (const provider of ['claude', 'codex', 'gemini', 'opencode', 'copilot'])
    t.notRegex(JSON.stringify(await ai(provider, fields, env)), /dummy-token/, provider);
});

test('a secret of an MCP server has to be one of the agent', async t => {
  t.deepEqual(await refusals('claude', { mcp: { docs } }), [
    'mcp.docs.env.TOKEN: add "TOKEN" to the "secrets" of the agent',
  ]);
  t.deepEqual(await refusals('cline', fields), [
    'mcp.docs.env.TOKEN: cline has no tried way to read a secret of an MCP server; leave the server out, or use another provider',
    'mcp.api.headers.Authorization: cline has no tried way to read a secret of an MCP server; leave the server out, or use another provider',
  ]);
});

test('codex refuses a secret under another name, and with another prefix', async t => {
  const mcp = {
    a: { command: ['x'], env: { OTHER: { secret: 'TOKEN' } } },
    b: { url: api.url, headers: { 'X-Key': { secret: 'TOKEN', prefix: 'Key ' } } },
  };
  t.deepEqual(await refusals('codex', { mcp, secrets: ['TOKEN'] }), [
    'mcp.a.env.OTHER: codex passes a secret to an MCP server under its own name only: "TOKEN": {"secret": "TOKEN"}',
    'mcp.b.headers.X-Key: codex takes no other "prefix" than "Bearer " of "Authorization"',
  ]);
});

test('an MCP server is a command or an address', async t => {
  const refused = async (server: unknown) => refusals('claude', { mcp: { s: server } });
  t.deepEqual(await refused({}), ['mcp.s: {}: expected an object with a "command" or a "url"']);
  t.deepEqual(await refused({ command: ['x'], url: 'https://x.example' }), [
    'mcp.s.url: "https://x.example": there is a "command" too; give one of the two',
  ]);
  t.deepEqual(await refused({ command: ['x'], headers: {} }), [
    'mcp.s.headers: {}: this is for a server with a "url"',
  ]);
  t.deepEqual(await refused({ url: 'https://x.example', env: {} }), [
    'mcp.s.env: {}: this is for a server with a "command"',
  ]);
  for (const url of ['ftp://x.example', 'x', 'https://user:pass@x.example'])
    t.is((await refused({ url })).length, 1, url);
  t.deepEqual(await refusals('claude', { mcp: { '_x.y': { command: ['x'] } } }), [
    'mcp["_x.y"]: expected a name of at most 64 letters, digits, "-" and "_" that does not start with "-" or "_"',
  ]);
  t.is((await refused({ command: ['x'], env: { A: 1 } })).length, 1);
  t.regex((await refused({ command: ['x'.repeat(70_000)] }))[0]!, /expected at most 64 KiB/);
});

test('customization is refused for a command, and where a CLI has no documented place for it', async t => {
  const all = { mcp: {}, skills: [], instructions: 'customized.md', trustWorkspace: true };
  write('customized.md');
  t.deepEqual(
    await faults(all),
    Object.keys(all).map(key => `${key}: this is for an AI CLI; name its "provider"`),
  );
  t.deepEqual(await refusals('aider', all), [
    'mcp: aider has no documented place for MCP servers; drop "mcp", or use another provider',
    'skills: aider has no documented place for skills; drop "skills", or use another provider',
    'instructions: aider has no documented place for instructions of its user; drop "instructions", or use another provider',
  ]);
  t.deepEqual(
    await problems({
      defaults: { provider: 'aider', prompt: 'Go', instructions: 'customized.md' },
      agents: { a: {}, b: { command: ['x'] } },
    }),
    [
      'agents.a: aider has no documented place for instructions of its user; drop "instructions", or use another provider',
    ],
  );
});

test('instructions become text for the file of the CLI', async t => {
  write('rules.md', 'Be brief.\n${NOT_REPLACED}\n');
  const files = {
    claude: '.claude/CLAUDE.md',
    codex: '.codex/AGENTS.md',
    gemini: '.gemini/GEMINI.md',
    opencode: '.config/opencode/AGENTS.md',
    copilot: '.copilot/copilot-instructions.md',
    cline: '.cline/rules/agent-flow.md',
  };
  for (const [provider, file] of Object.entries(files))
    t.deepEqual((await ai(provider, { instructions: 'rules.md' })).instructions, {
      file,
      text: 'Be brief.\n${NOT_REPLACED}\n',
    });
  write('large.md', 'x'.repeat(2 ** 20 + 1));
  t.regex((await refusals('claude', { instructions: 'large.md' }))[0]!, /is larger than 1 MB/);
  t.regex((await refusals('claude', { instructions: 'none.md' }))[0]!, /does not exist/);
});

test('skills are folders of the host, by their name in the home', async t => {
  write('skills/notes/SKILL.md');
  const { skills } = await ai('claude', { skills: ['./skills/notes'] });
  t.like(skills, [{ source: join(directory, 'skills/notes'), home: '.claude/skills/notes' }]);
  const homes = {
    codex: '.codex/skills/notes',
    gemini: '.gemini/skills/notes',
    copilot: '.copilot/skills/notes',
  };
  for (const [provider, home] of Object.entries(homes))
    t.is((await ai(provider, { skills: ['skills/notes'] })).skills![0]!.home, home);
});

test('a folder that is not a skill, or too large, is refused', async t => {
  write('bad/empty/README.md');
  write('bad/large/SKILL.md', Buffer.alloc(700_000));
  write('bad/large2/SKILL.md', Buffer.alloc(700_000));
  write('bad/link/SKILL.md');
  symlinkSync('/etc/passwd', join(directory, 'bad/link/passwd'));
  write('bad/many/SKILL.md');
  for (let index = 0; index < 200; index++) write(`bad/many/file-${index}`);
  write('bad/again/large/SKILL.md');
  const refused = async (...skills: string[]) => (await refusals('claude', { skills }))[0];
  t.regex((await refused('bad/none'))!, /skills\[0\]: .* does not exist/);
  t.regex((await refused('bad/empty'))!, /is not a skill: it holds no SKILL\.md/);
  t.regex((await refused('bad/link'))!, /passwd is not a regular file/);
  t.regex((await refused('bad/many'))!, /holds more than 200 files/);
  t.regex((await refused('/etc'))!, /is never given to an agent/);
  t.is(await refused('bad/large'), undefined);
  t.regex(
    (await refused('bad/large', 'bad/large2'))!,
    /skills\[1\]: .*: with it the skills have more than 1 MiB/,
  );
  t.regex((await refused('bad/large', 'bad/again/large'))!, /skills\[1\]: .*: another skill is named large/);
});

test('a plan with all of it is read back from disk', async t => {
  write('skills/back/SKILL.md');
  write('back.md');
  const flow = await parse(
    {
      agents: {
        a: {
          provider: 'claude',
          prompt: 'Go',
          ...fields,
          skills: ['skills/back'],
          instructions: 'back.md',
          trustWorkspace: true,
        },
      },
    },
    env,
  );
  t.deepEqual(planSchema.parse(JSON.parse(JSON.stringify(flow))), flow);
});

test('a CLI trusts its workspace only if the spec says so', async t => {
  const trusted = { trustWorkspace: true };
  const claude = (await ai('claude', trusted)).command.join(' ');
  t.notRegex(claude, /setting-sources|strict-mcp/);
  const codex = (await ai('codex', trusted)).command;
  t.true(codex.includes('--config=projects={"/workspace"={trust_level="trusted"}}'));
  t.true(codex.includes('--dangerously-bypass-hook-trust'));
  t.false((await ai('codex')).command.some(word => /projects=|bypass-hook-trust/.test(word)));
  const interactive = (await ai('codex', { ...trusted, interactive: true })).command;
  t.is(interactive.filter(word => word === '--dangerously-bypass-hook-trust').length, 1);
  t.is((await ai('gemini')).env.GEMINI_CLI_TRUST_WORKSPACE, 'false');
  t.is((await ai('gemini', trusted)).env.GEMINI_CLI_TRUST_WORKSPACE, 'true');
  t.false((await ai('gemini', trusted)).command.includes('--skip-trust'));
  t.is((await ai('opencode')).env.OPENCODE_DISABLE_PROJECT_CONFIG, '1');
  t.is((await ai('opencode', trusted)).env.OPENCODE_DISABLE_PROJECT_CONFIG, undefined);
  t.is((await ai('copilot', trusted)).env.COPILOT_ALLOW_ALL, 'true');
});

test('a CLI without a switch is reported once, unless the spec trusts the workspace', async t => {
  const flow = (provider: string, given: object = {}) =>
    parse({
      defaults: { provider, prompt: 'Go', ...given },
      agents: { a: {}, b: {}, c: { command: ['x'] } },
    });
  const warnings = trustWarnings(await flow('cline'));
  t.is(warnings.length, 1);
  t.regex(warnings[0]!, /in the workspace of a and 1 more may run, .*: cline cannot switch them off/);
  t.deepEqual(trustWarnings(await flow('cline', { trustWorkspace: true })), []);
  t.deepEqual(trustWarnings(await flow('cline', { workspace: { mode: 'none' } })), []);
  t.deepEqual(trustWarnings(await flow('claude')), []);
});

test('every form of MCP servers of a catalogued CLI is whole', t => {
  for (const { name, customization } of providers) {
    if (customization.mcp === null || customization.mcp === 'toml') continue;
    const { variable, key }: McpJson = customization.mcp;
    t.true(variable === null || variable.includes('NAME'), name);
    t.true(key.length > 0, name);
  }
});

test('a skill that has changed since the spec was read is not used', async t => {
  write('skills/changed/SKILL.md');
  const [skill] = (await ai('claude', { skills: ['skills/changed'] })).skills!;
  const again = () => readSameSkill(skill!.source, skill!.sha256);
  t.true('files' in again());
  chmodSync(join(directory, 'skills/changed/SKILL.md'), 0o755);
  t.regex(String(Object.values(again())[0]), /has changed since the run began/);
  chmodSync(join(directory, 'skills/changed/SKILL.md'), 0o644);
  t.true('files' in again());
  mkdirSync(join(directory, 'elsewhere'));
  rmSync(join(directory, 'skills/changed'), { recursive: true });
  symlinkSync('../elsewhere', join(directory, 'skills/changed'));
  t.true('reason' in again());
});

test('a file of a skill keeps its permission to be run', t => {
  write('skills/run/SKILL.md');
  write('skills/run/scripts/check.sh');
  chmodSync(join(directory, 'skills/run/scripts/check.sh'), 0o755);
  const skill = readSkill(join(directory, 'skills/run'));
  t.deepEqual('files' in skill && skill.files.map(({ path, isExecutable }) => [path, isExecutable]), [
    ['SKILL.md', false],
    ['scripts/check.sh', true],
  ]);
});
