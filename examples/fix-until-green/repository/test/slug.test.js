import assert from 'node:assert/strict';
import test from 'node:test';
import { slug } from '../src/slug.js';

test('there is a hyphen between all words', () => {
  assert.equal(slug('Notes on Clean Commits'), 'notes-on-clean-commits');
});

test('there is no punctuation', () => {
  assert.equal(slug('What, again?'), 'what-again');
});

test('there are no accents', () => {
  assert.equal(slug('Crème Brûlée'), 'creme-brulee');
});
