/**
 * An engine without one of its safeguards, and the test of the suite that must fail. Each edit is a piece of a file and
 * its replacement; a piece that does not occur exactly once fails the test, so that none becomes stale.
 */
export interface Mutant {
  readonly drops: string;
  readonly edits: readonly (readonly [file: string, from: string, to: string])[];
  /** The test file, and the title of the test in it. */
  readonly caughtBy: readonly [file: string, title: string];
  /** The expected output of the failed test. */
  readonly output: RegExp;
}

export const mutants: readonly Mutant[] = [
  {
    drops: 'the sync',
    edits: [['src/store/journal.ts', 'fdatasync(fd, error => {', 'setImmediate((error: Error | null) => {']],
    caughtBy: ['storage.test.ts', 'a confirmed append survives a loss of power, from the first record on'],
    output: /the journal itself is gone/,
  },
  {
    drops: 'the intent',
    edits: [
      [
        'src/docker/recorder.ts',
        'const written = call === null ? null : append(call);',
        'const written = null;',
      ],
    ],
    caughtBy: ['late-create.test.ts', '*completes while its run is stopped is removed'],
    output: /containers, at once/,
  },
  {
    drops: 'the absence checks',
    edits: [
      ['src/agent-container/absence-checks.ts', 'const absenceChecks = 3;', 'const absenceChecks = 1;'],
    ],
    caughtBy: ['late-create.test.ts', '*completes while its run is stopped is removed'],
    output: /containers, at once/,
  },
  {
    drops: 'the marker',
    edits: [
      ['docker/rootfs/usr/local/bin/agent-inject', '! has_started || { echo already; exit 0; }', ':'],
      ['docker/rootfs/usr/local/bin/agent-inject', "'#{&&:#{==:#{@agent},ready},#{pane_pipe}}'", "'1'"],
      [
        'docker/rootfs/usr/local/bin/agent-inject',
        'until has_started; do\n',
        'typed=; until [ -n "$typed" ] && has_started; do typed=yes\n',
      ],
    ],
    caughtBy: ['injected-once.test.ts', '*'],
    output: /the text typed into the agent/,
  },
  {
    drops: 'the label check',
    edits: [['src/actors/create.ts', 'isOurs(found, identity, input.name) ?', 'isOurs !== null ?']],
    caughtBy: ['outside.test.ts', 'a second attempt whose name is taken is refused*'],
    output: /^not ok .*a second attempt whose name is taken/m,
  },
  {
    drops: 'the fencing',
    edits: [
      [
        'src/recovery/reconcile.ts',
        'facts.filter(fact => fact.ours && fact.attempt === attempt)',
        'facts.filter(fact => fact.ours)',
      ],
    ],
    caughtBy: ['outside.test.ts', 'a supervisor that dies after the create of a second attempt*'],
    output: /^not ok .*a supervisor that dies after the create of a second attempt/m,
  },
];
