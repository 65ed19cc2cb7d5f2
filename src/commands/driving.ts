export { daemon } from './daemon.ts';
export { resume } from './resume.ts';
