import * as z from 'zod';
import { maxDuration } from './units.ts';

export const text = z.string().refine(value => !value.includes('\0'), 'holds a NUL');
export const ms = z.int().min(0).max(maxDuration);
export const count = z.int().min(1);
export const usd = z.number().positive();
