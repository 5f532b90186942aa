export const en = {
  apps: {
    overview: 'Overview',
    nodes: 'Nodes',
    replication: 'Replication',
    files: 'Files',
    activity: 'Activity',
    performance: 'Performance',
    topology: 'Topology',
    users: 'Users',
    settings: 'Settings',
    connect: 'Connect',
    help: 'Help',
  },
};

export type Messages = typeof en;
