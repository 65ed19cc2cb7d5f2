import test from 'ava';
import { droid } from '../../../src/providers/droid.ts';
import { pi } from '../../../src/providers/pi.ts';
import { refusedKey } from '../../../src/providers/refused-key.ts';

test('the refused key is one that the agent was given', t => {
  t.is(refusedKey(pi, ['NPM_TOKEN', 'OPENAI_API_KEY']), 'OPENAI_API_KEY');
  t.is(refusedKey(droid, ['MY_PASSWORD', 'MY_API_KEY']), 'MY_API_KEY');
  t.is(refusedKey(droid, ['MY_API_KEY', 'FACTORY_API_KEY']), 'FACTORY_API_KEY');
});

test('an agent without a key gets the first one', t => {
  t.is(refusedKey(droid, []), 'FACTORY_API_KEY');
  t.is(refusedKey({ keys: ['A_KEY'] }, ['NPM_TOKEN']), 'A_KEY');
});
