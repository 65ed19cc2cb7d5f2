#!/usr/bin/env node
// The engine needs what Node 22 brings; an older one is told so in a line instead of a syntax error, so nothing here
// may be newer than ES modules themselves.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 20)) {
  console.error(`agent-flow needs Node 22.20 or newer; this is ${process.versions.node}`);
  process.exit(2);
}
const argv = process.argv.slice(2);

try {
  process.cwd();
} catch {
  // Nothing that is named by an absolute path needs it.
  process.chdir('/');
  console.error('agent-flow: the working directory has been removed; relative paths start in / instead');
}

async function main() {
  if (argv.length > 1 || argv[0] !== '--version') return (await import('./cli.ts')).main(argv);
  // Asked by scripts, again and again: not worth loading everything for.
  console.log((await import('./package.ts')).version);
  return 0;
}

void main().then(code => {
  process.exitCode = code;
  // Node's own tidying, which would follow, takes some ten milliseconds in which a Ctrl-C ends us by the signal.
  process.once('beforeExit', () => process.exit());
});

export {};
