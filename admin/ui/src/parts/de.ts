import type { Messages } from './en';

export const de: Messages = {
  volume: 'Volume',
  state: 'Zustand',
  copies: 'Kopien',
  ofWanted: (live, target) => `${live} von ${target}`,
  blocks: 'Blöcke',
  size: 'Größe',
  replicas: 'Kopien auf',
  volumes: 'Volumes',
  prioritise: 'Als Nächstes reparieren',
  show: 'Zeigen',
  events: 'Ereignisse',
  time: 'Zeit',
  severity: 'Schwere',
  code: 'Art',
  subject: 'Betrifft',
  text: 'Was geschah',
};
