import type { Messages } from './en';

export const de: Messages = {
  soon: 'Diese App entsteht gerade.',
};
