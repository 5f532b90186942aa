// Column tells the grid what a column holds. text is what is shown when the
// `cell` snippet does not draw it, what is copied and exported, and what is
// read on the phone.
export type Column<T> = {
  id: string;
  title: string;
  text: (row: T) => string;
  // width in px; grow shares what is left (default: 1 for the first column)
  width?: number;
  grow?: number;
  align?: 'start' | 'end';
  // sort answers what to compare; true: the server sorts; absent: not sortable
  sort?: ((row: T) => number | string) | true;
  // hidden until the person shows it
  hidden?: boolean;
  // on a narrow screen: the first line, the second line, at its end, or nowhere
  phone?: 'title' | 'meta' | 'end' | 'none';
};

export type Sort = { by: string; desc: boolean };

// Source is a list too long to hold: rows are read as they come into sight.
export type Source<T> = {
  count: number;
  // at answers a row, or undefined while it is being read
  at: (index: number) => T | undefined;
  // want is called with what is on screen
  want: (from: number, to: number) => void;
};
