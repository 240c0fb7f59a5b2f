import { FieldwattError, messageOf } from "../../domain/model/index.ts";

/** Every fault of a database driver as one coded error; coded ones pass as they are. */
export async function coded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof FieldwattError) throw cause;
    throw new FieldwattError("STORAGE_FAILED", `The hub's storage failed: ${messageOf(cause)}`, { cause });
  }
}
