import test from 'ava';
import { lineOf } from '../../../src/reporters/lines.ts';
import { summary } from '../../../src/reporters/summary.ts';
import { resultOf } from '../../../src/state/result.ts';
import { at, attemptEnds, ends, enters, started, stateAfter } from '../_helpers/story.ts';

const branch = 'agent-flow/r1234567/fixer';
const none = { branch: null, commit: null, diff: null, path: null };
const saved = (workspace: object | null, artifacts: string[] = [], attempt = 1) =>
  at(3, {
    type: 'workspace.saved',
    agent: 'fixer',
    attempt,
    workspace: workspace && { ...none, ...workspace },
    artifacts,
  });
const story = (...events: ReturnType<typeof at>[]) =>
  stateAfter(
    started({ fixer: [] }),
    enters(1, 'fixer', 'running.working'),
    ...events,
    attemptEnds(4, 'fixer'),
    ends(5, 'fixer'),
  );

test('saved work is reported in a line, in the summary and in the result', t => {
  const event = saved({ branch, commit: 'c0ffee', diff: '/s/diff.patch' }, ['/s/artifacts/report.html']);
  t.regex(
    lineOf(stateAfter(started({ fixer: [] })), event)!,
    /work is on branch agent-flow\/r1234567\/fixer, 1 artifact kept$/,
  );
  const state = story(event);
  t.regex(summary(state), /^fixer: work is on branch agent-flow\/r1234567\/fixer$/m);
  t.deepEqual(resultOf(state).agents.fixer?.workspace, {
    branch,
    commit: 'c0ffee',
    diff: '/s/diff.patch',
    path: null,
  });
  t.deepEqual(resultOf(state).agents.fixer?.artifacts, ['/s/artifacts/report.html']);
});

test('commits without a branch are reported with the prefix of their refs', t => {
  const refs = 'refs/agent-flow/r1234567/fixer/1';
  for (const [workspace, text] of [
    [{ branch, refs }, `work is on branch ${branch}, other commits are below ${refs}`],
    [{ refs }, `commits are below ${refs}`],
  ] as const) {
    t.true(lineOf(stateAfter(started({ fixer: [] })), saved(workspace))!.endsWith(`  ${text}`));
    t.true(
      summary(story(saved(workspace)))
        .split('\n')
        .includes(`fixer: ${text}`),
    );
    t.is(resultOf(story(saved(workspace))).agents.fixer?.workspace?.refs, refs);
  }
});

test('a copy is reported with its path, and unchanged work is not reported', t => {
  t.regex(summary(story(saved({ path: '/s/workspace' }))), /^fixer: work is in \/s\/workspace$/m);
  const nothing = saved(null);
  t.is(lineOf(stateAfter(started({ fixer: [] })), nothing), null);
  t.notRegex(summary(story(nothing)), /work is/);
  t.is(resultOf(story(nothing)).agents.fixer?.workspace, null);
});

test('work that is saved after the end of its attempt is reported', t => {
  const state = stateAfter(
    started({ fixer: [] }),
    enters(1, 'fixer', 'running.working'),
    attemptEnds(4, 'fixer'),
    saved({ branch }),
    ends(5, 'fixer'),
  );
  t.is(resultOf(state).agents.fixer?.workspace?.branch, branch);
});
