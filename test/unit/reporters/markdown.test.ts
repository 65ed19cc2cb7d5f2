import test from 'ava';
import { markdown } from '../../../src/reporters/markdown.ts';
import { at, attemptEnds, ends, enters, failure, started, stateAfter } from '../_helpers/story.ts';

const mebibyte = 1 << 20;

test('a run is a table of its agents, followed by their failures', t => {
  const exit = {
    status: 'failed',
    exitCode: 7,
    error: { phase: 'running', kind: 'exit', message: 'exited with 7' },
  } as const;
  const state = stateAfter(
    started({ good: [], bad: [], after: ['bad'] }),
    enters(1, 'good', 'running.working'),
    attemptEnds(2, 'good'),
    ends(3, 'good'),
    attemptEnds(2, 'bad', exit),
    ends(3, 'bad', exit),
    ends(3, 'after', { ...failure('dependency'), status: 'skipped' }),
    at(9, { type: 'run.ended', status: 'failed', exitCode: 1 }),
  );
  t.is(
    markdown(state, mebibyte),
    `### \`fix\`

\`r1234567\` failed in 9.0s

| Agent | Status | Exit | Attempts | Time |
|---|---|---|---|---|
| \`good\` | succeeded | 0 | 1 | 2.0s |
| \`bad\` | failed | 7 | 1 | – |
| \`after\` | skipped | – | 0 | – |

**\`bad\` failed while \`running\`**

\`\`\`text
exited with 7
→ agent-flow logs r1234567/bad
\`\`\`

`,
  );
});

test('a message is fenced by more backticks than it contains', t => {
  const message = 'a\n```\n# big <img src=x> @you `````` [l](http://x) | b';
  const state = stateAfter(
    started({ a: [] }),
    ends(1, 'a', failure('exit', message)),
    at(2, { type: 'warning', agent: null, message: '`x``' }),
  );
  const text = markdown({ ...state, name: 'n | `m`' }, mebibyte);
  t.true(text.startsWith('### `` n | `m` ``\n'));
  t.true(text.includes('\n```````text\na ``` # big <img src=x> @you `````` [l](http://x) | b\n```````\n'));
  t.true(text.endsWith('``` `x`` ```\n\n'));
});

test('a bar in a name does not end its cell', t => {
  t.true(
    markdown(stateAfter(started({ 'a|b': [] }), ends(1, 'a|b')), mebibyte).includes(
      '| `a\\|b` | succeeded |',
    ),
  );
});

test('a report over the size limit is truncated at the end with a note', t => {
  const names = Array.from({ length: 300 }, (_, index) => `agent-${index}`);
  const state = stateAfter(
    started(Object.fromEntries(names.map(name => [name, []]))),
    ...names.map(name => ends(1, name, failure('exit', 'ü'.repeat(9000)))),
  );
  const complete = markdown(state, 1 << 30);
  t.true(Buffer.byteLength(complete) > mebibyte);
  const text = markdown(state, mebibyte);
  t.true(Buffer.byteLength(text) <= mebibyte);
  t.true(text.includes('`agent-299` | failed'));
  t.regex(text, /There was more than fits here[^\n]*\n$/);
  t.is(markdown(state, 10), '');
  t.is(markdown(state, -1), '');
});
