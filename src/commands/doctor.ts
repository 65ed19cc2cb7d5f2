import { join } from 'node:path';
import { namedContext } from '../connection/engine-connection.ts';
import { dockerCli } from '../docker/cli.ts';
import { inContext } from '../docker/engine-address.ts';
import { nullRecorder } from '../docker/recorder.ts';
import { examine } from '../doctor/examine.ts';
import type { Finding } from '../doctor/finding.ts';
import { packageFolder } from '../package.ts';
import { stateDirPath } from '../store/state-directory.ts';
import { forLog } from '../text/log-text.ts';
import { oneLine } from '../text/text.ts';
import { type Command, type CommonOptions, printJson, printLine } from './command.ts';
import { managerContext, managerOption } from './engine-option.ts';

interface DoctorOptions extends CommonOptions {
  readonly swarm?: string;
  readonly json?: boolean;
}

export const doctor: Command = {
  options: yargs =>
    yargs.option('swarm', { ...managerOption, conflicts: 'context' }).option('json', {
      type: 'boolean',
      describe: 'Print one line of JSON: [{check, status, found, hint}]',
    }),

  async handler({ stateDir, swarm, json }: DoctorOptions) {
    const manager = managerContext(swarm);
    const { findings, exitCode } = await examine({
      docker: manager === null ? dockerCli(nullRecorder) : clientOf(manager),
      env: inContext(manager, process.env),
      ...(manager !== null && { clientOf }),
      stateDir: stateDirPath(stateDir, process.env),
      source: join(packageFolder, 'docker'),
    });
    if (json) {
      printJson(findings);
      return exitCode;
    }
    const width = Math.max(...findings.map(({ check }) => check.length));
    process.stdout.write(forLog(findings.map(finding => linesOf(finding, width)).join('')));
    printLine(summary(findings));
    return exitCode;
  },
};

const clientOf = (context: string) => dockerCli(nullRecorder.to(namedContext(context)));

function linesOf({ check, status, found, hint }: Finding, width: number): string {
  const line = `${status.padEnd(4)}  ${check.padEnd(width)}  — ${oneLine(found)}\n`;
  return hint === null ? line : `${line}      → ${oneLine(hint)}\n`;
}

function summary(findings: readonly Finding[]): string {
  const count = (wanted: Finding['status']) => findings.filter(({ status }) => status === wanted).length;
  const [failed, warned] = [count('fail'), count('warn')];
  if (failed > 0) return `${failed} of ${findings.length} checks failed: agents cannot run`;
  return warned > 0 ? `no check failed; ${warned} warning${warned === 1 ? '' : 's'}` : 'no problems found';
}
