import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { eventually, place, small } from './flow.ts';
import { image } from './images.ts';

/** Sets a title, clears the screen and reverses the reading direction, with C0 and C1 control characters. */
const hostile = '\x1b]0;pwned\x07\x1b[2Jnothing \u202ehappened\x9b31m\x7f here\u2066';
const clean = 'nothing happened here';
const unsafe = /[\x00-\x08\x0b-\x1f\x7f-\x9f\p{Bidi_Control}\p{Cs}]/u;

const base64 = (text: string) => Buffer.from(text).toString('base64');
const report = JSON.stringify({
  usage: null,
  failure: { kind: 'needsInput', message: hostile, resetsAt: null },
});

/** In place of tmux, whose last screen agent-init reads. */
const tmux = `#!/bin/sh
case $* in *capture-pane*) echo ${base64(`${hostile}\n${hostile}\n`)} | base64 -d ;; *) exec "$0.real" "$@" ;; esac
`;

/**
 * An AI CLI that ends its watcher and forges messages in its name: in titles of its own, which are only output, in the
 * files that agent-init reads, and in place of tmux.
 */
const cli = `#!/bin/sh
nonce=$(tr '\\0' '\\n' </proc/1/environ | sed -n 's/^AGENT_NONCE=//p')
until [ -e go ]; do
  printf 'needsInput %s\\n' "$(echo ${base64(hostile)} | base64 -d)" >>/run/agent/activity
  sleep 0.5
done
printf '\\033]2;agent-screen-%s-%s\\007' "$nonce" ${base64('only printed')}
for at in /proc/[0-9]*; do ! grep -q agent-interactive $at/cmdline || kill -9 \${at#/proc/}; done 2>/dev/null
tmux=$(command -v tmux)
mv "$tmux" "$tmux.real"
echo ${base64(tmux)} | base64 -d >"$tmux"
chmod 755 "$tmux"
echo ${base64(report)} | base64 -d >/run/agent/report
echo ${base64(hostile)} | base64 -d
exit 1
`;

/** Built once: the second run reuses its layer too. */
const attacker = () => {
  built ??= image(file, recipe);
  return built;
};
const recipe = `FROM node:22-slim\nRUN echo ${base64(cli)} | base64 -d >/usr/local/bin/claude && chmod 755 /usr/local/bin/claude\n`;
let built: Promise<string> | null = null;
const undo: (() => unknown)[] = [];
const file = { teardown: (work: () => unknown) => void undo.push(work) };
test.after.always(() => Promise.all(undo.map(work => work())));

/** Run it, and return everything that is printed and kept of it, by place. */
async function everyOutputOf(t: ExecutionContext, more: NodeJS.ProcessEnv = {}) {
  const here = place(t);
  const summary = join(here.path, 'summary.md');
  const env = { ...here.env, ...more, GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary };
  const a = {
    provider: 'claude',
    prompt: 'x',
    interactive: true,
    auth: 'off',
    image: await attacker(),
    network: 'none',
    workspace: 'workspace',
    ...small,
  };
  const files = ['--events', 'events.ndjson', '--junit', 'junit.xml', '--html', 'run.html'];
  const running = here.start(['run', here.write({ agents: { a } }), '--json', ...files], { env });
  const needsInput = () =>
    here
      .journal()
      .some(event => event.type === 'agent.state' && event.cause?.replace(/[^a-z ]/g, '').endsWith('here'));
  await eventually(needsInput, 'the agent that needs input').catch(async error => {
    running.kill();
    throw new Error(`${error.message}: ${String((await running).stderr)}`);
  });
  writeFileSync(join(here.workspace, 'go'), '');
  const { stdout, stderr } = await running;
  const run = join(here.stateDir, 'runs', here.runId()!);
  const read = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  const lines = (text: string) =>
    text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
  const { error, screen } = JSON.parse(String(stdout)).agents.a;
  return {
    screen,
    message: error.message as string,
    outputs: {
      '--json': strings(JSON.parse(String(stdout))),
      'result.json': strings(JSON.parse(read(join(run, 'result.json')))),
      '--events': strings(lines(read(join(here.path, 'events.ndjson')))),
      'the journal': strings(lines(read(join(run, 'journal.jsonl')))),
      JUnit: read(join(here.path, 'junit.xml')),
      'the log': String(stderr),
      'the summary': read(summary),
    },
  };
}

/** Printed as by `jq -r ..`. */
const strings = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : typeof value === 'object' && value !== null
      ? Object.values(value).map(strings).join('\n')
      : '';

test.serial(
  'an agent that forges its screen, its report and its questions gets no control character into any output',
  async t => {
    const { screen, message, outputs } = await everyOutputOf(t);
    t.is(screen, `${clean}\n${clean}`);
    t.true(message.endsWith(clean), message);
    for (const [where, text] of Object.entries(outputs)) {
      t.true(text.includes(clean), `${where}: ${text}`);
      t.notRegex(text, unsafe, where);
    }
  },
);

test.serial('control: with plainText() off, its control characters are in every output', async t => {
  const off = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'no-cleaning.ts')}` };
  const { screen, outputs } = await everyOutputOf(t, off);
  t.is(screen, `${hostile}\n${hostile}`);
  for (const [where, text] of Object.entries(outputs)) t.regex(text, unsafe, where);
});
