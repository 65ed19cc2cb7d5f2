import assert from 'node:assert/strict';
import test from 'node:test';
import { initials } from '../src/initials.js';

test('initials are the first letters, in capitals', () => {
  assert.equal(initials('ada  lovelace'), 'AL');
});

test('who has no name has no initials', () => {
  assert.equal(initials(' '), '');
});
