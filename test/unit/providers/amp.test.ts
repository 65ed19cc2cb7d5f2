import test from 'ava';
import { ai, failureKind, hasLogin, homeWith } from '../_helpers/provider.ts';

test('amp allows all tools by its settings, since it has no flag for that', async t => {
  const { settings, command, stdin } = await ai('amp', {}, { AMP_API_KEY: 'dummy-key' });
  t.deepEqual(settings, [{ file: '.config/amp/settings.json', json: { 'amp.dangerouslyAllowAll': true } }]);
  t.deepEqual([command, stdin], [['amp', '--execute', '--stream-json'], 'prompt']);
});

test('amp accepts neither a model nor a budget', async t => {
  await t.throwsAsync(ai('amp', { model: 'opus' }), { message: /amp takes no model on its command line/ });
  await t.throwsAsync(ai('amp', { budget: { turns: 3 } }), { message: /amp does not report its turns/ });
});

test('amp prints the events of claude, and asks for a login in words', async t => {
  const { report } = await ai('amp');
  t.is(report?.format, 'claude');
  const asks = new RegExp(report!.words!.asks!, 'i');
  t.regex('Starting login flow...', asks);
  t.regex('Paste your code here:', asks);
  t.notRegex('I fixed the login flow', asks);
});

test('amp accepts a key or a login on this machine as its login', async t => {
  t.true(await hasLogin('amp', {}, { AMP_API_KEY: 'dummy-key' }));
  t.true(await hasLogin('amp', {}, { HOME: homeWith('.local/share/amp/secrets.json') }));
  t.false(await hasLogin('amp', {}, { ANTHROPIC_API_KEY: 'dummy-key' }));
});

test('messages of amp without a login or quota are recognized', t => {
  t.is(failureKind('amp', 'No API key found. Run amp login.'), 'login');
  t.is(failureKind('amp', '402: out of credits'), 'quota');
  t.is(failureKind('amp', 'error 4290'), null);
});
