import test from 'ava';
import { providers } from '../../../src/providers/catalogue.ts';
import { wordsReport } from '../../../src/providers/words-report.ts';

const matches = (pattern: string, message: string) => new RegExp(pattern, 'i').test(message);

test('the messages of common APIs without a login are recognized', t => {
  for (const message of [
    'Error: 401 Unauthorized',
    'You are not logged in',
    'Please run "cursor-agent login" to log in',
    'You must first log in',
    'Authentication required',
    'litellm.AuthenticationError: Incorrect API key provided',
    'missing api-key',
  ])
    t.true(matches(wordsReport.login, message), message);
});

test('the messages of common APIs without quota are recognized', t => {
  for (const message of [
    'RateLimitError: 429',
    'rate-limited, try again later',
    'Too many requests',
    'You exceeded your current quota',
    'insufficient API balance',
    'Usage limit reached',
  ])
    t.true(matches(wordsReport.quota, message), message);
});

test("words of an agent's work are not taken for a failure", t => {
  for (const message of [
    'Added a test for the login form',
    'wrote 401k.txt and port 14290',
    'the authentication module is done',
    'I removed the balance column',
  ]) {
    t.false(matches(wordsReport.login, message), message);
    t.false(matches(wordsReport.quota, message), message);
  }
});

test('the providers without a format of events share it', t => {
  t.deepEqual(
    providers.filter(({ report }) => report === wordsReport).map(({ name }) => name),
    ['cursor', 'aider', 'kiro', 'goose', 'antigravity'],
  );
});
