export const en = {
  soon: 'This app is being built.',
};

export type Messages = typeof en;
