// Runs before each file of tests. Only what has a page needs what takes the
// components from it again; loading that for the others costs a third of a second each.
export {};
if (typeof document !== 'undefined') await import('@testing-library/svelte/vitest');
