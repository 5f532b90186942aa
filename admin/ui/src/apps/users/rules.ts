// What is asked of a new password before the server is.

export const leastPassword = 12;

export function tooShort(password: string): boolean {
  return [...password].length < leastPassword;
}
