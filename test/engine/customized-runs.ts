import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Cli, envOf, nonce as newNonce } from './clis.ts';
import { type Place, place, small } from './flow.ts';
import { type ModelStub, modelStub } from './model-stub.ts';
import { dummyKey } from './provider-runs.ts';

const fixture = join(import.meta.dirname, '..', 'fixtures', 'mcp-server.mjs');

/** A word that the stub logs if it is in a request. */
const mark = () => `zqmark${Math.random().toString(36).slice(2, 10).padEnd(8, '0')}`;

interface Customized {
  readonly here: Place;
  readonly stub: ModelStub;
  /** Words in the parts of what the agent gets. */
  readonly marks: Readonly<Record<'tool' | 'skill' | 'instructions' | 'repository', string>>;
  /** The value of a secret of the agent. */
  readonly token: string;
}

/** Create a place whose workspace has hooks and MCP servers of its own, each of which would write a file. */
async function customized(t: ExecutionContext): Promise<Customized> {
  const here = place(t);
  const stub = await modelStub(t);
  const marks = { tool: mark(), skill: mark(), instructions: mark(), repository: mark() };
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(here.path, file)), { recursive: true });
    writeFileSync(join(here.path, file), text);
  };
  const hook = 'touch /workspace/canary-hook';
  const server = { command: 'sh', args: ['-c', 'touch /workspace/canary-server'] };
  const hooks = (event: string) => ({
    hooks: { [event]: [{ hooks: [{ type: 'command', command: hook }] }] },
  });
  const json = (value: object) => JSON.stringify(value);
  write(
    'workspace/.claude/settings.json',
    json({ ...hooks('SessionStart'), enableAllProjectMcpServers: true }),
  );
  write('workspace/.mcp.json', json({ mcpServers: { canary: server } }));
  write(
    'workspace/.gemini/settings.json',
    json({ ...hooks('SessionStart'), mcpServers: { canary: server } }),
  );
  write('workspace/.codex/hooks.json', json(hooks('SessionStart')));
  write(
    'workspace/.codex/config.toml',
    `[mcp_servers.canary]\ncommand = "sh"\nargs = ${json(server.args)}\n`,
  );
  write(
    'workspace/.opencode/plugin/canary.js',
    `import { execSync } from 'node:child_process';
export const Canary = async () => {
  execSync(${JSON.stringify(hook)});
  return {};
};
`,
  );
  write(
    'workspace/opencode.json',
    json({ mcp: { canary: { type: 'local', command: [server.command, ...server.args], enabled: true } } }),
  );
  for (const file of ['CLAUDE.md', 'AGENTS.md', 'GEMINI.md'])
    write(`workspace/${file}`, `The repository says ${marks.repository}.\n`);
  write('rules.md', `The user says ${marks.instructions}.\n`);
  write(
    `skills/${marks.skill}/SKILL.md`,
    `---\nname: ${marks.skill}\ndescription: Writes notes.\n---\nWrite notes.\n`,
  );
  write('server/mcp-server.mjs', readFileSync(fixture, 'utf8'));
  return { here, stub, marks, token: `dummy-token-${newNonce()}` };
}

/** Run the CLI there, and return the marks in its requests. */
async function run(
  t: ExecutionContext,
  cli: Cli,
  { here, stub, marks, token }: Customized,
  fields: object,
): Promise<readonly string[]> {
  const nonce = newNonce();
  const { exitCode, stderr } = await here.run(
    {
      agents: {
        a: {
          provider: cli.name,
          // For its default model codex names MCP servers only, until the model asks for their tools.
          ...(cli.name === 'codex' ? { model: 'gpt-5.4' } : {}),
          prompt: `Write ${nonce} into the file answer.txt`,
          workspace: 'workspace',
          mounts: [{ source: 'server', target: '/opt/server' }],
          mcp: {
            docs: {
              command: ['node', '/opt/server/mcp-server.mjs', '/workspace/started', marks.tool],
              ...(passesSecrets(cli) ? { env: { TOKEN: { secret: 'TOKEN' } } } : {}),
            },
          },
          secrets: ['TOKEN'],
          skills: [`skills/${marks.skill}`],
          instructions: 'rules.md',
          network: { name: stub.network },
          ...small,
          memory: '2g',
          timeouts: { run: '5m' },
          ...fields,
        },
      },
    },
    [],
    {
      env: {
        ...here.env,
        ...envOf(cli, stub, { key: dummyKey, home: join(here.path, 'home') }),
        TOKEN: token,
      },
    },
  );
  t.is(exitCode, 0, `${stderr}\n${here.transcript('a')}`);
  t.is(readFileSync(join(here.workspace, 'answer.txt'), 'utf8').trim(), nonce);
  return stub.seen().flatMap(({ marks: found = [] }) => found);
}

/** Cline has no tried way to do so. */
const passesSecrets = ({ name }: Cli) => name !== 'cline';

const canaries = ({ here }: Customized) => readdirSync(here.workspace).filter(name => /^canary/.test(name));

const holds = (folder: string, text: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    name => statSync(join(folder, name)).isFile() && readFileSync(join(folder, name)).includes(text),
  );

/** Runs nothing that the repository configures, and gets all that the spec gives it. */
export async function getsOnlyOurs(t: ExecutionContext, cli: Cli, isInteractive: boolean): Promise<void> {
  const agent = await customized(t);
  const seen = await run(t, cli, agent, isInteractive ? { interactive: true, needsInput: 'fail' } : {});
  t.deepEqual(canaries(agent), []);
  checkOurs(t, cli, agent, seen);
}

/** Gets all that the spec gives it; for a CLI without a switch for the rest. */
export async function getsOurs(t: ExecutionContext, cli: Cli): Promise<void> {
  const agent = await customized(t);
  checkOurs(t, cli, agent, await run(t, cli, agent, { trustWorkspace: true }));
}

function checkOurs(
  t: ExecutionContext,
  cli: Cli,
  { here, marks, token }: Customized,
  seen: readonly string[],
): void {
  for (const [part, word] of Object.entries(marks)) t.true(seen.includes(word), part);
  const started = readFileSync(join(here.workspace, 'started'), 'utf8');
  const hash = createHash('sha256').update(token).digest('hex');
  if (passesSecrets(cli)) t.is(started, hash, 'the server gets the secret');
  t.deepEqual(holds(here.path, token), []);
}

/** Runs hooks and servers of a repository that the spec trusts: the other tests would find them. */
export async function trustsWorkspace(t: ExecutionContext, cli: Cli): Promise<void> {
  const agent = await customized(t);
  const seen = await run(t, cli, agent, { trustWorkspace: true });
  t.deepEqual(canaries(agent).sort(), ['canary-hook', 'canary-server']);
  checkOurs(t, cli, agent, seen);
}
