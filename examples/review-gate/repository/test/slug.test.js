import assert from 'node:assert/strict';
import test from 'node:test';
import { slug } from '../src/slug.js';

test('there is a hyphen between all words', () => {
  assert.equal(slug('Notes on Clean Commits'), 'notes-on-clean-commits');
});
