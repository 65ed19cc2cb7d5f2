import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { clientSetting } from '../../../src/docker/client-settings.ts';
import { folder } from '../_helpers/repositories.ts';

test('a setting is read from the directory that docker reads', t => {
  const HOME = folder(t);
  const DOCKER_CONFIG = folder(t);
  writeFileSync(join(DOCKER_CONFIG, 'config.json'), '{"detachKeys": "ctrl-e,e"}');
  t.is(clientSetting('detachKeys', { HOME, DOCKER_CONFIG }), 'ctrl-e,e');
  t.is(clientSetting('currentContext', { HOME, DOCKER_CONFIG }), null);
  t.is(clientSetting('detachKeys', { HOME }), null);
});
