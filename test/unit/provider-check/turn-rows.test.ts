import test from 'ava';
import type { StubObservation } from '../../../src/provider-check/model-server.ts';
import { infrastructureFailure, type TurnEnd } from '../../../src/provider-check/turn-end.ts';
import {
  keyRow,
  launchRow,
  loggedOutRow,
  noConversationRow,
  resumeRow,
  schemaRow,
  toolCallRow,
} from '../../../src/provider-check/turn-rows.ts';
import { claude } from '../../../src/providers/claude.ts';

const succeeded = {
  status: 'succeeded',
  exitCode: 0,
  error: null,
  containerId: null,
  image: null,
  attempts: [],
  transcript: '/checks/transcript.log',
  blockedHosts: [],
  workspace: null,
  artifacts: [],
} as const satisfies TurnEnd['agent'];

const turn = (
  seen: readonly StubObservation[] = [],
  { lines = [], ...agent }: Partial<TurnEnd['agent']> & { lines?: readonly string[] } = {},
): TurnEnd => ({ agent: { ...succeeded, ...agent }, seen, lines });

const failure = (kind: string, message = 'the command exited with 2') => ({
  status: 'failed' as const,
  exitCode: 2,
  error: { phase: 'running', kind, message },
});

test('a launch that fails names the exit code and the last line', t => {
  t.like(launchRow(turn()), { status: 'ok', details: 'exit 0', transcript: null });
  const lines = ['$ claude --no-such-flag', "error: unknown option '--no-such-flag'", ''];
  t.deepEqual(launchRow(turn([], { ...failure('exit'), lines })), {
    check: 'launch',
    status: 'failed',
    details: "exit 2: error: unknown option '--no-such-flag'",
    transcript: '/checks/transcript.log',
  });
  t.is(launchRow(turn([], failure('timeout', 'it took 5m'))).details, 'it took 5m');
});

test('a failure of Docker is none of the CLI', t => {
  t.is(infrastructureFailure(turn([], failure('unreachable', 'no engine'))), 'no engine');
  t.is(infrastructureFailure(turn([], failure('exit'))), null);
  t.is(infrastructureFailure(turn()), null);
});

test('a CLI without a login has to fail by itself', t => {
  const lines = ['Please log in.'];
  t.like(loggedOutRow(turn([], { ...failure('exit'), lines })), {
    status: 'ok',
    details: 'without a login it fails: exit 2: Please log in.',
  });
  t.is(loggedOutRow(turn()).status, 'failed');
  const hangs = loggedOutRow(turn([], { ...failure('timeout', 'it took 5m'), status: 'timedOut' }));
  t.like(hangs, { status: 'failed', details: 'without a login it does not end: it took 5m' });
});

const nonce = 'NONCE-1';
const called = (...seen: StubObservation[]) => toolCallRow(turn(seen), { nonce, answer: nonce, api: 'chat' });

test('a tool call needs the result at the model and the file', t => {
  const result = { event: 'tool-result', nonce };
  t.is(called({ event: 'prompt', nonce }, result).status, 'ok');
  t.regex(called({ event: 'tool-result', nonce: 'NONCE-2' }).details, /no prompt/);
  const other = toolCallRow(turn([result]), { nonce, answer: 'other', api: 'chat' });
  t.regex(other.details, /answer\.txt has other content/);
  t.is(toolCallRow(turn([result]), { nonce, answer: null, api: 'chat' }).status, 'failed');
});

test('a tool call that fails is explained by what the model has seen', t => {
  const prompt = { event: 'prompt', nonce };
  const expected: [StubObservation[], RegExp][] = [
    [[], /has not called the model: check the address/],
    [[{ event: 'unknown', method: 'GET', path: '/v3/x' }], /called GET \/v3\/x, .* API "chat"/],
    [[{ event: 'unauthorized', api: 'chat' }], /without its key/],
    [[{ event: 'aside' }], /no request had both the prompt and a tool/],
    [[prompt], /not returned the result/],
    [[prompt, { event: 'tool-failed', nonce }], /tool that the model called has failed/],
  ];
  for (const [seen, details] of expected) t.like(called(...seen), { status: 'failed' }, String(details));
  for (const [seen, details] of expected) t.regex(called(...seen).details, details);
});

test('a refused key has to be reported as authentication', t => {
  t.is(keyRow(turn([], failure('authentication')), claude).status, 'ok');
  const unauthorized = [{ event: 'unauthorized' }];
  t.regex(keyRow(turn(unauthorized, failure('exit')), claude).details, /reported as exit: exit 2/);
  t.regex(keyRow(turn(unauthorized), claude).details, /exits with 0/);
  t.regex(keyRow(turn([], failure('exit')), claude).details, /has not called the model/);
  t.is(keyRow(turn(unauthorized, failure('exit')), { report: null }).status, 'not supported');
});

const conversation = claude.conversation!;
const resumed = (...seen: StubObservation[]) =>
  resumeRow(turn(seen), { first: 'NONCE-1', second: 'NONCE-2', conversation });

test('a second turn has to have the first one, once', t => {
  const prompt = { event: 'prompt', nonce: 'NONCE-2', earlier: ['NONCE-1'] };
  const result = { event: 'tool-result', nonce: 'NONCE-2' };
  t.is(resumed(prompt, result).status, 'ok');
  t.regex(resumed(prompt).details, /do not match its calls/);
  t.regex(resumed({ ...prompt, earlier: [] }, result).details, /did not have the first turn/);
  t.regex(resumed().details, /did not reach the model with --continue/);
  t.regex(noConversationRow(conversation).details, /none of ~\/\.claude\/projects/);
});

const schema = (printed: string, field: string | null, seen = [{ event: 'value', nonce }]) =>
  schemaRow(turn(seen), { nonce, printed, outputSchema: { flag: '--schema', takes: 'text', field } });

test('a value has to be printed in the place that the data name', t => {
  t.is(schema('text\n{"answer":"NONCE-1"}\n', null).status, 'ok');
  t.is(schema('{"structured":{"answer":"NONCE-1"}}', 'structured').status, 'ok');
  t.regex(schema('{"other":{"answer":"NONCE-1"}}', 'structured').details, /in the field "structured"/);
  t.regex(schema('{"answer":"NONCE-2"}\nnull\n1', null).details, /not the value as JSON/);
  t.regex(schema('{"answer":"NONCE-1"}', null, []).details, /no request had the schema with --schema/);
});
