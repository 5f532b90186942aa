// What a new password must be before the server is asked.
import { t } from './strings';

export const leastPassword = 12;

// weak answers why a new password will not do, or nothing.
export function weak(password: string, again: string): string {
  if ([...password].length < leastPassword) return `${t.passwordShort} ${t.passwordHint}`;
  return password === again ? '' : t.passwordDiffers;
}
