export { daemon } from './daemon.ts';
export { rerun } from './rerun.ts';
export { resume } from './resume.ts';
