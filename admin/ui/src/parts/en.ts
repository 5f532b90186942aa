export const en = {
  volume: 'Volume',
  state: 'State',
  copies: 'Copies',
  ofWanted: (live: string, target: string) => `${live} of ${target}`,
  blocks: 'Blocks',
  size: 'Size',
  replicas: 'Copies on',
  volumes: 'Volumes',
  prioritise: 'Repair next',
  show: 'Show',
  events: 'Events',
  time: 'Time',
  severity: 'Severity',
  code: 'Kind',
  subject: 'Subject',
  text: 'What happened',
};

export type Messages = typeof en;
