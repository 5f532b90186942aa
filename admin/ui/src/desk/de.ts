import type { Messages } from './en';

export const de: Messages = {
  apps: {
    overview: 'Übersicht',
    nodes: 'Knoten',
    replication: 'Replikation',
    files: 'Dateien',
    activity: 'Aktivität',
    performance: 'Leistung',
    topology: 'Topologie',
    users: 'Benutzer',
    settings: 'Einstellungen',
    connect: 'Verbinden',
    help: 'Hilfe',
  },
};
