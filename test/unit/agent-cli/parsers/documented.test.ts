import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { packageFolder } from '../../../../src/package.ts';
import { report } from '../../../../src/spec/report-field.ts';
import { now, reported } from '../../_helpers/reported.ts';

const page = readFileSync(join(packageFolder, 'docs', 'custom-providers.md'), 'utf8');
const section = page.slice(page.indexOf('## Its report'));
const [lines = '', rules = '', shown = ''] = [...section.matchAll(/```(?:json|text)\n(.*?)```/gs)].map(
  ([, block]) => block!,
);

test('the documented rules read the documented lines as documented', t => {
  const result = reported({ report: report.parse(JSON.parse(rules)) }, lines.trimEnd().split('\n'));
  t.is(result.printed, shown);
  t.deepEqual(result.exit, { code: 1 });
  t.deepEqual(result.report?.failure, { kind: 'quota', message: 'Slow down.', resetsAt: now + 300_000 });
  t.like(result.report?.usage, { turns: 1, inputTokens: 100, cachedInputTokens: 40, outputTokens: 20 });
  t.deepEqual(Object.keys(result.report!.usage!.models!), ['mine-1']);
});
