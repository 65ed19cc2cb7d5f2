import { onPath } from '../on-path.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** Check Node.js and the programs on PATH. */
export function checkHost(env: NodeJS.ProcessEnv, node = process.versions.node): Finding[] {
  const git = onPath('git', env);
  return [
    nodeFinding(node),
    git ? ok('git', git) : warn('git', 'not on PATH; only the examples need it', 'install git'),
  ];
}

function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > 22 || (major === 22 && minor >= 20);
  return isNew
    ? ok('Node.js', version)
    : fail('Node.js', `${version} is too old`, 'install Node.js 22.20 or newer');
}
