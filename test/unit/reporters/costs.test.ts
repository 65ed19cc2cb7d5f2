import test from 'ava';
import { junit } from '../../../src/reporters/junit.ts';
import { lineOf } from '../../../src/reporters/lines.ts';
import { markdown } from '../../../src/reporters/markdown.ts';
import { summary } from '../../../src/reporters/summary.ts';
import { resultOf } from '../../../src/state/result.ts';
import { resultSchema } from '../../../src/state/result-schema.ts';
import { at, attemptEnds, ends, runStarted, stateAfter } from '../_helpers/story.ts';

const used = { turns: 2, inputTokens: 2000, cachedInputTokens: 0, outputTokens: 400 };
const agents = { a: [], b: [], c: [] };
const run = stateAfter(
  at(0, { ...runStarted('r1234567', agents), maxUsd: 5 }),
  attemptEnds(1, 'a', { usage: { ...used, costUsd: 0.4, pricesDate: '2026-11-20' } }),
  attemptEnds(2, 'a', { attempt: 2, usage: { ...used, costUsd: 0.2, pricesDate: '2026-12-01' } }),
  attemptEnds(2, 'b', { usage: { ...used, costUsd: null, unpricedModels: ['mine`|`'] } }),
  attemptEnds(2, 'c'),
  ...Object.keys(agents).map(name => ends(3, name)),
  at(9, { type: 'run.ended', status: 'succeeded', exitCode: 0 }),
);
const free = stateAfter(at(0, runStarted('r1', { a: [] })), attemptEnds(1, 'a'), ends(2, 'a'));

test('the result has the cost of each agent and of the run, with the newest date of its prices', t => {
  const result = resultOf(run);
  t.deepEqual(result.cost, {
    usd: 0.6,
    maxUsd: 5,
    pricesDate: '2026-12-01',
    unpricedModels: ['mine`|`'],
  });
  t.is(result.agents.a?.usage?.costUsd, 0.6);
  t.is(result.agents.b?.usage?.costUsd, null);
  t.deepEqual(Object.keys(result.agents.b!.usage!).sort(), Object.keys({ ...used, costUsd: 0 }).sort());
  t.deepEqual(resultSchema.parse(JSON.parse(JSON.stringify(result))), result);
  t.false('cost' in resultOf(free));
});

test('the summary has the cost of the run, its budget, and the models that have no price', t => {
  const lines = summary(run, { cwd: '/', home: '/root' }).split('\n');
  t.true(lines.includes('a: 4 turns, 4k tokens in, 800 out, $0.60'));
  t.true(lines.includes('cost: $0.60 of $5.00, by the list prices of 2026-12-01'));
  t.true(lines.includes('! no price is known for mine`|`: the cost lacks its tokens'));
  t.notRegex(summary(free), /cost|price/);
});

test('JUnit has the costs as properties, and Markdown as a column', t => {
  const xml = junit(run);
  t.regex(
    xml,
    /<property name="cost-usd" value="0.6"\/>\s*<property name="prices-date" value="2026-12-01"\/>/,
  );
  t.regex(xml, /<testcase[^>]*name="a"[^>]*>\s*<properties>\s*<property name="input-tokens" value="4000"\/>/);
  t.notRegex(junit(free), /cost|tokens/);
  const text = markdown(run, 1 << 20);
  t.regex(text, /\| Time \| Cost \|\n\|---\|---\|---\|---\|---\|---\|\n/);
  t.regex(text, /\| `a` \| succeeded \| 0 \| 2 \| – \| \$0.60 \|\n/);
  t.regex(
    text,
    /in 9.0s, for \$0.60 by the list prices of 2026-12-01, without the tokens of `` mine`\|` ``\n/,
  );
  t.notRegex(markdown(free, 1 << 20), /Cost/);
});

test('the part of an attempt is a line of the log', t => {
  const event = at(1, { type: 'attempt.budget', agent: 'a', attempt: 1, usd: 2.5 });
  t.regex(lineOf(run, event)!, / a {2}may use \$2.50 of the budget of the run$/);
});
