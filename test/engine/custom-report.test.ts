import test from 'ava';
import { place, small } from './flow.ts';
import { ownCli } from './own-cli.ts';

/** A CLI that prints JSON lines: a reply, and an error if its prompt asks for one. */
const cli = `#!/bin/sh
[ "$1" = --version ] && { echo 1.0.0; exit; }
echo '{"type": "reply", "text": "I will look.", "calls": [{"name": "bash", "input": {"command": "ls"}}]}'
echo '{"type": "reply", "text": "Done.", "model": "gpt-5.4", "tokens": {"new": 60, "cached": 40, "out": 20}}'
echo '{"type": "unknown", "text": "not shown"}'
grep -q fail "$2" && echo '{"type": "error", "message": "401: not for you"}'
exit 0
`;
const providers = {
  'jsonl-cli': {
    install: ownCli('jsonl-cli', cli, '1.0.0'),
    headless: { prompt: { file: '--prompt-file' } },
    report: {
      format: 'jsonl',
      events: [
        { when: "type == 'reply'", text: 'text' },
        { each: 'calls', toolCall: { name: 'name', input: 'input' } },
        {
          when: 'tokens',
          model: 'model',
          usageDelta: { turns: '`1`', inputTokens: 'tokens.[new, cached]', outputTokens: 'tokens.out' },
        },
        { when: "type == 'error'", failure: { message: 'message', status: 'message' } },
      ],
    },
  },
};
const agent = (prompt: string) => ({
  ...{ provider: 'jsonl-cli', prompt, auth: { login: 'off' } },
  ...{ workspace: { mode: 'none' }, ...small },
});

test('the rules of a spec read the output of a CLI in its container', async t => {
  const here = place(t);
  const { exitCode, json, stderr } = await here.run({
    providers,
    agents: { a: agent('Go'), b: agent('Please fail') },
  });
  t.is(exitCode, 1, stderr);
  const { a, b } = json.agents;
  t.is(a.status, 'succeeded');
  t.like(a.usage, { turns: 1, inputTokens: 100, outputTokens: 20 });
  t.regex(here.transcript('a'), /I will look\.\r?\n● bash ls\r?\nDone\.\r?\n— 1 turn, 100 tokens in, 20 out/);
  t.notRegex(here.transcript('a'), /not shown/);
  t.is(b.error.kind, 'authentication');
  t.regex(b.error.message, /^jsonl-cli: 401: not for you/);
  t.deepEqual(await here.containers(), []);
});
