#!/usr/bin/env node
// Print one line instead of a syntax error on an older Node.js, so nothing here may be newer than ES modules themselves.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 20)) {
  console.error(`agent-flow needs Node 22.20 or newer; this is ${process.versions.node}`);
  process.exit(2);
}
const argv = process.argv.slice(2);

try {
  process.cwd();
} catch {
  // Absolute paths still work.
  process.chdir('/');
  console.error(
    'agent-flow: the working directory has been removed; relative paths are resolved in / instead',
  );
}

/** Defined in the bundle only. */
declare const bundledVersion: string | undefined;

async function main() {
  if (argv.length > 1 || argv[0] !== '--version') {
    keepCompiled();
    return (await import('./cli.ts')).main(argv);
  }
  // Scripts call this often, and reading package.json takes longer than everything else here.
  console.log(typeof bundledVersion === 'string' ? bundledVersion : (await import('./package.ts')).version);
  return 0;
}

/**
 * Let Node keep the compiled bundle beside the bundle. Only a user who can change the command itself can write there, and
 * it is removed with the package. Nothing is kept in a read-only package.
 */
function keepCompiled() {
  if (typeof bundledVersion !== 'string') return;
  process.getBuiltinModule('module').enableCompileCache(`${import.meta.dirname}/compiled`);
}

void main().then(code => {
  process.exitCode = code;
  // Skip Node's own cleanup of some 10 ms, in which a Ctrl-C would replace the exit code by the signal.
  process.once('beforeExit', () => process.exit());
});

export {};
