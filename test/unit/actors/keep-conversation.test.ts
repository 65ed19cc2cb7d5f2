import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { continueConversation, withBaseline } from '../../../src/actors/continue-conversation.ts';
import { conversationLimits, keepConversation } from '../../../src/actors/keep-conversation.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { redactor } from '../../../src/secrets/redact.ts';
import type { ConversationPlan } from '../../../src/spec/conversation-plan.ts';
import { type AttemptState, emptyAttempt } from '../../../src/state/attempt-state.ts';
import { readTar } from '../../../src/workspace/tar-reader.ts';
import { agent, fakeClient, fakeJournal, input, never, rejection } from '../_helpers/actor-ports.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';
import { folder } from '../_helpers/repositories.ts';
import { type Entry, stream } from '../_helpers/tar-stream.ts';

const conversation: ConversationPlan = {
  ...{ files: ['.cli/chats', '.cli/index'], args: ['--continue'], promptWords: 0, after: ['check', 'quota'] },
};
const check = { command: ['x'], rounds: 3, protect: [], timeout: 1, network: null };
const plan = agent({ conversation, check, workspace: { mode: 'bind', path: '/w' } });
const worked = { reason: 'exit', code: 0, oomKills: 0 } as const;
const home: Entry = { path: 'home', content: '/root' };

/** Keep the conversation of a container with this home file and these chats; null: there are none. */
async function keep(
  t: ExecutionContext,
  chats: readonly Entry[] | null,
  { homeFile = home as Entry | null, record = worked as Parameters<typeof keepConversation>[2] } = {},
) {
  const root = folder(t);
  const { here } = fakeDocker(
    t,
    `echo "$2" >>"$here/paths"
case $2 in */home) file=home ;; */chats) file=chats ;; *) file=none ;; esac
[ -e "$here/$file" ] || { echo "Error response from daemon: Could not find the file $2 in container c" >&2; exit 1; }
cat "$here/$file"`,
  );
  const write = (name: string, entries: readonly Entry[]) =>
    writeFileSync(join(here, name), Buffer.concat(stream(entries)));
  if (homeFile !== null) write('home', [homeFile]);
  if (chats !== null) write('chats', chats);
  const { emit, events } = fakeJournal();
  const context = {
    plan: () => plan,
    recorder: nullRecorder,
    folder: (_: string, attempt: number) => join(root, String(attempt)),
    vault: { redactor: redactor(['a-long-secret-value']) } as never,
    attempts: () => [] as readonly AttemptState[],
    emit,
  };
  await keepConversation(context, input, record, never);
  return { events, file: join(root, '1', 'conversation.tar'), context, here };
}

const chat: Entry = { path: 'chats/one.jsonl', content: '{"a":1}\n' };

test.serial('the regular files of a conversation are kept in one file, as those of the home', async t => {
  const hostile: Entry[] = [
    { path: 'chats/link', type: 'SymbolicLink', linkpath: '/etc/passwd' },
    { path: 'chats/hard', type: 'Link', linkpath: '/etc/passwd' },
    { path: 'chats/fifo', type: 'FIFO' },
    { path: '../../escape', content: 'x' },
    { path: '/etc/absolute', content: 'x' },
  ];
  const { events, file } = await keep(t, [{ path: 'chats/', type: 'Directory' }, chat, ...hostile]);
  t.deepEqual(events, [{ type: 'conversation.kept', agent: 'a', attempt: 1, problem: null }]);
  t.is(statSync(file).mode & 0o777, 0o600);
  const names: string[] = [];
  const bytes = readFileSync(file);
  for await (const { path, type } of readTar(
    (async function* () {
      yield bytes;
    })(),
  ))
    names.push(`${type} ${path}`);
  t.deepEqual(names, ['directory .cli/chats', 'file .cli/chats/one.jsonl']);
});

test.serial('a conversation that cannot be kept is a problem, and nothing of it is stored', async t => {
  const large = { ...chat, content: Buffer.alloc(conversationLimits.maxBytes + 1) };
  for (const [chats, homeFile, problem] of [
    [null, home, /its files were not found/],
    [[{ path: 'chats/', type: 'Directory' }], home, /its files were not found/],
    [[{ ...chat, content: 'x a-long-secret-value' }], home, /it contains a secret/],
    [[large], home, /it is larger than 32 MiB|it is larger than/],
    [[chat], null, /its home is not known/],
    [[chat], { path: 'home', type: 'SymbolicLink', linkpath: '/root' }, /its home is not known/],
    [[chat], { ...home, content: 'relative' }, /its home is not known/],
  ] as const) {
    const { events, file } = await keep(t, chats as Entry[] | null, { homeFile: homeFile as Entry | null });
    t.is(events.length, 1);
    t.regex((events[0] as { problem: string }).problem, problem);
    t.throws(() => statSync(file));
  }
});

test.serial('nothing is kept that no other attempt can continue', async t => {
  const failed = { ...worked, code: 1 };
  t.deepEqual((await keep(t, [chat], { record: failed })).events, []);
  const { context, here } = await keep(t, [chat]);
  writeFileSync(join(here, 'paths'), '');
  const kept = { ...emptyAttempt(1), conversation: { problem: null } };
  await keepConversation({ ...context, attempts: () => [kept] }, input, worked, never);
  await keepConversation(context, { ...input, round: 3 }, worked, never);
  await keepConversation(context, { ...input, cancelled: true }, worked, never);
  t.is(readFileSync(join(here, 'paths'), 'utf8'), '', 'docker is not called');
});

const failedCheck = {
  ...({ round: 1, rounds: 3, status: 'failed', exitCode: 1 } as const),
  ...{ reason: 'x', ms: 1, transcript: null },
};
const first: AttemptState = {
  ...emptyAttempt(1),
  ...{ status: 'succeeded', check: failedCheck, conversation: { problem: null } },
};

function second(t: ExecutionContext, attempts: readonly AttemptState[], respond = fakeClient().docker) {
  const root = folder(t);
  mkdirSync(join(root, '1'));
  const inputs: (string | Uint8Array | undefined)[] = [];
  const { emit, events, messages } = fakeJournal();
  const context = {
    plan: () => plan,
    folder: (_: string, attempt: number) => join(root, String(attempt)),
    attempts: () => attempts,
    emit,
    docker: (async (args, options) => {
      inputs.push(options?.input);
      return respond(args, options);
    }) as typeof respond,
  };
  return { context, events, messages, inputs, file: join(root, '1', 'conversation.tar') };
}

const next = { ...input, attempt: 2, round: 2 };

test('the next round gets the conversation, before that is journaled, and again after a crash', async t => {
  const { context, events, inputs, file } = second(t, [first]);
  writeFileSync(file, 'the archive');
  t.deepEqual(await continueConversation(context, next, never), { attempt: 1, end: 'check' });
  t.is(String(inputs[0]), 'the archive');
  t.deepEqual(events, [{ type: 'conversation.continued', agent: 'a', attempt: 2, of: 1, problem: null }]);
  const known = { ...emptyAttempt(2), continues: { of: 1, problem: null } };
  const resumed = second(t, [first, known]);
  writeFileSync(resumed.file, 'the archive');
  t.truthy(await continueConversation(resumed.context, next, never));
  t.deepEqual([resumed.inputs.length, resumed.events.length], [1, 0]);
});

test('an attempt whose conversation was not kept begins a new one, with one warning', async t => {
  for (const [attempt, reason] of [
    [{ ...first, conversation: { problem: 'it contains a secret' } }, /it contains a secret/],
    [{ ...first, conversation: null }, /its container was gone/],
    [first, /its file is missing/],
  ] as const) {
    const { context, messages, inputs, events } = second(t, [attempt]);
    t.is(await continueConversation(context, next, never), null);
    t.regex(messages()[0]!, /^attempt 2 begins a new conversation, since that of attempt 1 was not kept/);
    t.regex(messages()[0]!, reason);
    t.deepEqual(inputs, []);
    const problem = (events.at(-1) as { problem: string }).problem;
    const again = second(t, [attempt, { ...emptyAttempt(2), continues: { of: 1, problem } }]);
    t.is(await continueConversation(again.context, next, never), null);
    t.deepEqual(again.events, []);
  }
});

test('a conversation that cannot be sent is tried again, and nothing is journaled before', async t => {
  const { docker } = fakeClient(() => ({ stderr: 'it broke' }));
  const { context, events, file } = second(t, [first], docker);
  writeFileSync(file, 'the archive');
  t.is((await rejection(continueConversation(context, next, never))).kind, 'transient');
  t.deepEqual(events, []);
});

test('a report of the sum of all turns is compared with the usage before', t => {
  const usage = { turns: 1, inputTokens: 200, cachedInputTokens: 20, outputTokens: 40, costUsd: 0.1 };
  const attempts = [
    { ...first, usage },
    { ...emptyAttempt(2), continues: { of: 1, problem: null } },
  ];
  const report = { format: 'codex', login: 'l', quota: 'q' };
  t.deepEqual(withBaseline({ attempts: () => attempts }, next, report), {
    ...report,
    baseline: { inputTokens: 200, cachedInputTokens: 20, outputTokens: 40, costUsd: 0.1 },
  });
  t.is(withBaseline({ attempts: () => [first] }, next, report), report);
});
