export type Row = Readonly<Record<string, unknown>>;

export interface Queryable {
  /** Runs one statement. @throws FieldwattError STORAGE_FAILED */
  query(sql: string, params?: readonly unknown[]): Promise<readonly Row[]>;
}

export interface Storage extends Queryable, AsyncDisposable {
  /** Commits when `work` resolves, rolls back when it rejects. Only `transaction` given to `work` is inside. */
  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T>;
}
