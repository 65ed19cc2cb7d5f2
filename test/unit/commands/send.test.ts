import test from 'ava';
import { typeable } from '../../../src/commands/send/paste.ts';

test('text keeps its newlines and tabs, and no other control character', t => {
  t.deepEqual(typeable('a\tb\nc'), { kept: 'a\tb\nc', dropped: 0 });
  t.deepEqual(typeable('a\r\nb\rc'), { kept: 'a\nb\nc', dropped: 0 });
  t.deepEqual(typeable('x\x1b[201~\x03y\x9b201~z\x00\x7f\x08'), { kept: 'x[201~y201~z', dropped: 6 });
  t.deepEqual(typeable('größe 👩‍👩‍👧'), { kept: 'größe 👩‍👩‍👧', dropped: 0 });
});
