import assert from 'node:assert/strict';
import test from 'node:test';
import { timeLeft } from '../src/time-left.js';

test('hours, minutes and seconds are told, the largest first', () => {
  assert.equal(timeLeft(3_723_000), '1 h 2 min 3 s');
});

test('a unit of which there is none is left out', () => {
  assert.equal(timeLeft(3_600_000), '1 h');
  assert.equal(timeLeft(61_000), '1 min 1 s');
});

test('no time at all is zero seconds', () => {
  assert.equal(timeLeft(0), '0 s');
  assert.equal(timeLeft(400), '0 s');
});

test('what is half a second and more counts as one', () => {
  assert.equal(timeLeft(1_500), '2 s');
});

test('seconds that round up to sixty make a minute', () => {
  assert.equal(timeLeft(59_700), '1 min');
  assert.equal(timeLeft(119_999), '2 min');
});

test('minutes that round up to sixty make an hour', () => {
  assert.equal(timeLeft(3_599_600), '1 h');
});
