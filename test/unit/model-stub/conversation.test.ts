import test from 'ava';
import { decide, type Step } from '../../../src/model-stub/conversation.ts';

const user = (nonce: string): Step => ({ from: 'user', text: `Write ${nonce} into the file answer.txt` });
const tool = (text: string): Step => ({ from: 'tool', text });
const model: Step = { from: 'model' };
const plain = { hasTool: true, schema: null, isEndless: false };

test('a prompt leads to one tool call that reads the written file back', t => {
  const { call, events } = decide([user('NONCE-a1')], plain);
  t.is(call?.command, "printf '%s\\n' NONCE-a1 >answer.txt && cat answer.txt");
  t.deepEqual(events, [{ event: 'prompt', nonce: 'NONCE-a1', earlier: [] }]);
});

test('the turn ends with the result of the tool, which counts only with its content', t => {
  const done = decide([user('NONCE-a1'), model, tool('NONCE-a1\n')], plain);
  t.is(done.text, 'NONCE-a1 is in answer.txt.');
  t.deepEqual(
    done.events.map(({ event }) => event),
    ['tool-result', 'turn-end'],
  );
  const denied = decide([user('NONCE-a1'), model, tool('permission denied')], plain);
  t.is(denied.text, 'answer.txt could not be written.');
  t.deepEqual(
    denied.events.map(({ event }) => event),
    ['tool-failed', 'turn-end'],
  );
});

test('the prompt of a later turn has those before it in the same conversation', t => {
  const steps = [user('NONCE-a1'), model, tool('NONCE-a1'), model, user('NONCE-b2')];
  const { call, events } = decide(steps, plain);
  t.is(call?.nonce, 'NONCE-b2');
  t.deepEqual(events, [{ event: 'prompt', nonce: 'NONCE-b2', earlier: ['NONCE-a1'] }]);
});

test('a result that is sent twice leaves no call for the next prompt', t => {
  const steps = [user('NONCE-a1'), model, tool('NONCE-a1'), tool('NONCE-a1'), model, user('NONCE-b2')];
  t.is(decide(steps, plain).call, undefined);
});

test('a prompt that is repeated counts once', t => {
  const { call } = decide([user('NONCE-a1'), user('NONCE-a1'), model, tool('NONCE-a1')], plain);
  t.is(call, undefined);
});

test('a request without a tool or a prompt is an aside', t => {
  t.deepEqual(decide([user('NONCE-a1')], { ...plain, hasTool: false }).events, [{ event: 'aside' }]);
  t.deepEqual(decide([{ from: 'user', text: 'hello' }], plain).events, [{ event: 'aside' }]);
});

test('with a schema the turn ends with a value for it, once', t => {
  const schema = { properties: { answer: {} } };
  const steps = [user('NONCE-a1'), model, tool('NONCE-a1')];
  const { value, text, events } = decide(steps, { ...plain, schema });
  t.deepEqual(value, { answer: 'NONCE-a1' });
  t.is(text, '{"answer":"NONCE-a1"}');
  t.is(events.at(-1)?.event, 'value');
  const taken: Step = { from: 'tool', text: 'accepted', isValue: true };
  t.is(decide([...steps, model, taken], { ...plain, schema }).value, undefined);
});

test('an endless model calls the last tool again', t => {
  const { call } = decide([user('NONCE-a1'), model, tool('NONCE-a1')], { ...plain, isEndless: true });
  t.is(call?.nonce, 'NONCE-a1');
});

test('to another message the model replies with the first line of its script that matches and is left', t => {
  const script = [
    { pattern: 'tests fail', command: 'fix one' },
    { pattern: 'fail: (\\w+)', command: 'fix $1', value: { fixed: ['two'] } },
  ];
  const says = (text: string): Step => ({ from: 'user', text });
  const first = [says('The tests fail')];
  t.is(decide(first, { ...plain, script }).call?.command, 'fix one\necho script-1');
  const second = [...first, model, tool('script-1'), model, says('The tests fail: two')];
  const { call, events } = decide(second, { ...plain, script });
  t.is(call?.command, 'fix two\necho script-2');
  t.deepEqual(events, [{ event: 'prompt', nonce: 'script-2', earlier: ['script-1'] }]);
  const last = decide([...second, model, tool('script-2')], { ...plain, schema: {}, script });
  t.deepEqual(last.value, { fixed: ['two'] });
  t.deepEqual(decide([says('hello')], { ...plain, script }).events, [{ event: 'aside' }]);
});
