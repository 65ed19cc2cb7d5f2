export { daemon } from './daemon.ts';
export { resume } from './resume.ts';
export { run } from './run.ts';
